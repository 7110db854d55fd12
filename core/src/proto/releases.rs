//! Versions of the app: whom the next one is offered to, and how it started.

use serde::{Deserialize, Serialize};

/// Answer of `GET /release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Releases {
    /// The version that some devices are offered before the others.
    pub next: Option<NextRelease>,
}

/// A version, and which devices it is for; each decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRelease {
    /// Its name, as its signed list has it.
    pub version: String,
    /// Of a hundred devices, so many.
    pub percent: u8,
    /// SHA-256 of the ids of devices, both in hex, which are offered it in any case.
    pub allow: Vec<String>,
}

/// How a version started on a device that had just taken it; the device does not say which it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStart {
    /// The version.
    pub version: String,
    /// It came up; otherwise it was given up.
    pub good: bool,
}
