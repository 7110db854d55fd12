//! The account's devices, as a page lists them.

use serde::{Deserialize, Serialize};

use crate::id::DeviceId;

/// A device of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// What people call it.
    pub name: String,
    /// It is this one.
    pub this: bool,
    /// It is being taken off.
    pub leaving: bool,
    /// When its person last signed in, milliseconds since 1970, if the server says so.
    pub signed_in_ms: Option<i64>,
    /// When it was last in touch with the server.
    pub seen_ms: Option<i64>,
}

/// What a server that was restored from a backup lacks of what this device has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// How many entries.
    pub entries: u32,
    /// They are here, and can be given back.
    pub kept: bool,
}
