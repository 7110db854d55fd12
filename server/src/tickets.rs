//! Tickets: leave to read the chunks of one vault for some minutes, which an edge checks by itself.
//!
//! The origin signs them (ES256) under a key that is derived from that of its access tokens: processes
//! that share the one share the other, and no further secret has to be kept. An edge has the public half
//! and can make none. A ticket opens nothing but `GET` of chunks, and nothing takes it back before
//! it ends.
//!
//! ```text
//! ticket = u8 1 | key id[8] | account[16] | device[16] | vault[32] | be64 end, in seconds since 1970
//!        | ES256[64]
//! ```
//!
//! in base64url. Signed is `offing ticket 1\n` and what stands before the signature; a key's id is the
//! beginning of its SHA-256.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::id::{AccountId, DeviceId, VaultId};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::auth::secret_file::SecretFileError;
use crate::service::Caller;

/// Signs tickets, and checks those that come back with what an edge does not have.
#[derive(Debug)]
pub struct Tickets {
    signing: SigningKey,
    checks: Checks,
}

/// The public half: checks tickets.
#[derive(Debug, Clone)]
pub struct Checks {
    key: VerifyingKey,
    id: KeyId,
}

/// Which key signed a ticket.
pub(crate) type KeyId = [u8; KEY_ID_BYTES];

/// What a ticket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Who may read.
    pub reader: Caller,
    /// What of.
    pub vault: VaultId,
    /// Until when, in seconds since 1970.
    pub end_s: i64,
}

/// Reports a ticket that opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// Nobody who may has signed it, or it was altered.
    #[error("no ticket of this server")]
    Forged,
    /// Its time is over.
    #[error("the ticket is over")]
    Over,
}

impl Tickets {
    /// Derives the key from the secret at `path`, which is there already.
    pub fn open(path: &Path) -> Result<Self, SecretFileError> {
        let secret = std::fs::read(path)
            .map_err(|source| SecretFileError::Io { path: path.to_owned(), source })?;
        let derived = Sha256::new().chain_update(KEY_LABEL).chain_update(secret).finalize();
        // One of 2^32 hashes is no key.
        let signing = SigningKey::from_slice(&derived)
            .map_err(|_| SecretFileError::Damaged { path: path.to_owned() })?;
        let checks = Checks::new(*signing.verifying_key());
        Ok(Self { signing, checks })
    }

    /// The public half.
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Signs a ticket that ends ten minutes from now.
    pub fn issue(&self, reader: Caller, vault: VaultId, now_ms: i64) -> String {
        let end_s = now_ms.div_euclid(1_000) + LIFE_S.cast_signed();
        let mut bytes = Vec::with_capacity(TICKET_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.checks.id);
        bytes.extend_from_slice(&reader.account.0);
        bytes.extend_from_slice(&reader.device.0);
        bytes.extend_from_slice(&vault.0);
        bytes.extend_from_slice(&end_s.to_be_bytes());
        let signature: Signature = self.signing.sign(&signed(&bytes));
        bytes.extend_from_slice(&signature.to_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl Checks {
    fn new(key: VerifyingKey) -> Self {
        let hash = Sha256::digest(key.to_encoded_point(true));
        let id = hash[..KEY_ID_BYTES].try_into().expect("a hash is longer");
        Self { key, id }
    }

    /// Reads the key as [`Self::encode`] writes it.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        VerifyingKey::from_sec1_bytes(&bytes).ok().map(Self::new)
    }

    /// The key, for edges.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.to_encoded_point(true))
    }

    /// Its id.
    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// Checks a ticket; the signature comes first, so nothing unsigned says anything.
    pub fn check(&self, ticket: &str, now_ms: i64) -> Result<Ticket, TicketError> {
        let bytes = bytes_of(ticket).ok_or(TicketError::Forged)?;
        let (said, signature) = bytes.split_at(TICKET_BYTES - SIGNATURE_BYTES);
        let signature = Signature::from_slice(signature).map_err(|_| TicketError::Forged)?;
        self.key.verify(&signed(said), &signature).map_err(|_| TicketError::Forged)?;
        let (account, said) = said[1 + KEY_ID_BYTES..].split_at(AccountId::LEN);
        let (device, said) = said.split_at(DeviceId::LEN);
        let (vault, end_s) = said.split_at(VaultId::LEN);
        let account = AccountId::from_slice(account).expect("split at its length");
        let device = DeviceId::from_slice(device).expect("split at its length");
        let ticket = Ticket {
            reader: Caller { account, device },
            vault: VaultId::from_slice(vault).expect("split at its length"),
            end_s: i64::from_be_bytes(end_s.try_into().expect("eight bytes are left")),
        };
        let is_over = ticket.end_s <= now_ms.div_euclid(1_000);
        if is_over { Err(TicketError::Over) } else { Ok(ticket) }
    }
}

/// Which key a ticket says that it was signed with, before anything of it is believed.
pub(crate) fn key_of(ticket: &str) -> Option<KeyId> {
    bytes_of(ticket)?[1..=KEY_ID_BYTES].try_into().ok()
}

fn bytes_of(ticket: &str) -> Option<Vec<u8>> {
    // Before it is decoded: whoever sends it may send anything.
    if ticket.len() != TICKET_CHARACTERS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(ticket).ok()?;
    (bytes.len() == TICKET_BYTES && bytes[0] == VERSION).then_some(bytes)
}

fn signed(said: &[u8]) -> Vec<u8> {
    [LABEL, said].concat()
}

/// How a call shows one, in `Authorization`.
pub(crate) const TICKET: &str = "Ticket ";
/// How long a ticket is good for.
pub(crate) const LIFE_S: u64 = 600;
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 64;
const TICKET_BYTES: usize =
    1 + KEY_ID_BYTES + AccountId::LEN + DeviceId::LEN + VaultId::LEN + 8 + SIGNATURE_BYTES;
const TICKET_CHARACTERS: usize = (TICKET_BYTES * 8).div_ceil(6);
const LABEL: &[u8] = b"offing ticket 1\n";
const KEY_LABEL: &[u8] = b"offing ticket key 1\n";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;
    const MINUTE_MS: i64 = 60_000;

    fn tickets(secret: u8) -> Tickets {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token-key");
        std::fs::write(&path, [secret; 32]).unwrap();
        Tickets::open(&path).unwrap()
    }

    const READER: Caller = Caller { account: AccountId([1; 16]), device: DeviceId([3; 16]) };

    fn issued(tickets: &Tickets) -> String {
        tickets.issue(READER, VaultId([2; 32]), NOW_MS)
    }

    #[test]
    fn a_ticket_says_who_may_read_which_vault_for_ten_minutes() {
        let tickets = tickets(7);
        let ticket = issued(&tickets);
        let checks = Checks::decode(&tickets.checks().encode()).unwrap();
        let checked = checks.check(&ticket, NOW_MS).unwrap();
        assert_eq!((checked.reader, checked.vault), (READER, VaultId([2; 32])));
        assert!(checks.check(&ticket, NOW_MS + 10 * MINUTE_MS - 1).is_ok());
        assert_eq!(checks.check(&ticket, NOW_MS + 10 * MINUTE_MS), Err(TicketError::Over));
        assert_eq!(key_of(&ticket), Some(checks.id()));
    }

    #[test]
    fn no_changed_byte_passes() {
        let tickets = tickets(7);
        let bytes = URL_SAFE_NO_PAD.decode(issued(&tickets)).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            let refused = tickets.checks().check(&altered, NOW_MS);
            assert_eq!(refused, Err(TicketError::Forged), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_ticket_and_what_another_server_signed_is_forged() {
        let (ours, theirs) = (tickets(7), tickets(8));
        let theirs = issued(&theirs);
        assert_ne!(key_of(&theirs), Some(ours.checks().id()));
        let long = "A".repeat(10_000);
        for ticket in [&theirs, "", "A", &long, &"!".repeat(TICKET_CHARACTERS)] {
            assert_eq!(ours.checks().check(ticket, NOW_MS), Err(TicketError::Forged));
        }
    }

    #[test]
    fn the_key_is_another_one_than_that_of_access_tokens() {
        let secret = SigningKey::from_slice(&[7; 32]).unwrap();
        assert_ne!(tickets(7).checks().key, *secret.verifying_key());
        // Frozen: each process derives the same, whatever its version.
        let frozen = "A4aEEbmK4gDI0IMrlknXiEvtT-BHSo1NtvKpxjeD7Yb_";
        assert_eq!(tickets(7).checks().encode(), frozen);
    }
}
