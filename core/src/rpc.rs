//! What the page and the engine say to each other.
//!
//! Messages are postcard in one byte array; a JavaScript message is
//! `[Uint8Array, …transferables]`, the transferables being the `File`s of an upload or the
//! `ReadableStream` of a download. Nothing here carries a key or ciphertext.
//!
//! The engine answers every [`Command`] once, with a [`Reply`] or a [`Fault`], and says
//! [`Event`]s of its own accord. Faults are codes with fields; people's words for them are
//! in the client.

use serde::{Deserialize, Serialize};

use crate::limits;

mod command;
mod device;
mod event;
mod fault;
mod history;
pub mod index;
mod list;
mod reply;
mod rewind;
mod session;
mod text;
mod transfer;

pub use command::{ActionId, Command};
pub use device::{DeviceRow, Lacking};
pub use event::{Alarm, Event, Status, SyncState};
pub use fault::{Fault, NameReason};
pub use history::{At, Revision, RevisionId};
pub use list::{
    Crumb, FolderView, Hit, Kind, NodeView, Pending, Row, Saved, SetAside, Sort, SortBy, ViewId,
    Wanted, WhySetAside,
};
pub use reply::Reply;
pub use rewind::{Moment, RewindStep, Rewound};
pub use session::{KitState, Session};
pub use text::{CLIENT_OTHERS, CLIENT_TABS, Choice, OpenedText, ReadOnly, TextUpdate, Version};
pub use transfer::{Clash, Transfer, TransferControl, TransferId, TransferState, UploadItem};

/// A message from the page to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// Repeated in the reply.
    pub id: u32,
    /// What is asked.
    pub command: Command,
}

/// A message from the engine to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The answer to a command.
    Reply {
        /// The command's id.
        id: u32,
        /// What came of it.
        result: Result<Reply, Fault>,
    },
    /// Something happened.
    Event(Event),
}

/// Reports a message that cannot be understood, such as one of another build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message between page and engine cannot be understood")]
pub struct RpcError;

/// Encodes a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_allocvec(message).expect("plain data always serialises")
}

/// Decodes a message of at most `RPC_BYTES_MAX` bytes.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RpcError> {
    if bytes.len() > limits::RPC_BYTES_MAX {
        return Err(RpcError);
    }
    postcard::from_bytes(bytes).map_err(|_| RpcError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn a_command_survives_the_message() {
        let message = ToEngine {
            id: 7,
            command: Command::Rename { node: NodeId([9; 16]), name: "ünïcode.md".into() },
        };
        assert_eq!(decode::<ToEngine>(&encode(&message)), Ok(message));
    }

    #[test]
    fn noise_is_refused() {
        assert_eq!(decode::<ToEngine>(&[0xff; 12]), Err(RpcError));
    }
}
