//! What the searcher and the engine say to each other, at a port of their own.
//!
//! The searcher keeps the index of what is in the files (`offing_search`). It asks by
//! `[id, Uint8Array]`, an [`Ask`] in postcard, and is answered by `[id, Uint8Array]`, or by
//! `[id]` where that cannot be had now. It gets no key: what it has the engine keep is sealed
//! there, and shared with the person's other devices sealed. Contents it reads as the page does, by
//! `Command::OpenContent`.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::id::NodeId;

/// What the searcher asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask<'a> {
    /// The nodes of the vault, page by page. → [`NodePage`]
    Nodes {
        /// Where the page before ended; empty for the first.
        after: &'a [u8],
    },
    /// A blob that was kept. → its bytes
    Load {
        /// Where.
        place: u64,
    },
    /// Keeps a blob on this device, sealed. → nothing
    Keep {
        /// Where.
        place: u64,
        /// What.
        blob: &'a [u8],
    },
    /// Lets go of the blobs of a range of places. → nothing
    Drop {
        /// The first place.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// The newest index that a device of the person shares. → what its searcher says of its blobs;
    /// nothing where there is none
    Newest,
    /// A blob of the index that was asked for last. → its bytes
    Take {
        /// Which one, from 0.
        blob: u32,
    },
    /// Shares blobs that are kept, when nothing of a person's waits. → nothing
    Share {
        /// What the searchers of other devices are told of them.
        about: &'a [u8],
        /// Where they are, in order.
        places: Vec<u64>,
    },
    /// A mark that changes when nodes do, or where their contents are, as far as this tab knows.
    /// → some bytes
    Mark,
}

/// Some nodes of the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePage {
    /// The nodes, each with the folder that it is in.
    pub nodes: Vec<(NodeId, Row)>,
    /// Where the page ends; empty if it is the last.
    pub end: Vec<u8>,
}
