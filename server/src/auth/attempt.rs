//! A sign-in between its calls. Whoever signs in carries it, and any process goes on with it.
//!
//! ```text
//! name      = base64url(HMAC-SHA256("offing/1/sign-in/name" | body) | body)
//! body      = id[16] | be64 when | kind u8 | length u8 | KE1 | username
//! seed      = HMAC-SHA256("offing/1/sign-in/seed" | body), of all that is random in the server's answer
//! challenge = HMAC-SHA256("offing/1/sign-in/challenge" | body), what a passkey signs
//! ```
//!
//! The name tells nobody anything: what is in it came from whoever reads it. The server's answer follows from the
//! seed, so it is made again with the last message and nothing is kept meanwhile. That an attempt is used once is kept
//! with the session that it starts (`service::sign_ins`). The key follows from `server-setup`, which all processes have.
//!
//! **Boundary.**

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use offing_core::proto::{Code, SecretKind};
use rand::RngCore as _;
use sha2_0_10::Sha256;

use crate::store::sign_ins::SignInId;

/// Milliseconds between the two calls of a sign-in.
pub(super) const LOGIN_MS: i64 = 120_000;

/// Names attempts, and takes the names back.
pub(super) struct AttemptKey([u8; 32]);

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) id: SignInId,
    pub(super) begun_ms: i64,
    pub(super) kind: SecretKind,
    /// OPAQUE KE1.
    pub(super) request: Vec<u8>,
    /// The name to sign in with, normalised.
    pub(super) username: String,
}

impl std::fmt::Debug for AttemptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttemptKey")
    }
}

impl AttemptKey {
    /// What the key is for.
    pub(super) const PURPOSE: &[u8] = b"offing/1/sign-in";

    /// Takes a key that is derived for [`Self::PURPOSE`].
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What an attempt is called.
    pub(super) fn name(&self, attempt: &Attempt) -> String {
        let body = attempt.body();
        let mac = self.mac(NAME, &body).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([mac.as_slice(), &body].concat())
    }

    /// The attempt of this name, however long ago it was begun; anything else is none.
    pub(super) fn read(&self, name: &str) -> Result<Attempt, Code> {
        self.try_read(name).ok_or(Code::LoginExpired)
    }

    fn try_read(&self, name: &str) -> Option<Attempt> {
        // Bounded before the work.
        if name.len() > NAME_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(name).ok()?;
        let (mac, body) = bytes.split_at_checked(MAC_BYTES)?;
        self.mac(NAME, body).verify_slice(mac).ok()?;
        Attempt::of_body(body)
    }

    /// What the server's answer is made of beside its secrets.
    pub(super) fn seed(&self, attempt: &Attempt) -> [u8; 32] {
        self.mac(SEED, &attempt.body()).finalize().into_bytes().into()
    }

    /// What a passkey has to sign.
    pub(super) fn challenge(&self, attempt: &Attempt) -> [u8; 32] {
        self.mac(CHALLENGE, &attempt.body()).finalize().into_bytes().into()
    }

    fn mac(&self, purpose: &[u8], body: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0)
            .expect("HMAC takes a key of any length");
        mac.update(purpose);
        mac.update(body);
        mac
    }
}

impl Attempt {
    /// Begins one.
    pub(super) fn begin(
        kind: SecretKind,
        request: Vec<u8>,
        username: String,
        now_ms: i64,
    ) -> Result<Self, Code> {
        // OPAQUE wants fewer.
        if request.len() > usize::from(u8::MAX) {
            return Err(Code::BadRequest);
        }
        let mut id = [0; 16];
        rand::rngs::OsRng.fill_bytes(&mut id);
        Ok(Self { id: SignInId(id), begun_ms: now_ms, kind, request, username })
    }

    /// Says whether it is too late for its last message.
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        now_ms - self.begun_ms >= LOGIN_MS
    }

    fn body(&self) -> Vec<u8> {
        let kind = match self.kind {
            SecretKind::Password => 0,
            SecretKind::Recovery => 1,
        };
        let len = u8::try_from(self.request.len()).expect("checked when it began");
        let head = [&self.id.0[..], &self.begun_ms.to_be_bytes(), &[kind, len]].concat();
        [&head, self.request.as_slice(), self.username.as_bytes()].concat()
    }

    fn of_body(body: &[u8]) -> Option<Self> {
        let (id, rest) = body.split_first_chunk()?;
        let (begun_ms, rest) = rest.split_first_chunk()?;
        let (&[kind, len], rest) = rest.split_first_chunk()?;
        let kind = match kind {
            0 => SecretKind::Password,
            1 => SecretKind::Recovery,
            _ => return None,
        };
        let (request, username) = rest.split_at_checked(len.into())?;
        Some(Self {
            id: SignInId(*id),
            begun_ms: i64::from_be_bytes(*begun_ms),
            kind,
            request: request.to_vec(),
            username: String::from_utf8(username.to_vec()).ok()?,
        })
    }
}

const NAME: &[u8] = b"offing/1/sign-in/name";
const SEED: &[u8] = b"offing/1/sign-in/seed";
const CHALLENGE: &[u8] = b"offing/1/sign-in/challenge";
const MAC_BYTES: usize = 32;
/// Most characters of a name: of the longest username there can be.
const NAME_CHARS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        Attempt::begin(SecretKind::Recovery, vec![7; 96], "zoë".to_owned(), 1_000).unwrap()
    }

    #[test]
    fn any_process_with_the_same_secret_takes_a_name_back_and_none_with_another() {
        let (key, other) = (AttemptKey::new([1; 32]), AttemptKey::new([2; 32]));
        let attempt = attempt();
        let name = key.name(&attempt);
        assert_eq!(AttemptKey::new([1; 32]).read(&name), Ok(attempt.clone()));
        assert_eq!(other.read(&name), Err(Code::LoginExpired));
        assert_ne!(key.seed(&attempt), other.seed(&attempt));
        assert_ne!(key.seed(&attempt), key.challenge(&attempt));
    }

    #[test]
    fn no_changed_or_missing_character_passes() {
        let key = AttemptKey::new([1; 32]);
        let name = key.name(&attempt());
        for at in 0..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.read(&changed).is_err(), "{at}");
            assert!(key.read(&name[..at]).is_err(), "{at}");
        }
        assert!(key.read(&name.repeat(10)).is_err());
    }

    #[test]
    fn two_attempts_of_one_message_have_nothing_in_common() {
        let key = AttemptKey::new([1; 32]);
        let (one, other) = (attempt(), attempt());
        assert_ne!(one.id, other.id);
        assert_ne!(key.seed(&one), key.seed(&other));
        assert_ne!(key.challenge(&one), key.challenge(&other));
    }

    #[test]
    fn the_longest_username_fits() {
        let key = AttemptKey::new([1; 32]);
        let name = "\u{10330}".repeat(offing_core::limits::USERNAME_CHARS_MAX);
        let long = Attempt::begin(SecretKind::Password, vec![7; 255], name, 1_000).unwrap();
        assert_eq!(key.read(&key.name(&long)), Ok(long));
    }

    #[test]
    fn an_attempt_lives_for_two_minutes() {
        let attempt = attempt();
        assert!(!attempt.is_over(1_000 + LOGIN_MS - 1));
        assert!(attempt.is_over(1_000 + LOGIN_MS));
    }
}
