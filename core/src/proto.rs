//! The wire between devices and the server: JSON for small questions, fixed binary for
//! entries and chunks.
//!
//! `docs/protocol.md` holds the table of calls. JSON carries binary fields as unpadded
//! base64url ([`Bytes`]). Nothing here knows HTTP: status codes are the server's business,
//! [`Code`] is everybody's.
//!
//! ```text
//! append  = be32 count | count × lp(wire entry)                     POST …/log
//! give    = be64 after | chain[32] | append                         POST …/give-back
//! page    = be64 tip | chain[32] | incarnation[16]
//!         | be32 count | count × item                               GET  …/log?after=n
//! item    = u8 0 | lp(wire entry)
//!         | u8 1 | lp(header) | sig[64] | body hash[32]             own entries, when asked
//! batch   = (id[32] | be32 len | bytes)*                            POST …/chunks
//! have    = id[32]*  →  bitmap, first id in the highest bit         POST …/have
//! told    = vault[32] | sealed presence[504]                        both ways on /live
//! ```

mod account;
mod bytes;
mod chunks;
mod factor;
mod log;
mod refusal;
mod releases;
mod told;
mod wire;

pub use account::{
    AccessToken, AccountRecord, AccountView, DeviceBinding, DeviceSeen, Devices, LoginFinish,
    LoginStart, LoginStarted, OPEN_SIGN_UP, RegisterFinish, RegisterStart, RegisterStarted,
    Registration, SecretFinish, SecretKind, SecretStart, SecretStarted, ServerInfo, SessionStarted,
};
pub use bytes::Bytes;
pub use chunks::{
    CHUNK_HEAD_BYTES, ChunksStored, decode_bitmap, decode_have, encode_bitmap, encode_chunk_batch,
    encode_have, put_chunk_head,
};
pub use factor::{
    FactorAnswer, FactorAsk, FactorAsked, FactorProof, Factors, PasskeyFinish, PasskeyProof,
    PasskeyRemove, PasskeyStarted, PasskeyView, PasskeysAsked, SpareCodes, TotpFinish, TotpStarted,
};
pub use log::{
    AppendResult, Appended, LogPage, PageItem, Tip, Wake, decode_append, decode_give_back,
    encode_append, encode_give_back,
};
pub use refusal::{Code, Refusal};
pub use releases::{NextRelease, ReleaseStart, Releases};
pub use told::{TOLD_BYTES, decode_told, encode_told};
pub use wire::{Reader, WireError, put_lp};

/// Prefix of every call.
pub const API_PREFIX: &str = "/api/v1";
