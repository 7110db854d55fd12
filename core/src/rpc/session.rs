//! Who is signed in on this device.
//!
//! What a page may know of an account: names, never a secret.

use serde::{Deserialize, Serialize};

use crate::id::VaultId;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// Nobody.
    SignedOut,
    /// A person.
    SignedIn {
        /// The name to sign in with.
        username: String,
        /// The first vault.
        vault: VaultId,
        /// This device's name.
        device_name: String,
        /// The recovery kit was read back.
        kit_confirmed: bool,
        /// The server wants a new sign-in before it takes more; local work goes on.
        sign_in_again: bool,
    },
}
