//! What the server knows about second factors, kept so that a stolen database tells none of it.
//!
//! ```text
//! secret = HMAC-SHA256("offing/1/totp" | account[16] | seed[16]), its first twenty bytes
//! made   = be64 when | HMAC-SHA256("offing/1/passkey" | session[16] | be64 when), what a new passkey is made for
//! hash   = HMAC-SHA256("offing/1/spare-code" | account[16] | the code's sixteen characters)
//! ```
//!
//! The key follows from `server-setup`. A file of its own would be one more to be lost, and each of several
//! processes would make another. Secrets are made of it and never sealed: the server has nothing that opens anything.

use hmac::{Hmac, Mac as _};
use offing_core::id::{AccountId, Hash};
use sha2_0_10::Sha256;

use super::spare::SpareCode;
use super::totp;
use crate::store::meta::SessionId;

/// Makes secrets of apps, and hashes spare codes.
#[derive(Clone)]
pub(in crate::auth) struct FactorKey([u8; 32]);

impl std::fmt::Debug for FactorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FactorKey")
    }
}

impl FactorKey {
    /// What the key is for.
    pub(in crate::auth) const PURPOSE: &[u8] = b"offing/1/second-factor";

    /// Takes a key that is derived for [`Self::PURPOSE`].
    pub(in crate::auth) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The secret of an account's app.
    pub(super) fn secret(&self, account: &AccountId, seed: &[u8]) -> [u8; totp::SECRET_BYTES] {
        let mac = self.mac([b"offing/1/totp", &account.0, seed]).finalize().into_bytes();
        *mac.first_chunk().expect("SHA-256 gives more than SHA-1")
    }

    /// What is kept of a spare code.
    pub(super) fn hash(&self, account: &AccountId, code: &SpareCode) -> Hash {
        let mac = self.mac([b"offing/1/spare-code", &account.0, code.as_bytes()]);
        Hash(mac.finalize().into_bytes().into())
    }

    /// What a new passkey of a session is made for. Nothing is kept of it, so any process takes it back.
    pub(super) fn challenge(&self, session: &SessionId, now_ms: i64) -> Vec<u8> {
        let mac = self.challenge_mac(session, now_ms).finalize().into_bytes();
        [now_ms.to_be_bytes().as_slice(), &mac].concat()
    }

    /// Says whether this was given to the session, and when.
    pub(super) fn challenged_ms(&self, session: &SessionId, challenge: &[u8]) -> Option<i64> {
        let (at_ms, mac) = challenge.split_first_chunk::<8>()?;
        let at_ms = i64::from_be_bytes(*at_ms);
        self.challenge_mac(session, at_ms).verify_slice(mac).ok().map(|()| at_ms)
    }

    fn challenge_mac(&self, session: &SessionId, at_ms: i64) -> Hmac<Sha256> {
        self.mac([b"offing/1/passkey", &session.0, &at_ms.to_be_bytes()])
    }

    fn mac(&self, parts: [&[u8]; 3]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0)
            .expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId([1; 16]);
    const BOB: AccountId = AccountId([2; 16]);

    #[test]
    fn a_secret_is_its_accounts_its_seeds_and_its_servers() {
        let key = FactorKey::new([1; 32]);
        let secret = key.secret(&ALICE, &[5; 16]);
        assert_eq!(key.secret(&ALICE, &[5; 16]), secret, "and the same again");
        assert_ne!(key.secret(&BOB, &[5; 16]), secret);
        assert_ne!(key.secret(&ALICE, &[6; 16]), secret);
        assert_ne!(FactorKey::new([2; 32]).secret(&ALICE, &[5; 16]), secret);
    }

    #[test]
    fn a_challenge_is_its_sessions_and_says_when() {
        let key = FactorKey::new([2; 32]);
        let (session, other) = (SessionId([3; 16]), SessionId([4; 16]));
        let challenge = key.challenge(&session, 1_234);
        assert_eq!(key.challenged_ms(&session, &challenge), Some(1_234));
        assert_eq!(key.challenged_ms(&other, &challenge), None);
        for at in 0..challenge.len() {
            let mut changed = challenge.clone();
            changed[at] ^= 1;
            assert_eq!(key.challenged_ms(&session, &changed), None, "{at}");
            assert_eq!(key.challenged_ms(&session, &challenge[..at]), None, "{at}");
        }
    }

    #[test]
    fn one_code_of_two_accounts_has_two_hashes() {
        let key = FactorKey::new([2; 32]);
        let code = SpareCode::generate();
        assert_eq!(key.hash(&ALICE, &code), key.hash(&ALICE, &code));
        assert_ne!(key.hash(&ALICE, &code), key.hash(&BOB, &code));
    }
}
