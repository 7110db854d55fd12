//! What the server knows about second factors, kept so that a stolen database tells none of it.
//!
//! ```text
//! sealed = u8 1 | nonce[12] | AES-256-GCM(secret), with "offing/1/totp" | account[16] beside it
//! made   = be64 when | HMAC-SHA256("offing/1/passkey" | session[16] | be64 when), what a new passkey is made for
//! hash   = HMAC-SHA256("offing/1/spare-code" | account[16] | the code's sixteen characters)
//! ```
//!
//! Both keys follow from `server-setup`. A file of their own would be one more to be lost, and each of several
//! processes would make another.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac as _};
use offing_core::id::{AccountId, Hash};
use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2_0_10::Sha256;

use super::spare::SpareCode;
use crate::store::meta::SessionId;

/// Seals secrets of apps, and hashes spare codes.
#[derive(Clone)]
pub(in crate::auth) struct FactorKeys {
    seal: Aes256Gcm,
    hash: [u8; 32],
}

impl std::fmt::Debug for FactorKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FactorKeys")
    }
}

impl FactorKeys {
    /// Takes keys that are derived for [`Self::SEAL`] and [`Self::HASH`].
    pub(in crate::auth) fn new(seal: &[u8; 32], hash: [u8; 32]) -> Self {
        Self { seal: Aes256Gcm::new(seal.into()), hash }
    }

    /// What the first key is for.
    pub(in crate::auth) const SEAL: &[u8] = b"offing/1/second-factor/seal";
    /// What the second key is for.
    pub(in crate::auth) const HASH: &[u8] = b"offing/1/second-factor/hash";

    /// Seals the secret of an account's app.
    pub(super) fn seal(&self, account: &AccountId, secret: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; HEAD_BYTES];
        sealed[0] = VERSION;
        OsRng.fill_bytes(&mut sealed[1..]);
        let nonce = Nonce::from_slice(&sealed[1..]);
        let payload = Payload { msg: secret, aad: &place(account) };
        let body = self.seal.encrypt(nonce, payload).expect("a secret is short");
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what was sealed for this account.
    pub(super) fn open(&self, account: &AccountId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = sealed.split_at_checked(HEAD_BYTES)?;
        let payload = Payload { msg: body, aad: &place(account) };
        let opened = self.seal.decrypt(Nonce::from_slice(&head[1..]), payload);
        opened.ok().filter(|_| head[0] == VERSION)
    }

    /// What is kept of a spare code.
    pub(super) fn hash(&self, account: &AccountId, code: &SpareCode) -> Hash {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.hash)
            .expect("HMAC takes a key of any length");
        for part in [b"offing/1/spare-code".as_slice(), &account.0, code.as_bytes()] {
            mac.update(part);
        }
        Hash(mac.finalize().into_bytes().into())
    }
}

impl FactorKeys {
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
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.hash)
            .expect("HMAC takes a key of any length");
        for part in [b"offing/1/passkey".as_slice(), &session.0, &at_ms.to_be_bytes()] {
            mac.update(part);
        }
        mac
    }
}

fn place(account: &AccountId) -> Vec<u8> {
    [b"offing/1/totp".as_slice(), &account.0].concat()
}

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId([1; 16]);
    const BOB: AccountId = AccountId([2; 16]);

    #[test]
    fn a_secret_opens_for_its_account_and_as_it_was_sealed_alone() {
        let keys = FactorKeys::new(&[1; 32], [2; 32]);
        let sealed = keys.seal(&ALICE, b"a secret of the app");
        assert_eq!(keys.open(&ALICE, &sealed).as_deref(), Some(b"a secret of the app".as_slice()));
        assert_ne!(keys.seal(&ALICE, b"a secret of the app"), sealed);
        assert_eq!(keys.open(&BOB, &sealed), None);
        assert_eq!(FactorKeys::new(&[3; 32], [2; 32]).open(&ALICE, &sealed), None);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(keys.open(&ALICE, &flipped), None, "{at}");
            assert_eq!(keys.open(&ALICE, &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_challenge_is_its_sessions_and_says_when() {
        let keys = FactorKeys::new(&[1; 32], [2; 32]);
        let (session, other) = (SessionId([3; 16]), SessionId([4; 16]));
        let challenge = keys.challenge(&session, 1_234);
        assert_eq!(keys.challenged_ms(&session, &challenge), Some(1_234));
        assert_eq!(keys.challenged_ms(&other, &challenge), None);
        for at in 0..challenge.len() {
            let mut changed = challenge.clone();
            changed[at] ^= 1;
            assert_eq!(keys.challenged_ms(&session, &changed), None, "{at}");
            assert_eq!(keys.challenged_ms(&session, &challenge[..at]), None, "{at}");
        }
    }

    #[test]
    fn one_code_of_two_accounts_has_two_hashes() {
        let keys = FactorKeys::new(&[1; 32], [2; 32]);
        let code = SpareCode::generate();
        assert_eq!(keys.hash(&ALICE, &code), keys.hash(&ALICE, &code));
        assert_ne!(keys.hash(&ALICE, &code), keys.hash(&BOB, &code));
    }
}
