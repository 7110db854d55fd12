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
        /// What is known of the recovery kit.
        kit: KitState,
        /// The server wants a new sign-in before it takes more; local work goes on.
        sign_in_again: bool,
        /// That is because this device was taken off the account.
        taken_off: bool,
    },
}

/// What is known of the account's recovery kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KitState {
    /// It was read back.
    Kept,
    /// It was shown on this device, which can check what is read back.
    Shown,
    /// Nobody has read one back, and this device cannot check it: a new one can be made.
    Missing,
}
