//! Access tokens: short-lived ES256 JWTs, for calls and later for edges.
//!
//! Only this one algorithm exists here: the header is compared as a whole, so `alg: none`
//! and key confusion have nothing to act on. Audience, expiry, account, device and session
//! are claims; a token is never a session.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::id::{AccountId, DeviceId};
use offing_core::limits;
use offing_core::proto::Code;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::known::{KnownTokens, Said};
use super::secret_file::{SecretFileError, load_or_create};

/// Signs and checks access tokens.
#[derive(Debug)]
pub struct TokenKey {
    signing: SigningKey,
    verifying: VerifyingKey,
    known: KnownTokens,
}

/// What a checked token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Whose token it is.
    pub account: AccountId,
    /// The device that the session is bound to.
    pub device: DeviceId,
    /// The session.
    pub session: [u8; 16],
    /// When it was issued, in seconds since 1970.
    pub issued_s: i64,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    aud: String,
    iat: i64,
    exp: i64,
    sub: AccountId,
    dev: DeviceId,
    sid: String,
}

impl TokenKey {
    /// Reads the key at `path`, or generates it at first start.
    pub fn open(path: &Path) -> Result<Self, SecretFileError> {
        let bytes = load_or_create(path, || {
            SigningKey::random(&mut rand::rngs::OsRng).to_bytes().to_vec()
        })?;
        let signing = SigningKey::from_slice(&bytes)
            .map_err(|_| SecretFileError::Damaged { path: path.to_owned() })?;
        let known = KnownTokens::default();
        Ok(Self { verifying: *signing.verifying_key(), signing, known })
    }

    /// Issues a token that lives for `limits::ACCESS_TOKEN_SECONDS` from when it was issued.
    pub fn issue(&self, claims: &Claims) -> String {
        let payload = Payload {
            aud: AUDIENCE.to_owned(),
            iat: claims.issued_s,
            exp: claims.issued_s + limits::ACCESS_TOKEN_SECONDS.cast_signed(),
            sub: claims.account,
            dev: claims.device,
            sid: hex::encode(claims.session),
        };
        let encoded = serde_json::to_vec(&payload).expect("strings and numbers always encode");
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(encoded));
        let signature: Signature = self.signing.sign(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
        self.known.put(&token, Said { claims: *claims, expires_s: payload.exp });
        token
    }

    /// Checks a token if it is known to be right, which costs next to nothing.
    pub fn check_known(&self, token: &str, now_ms: i64) -> Option<Result<Claims, Code>> {
        Some(at(self.known.find(token)?, now_ms))
    }

    /// Checks a token; the signature comes first, so nothing unsigned is parsed.
    pub fn check(&self, token: &str, now_ms: i64) -> Result<Claims, Code> {
        if let Some(checked) = self.check_known(token, now_ms) {
            return checked;
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Code::SignedOut)?;
        self.verify(signed, signature).ok_or(Code::SignedOut)?;
        let (header, payload) = signed.split_once('.').ok_or(Code::SignedOut)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Code::SignedOut);
        if decode(header)? != HEADER {
            return Err(Code::SignedOut);
        }
        let payload: Payload =
            serde_json::from_slice(&decode(payload)?).map_err(|_| Code::SignedOut)?;
        if payload.aud != AUDIENCE {
            return Err(Code::SignedOut);
        }
        let mut session = [0; 16];
        hex::decode_to_slice(&payload.sid, &mut session).map_err(|_| Code::SignedOut)?;
        let Payload { sub: account, dev: device, iat: issued_s, exp: expires_s, .. } = payload;
        let said = Said { claims: Claims { account, device, session, issued_s }, expires_s };
        self.known.put(token, said);
        at(said, now_ms)
    }

    fn verify(&self, signed: &str, signature: &str) -> Option<()> {
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.verifying.verify(signed.as_bytes(), &Signature::from_slice(&signature).ok()?).ok()
    }
}

/// What a token that is right says at a time.
fn at(said: Said, now_ms: i64) -> Result<Claims, Code> {
    if said.expires_s <= now_ms / 1_000 { Err(Code::TokenExpired) } else { Ok(said.claims) }
}

const HEADER: &[u8] = br#"{"alg":"ES256","typ":"JWT"}"#;
const AUDIENCE: &str = "offing";

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TokenKey {
        let folder = tempfile::tempdir().unwrap();
        TokenKey::open(&folder.path().join("token-key")).unwrap()
    }

    /// The same key in another process, which has issued nothing.
    fn beside(key: &TokenKey) -> TokenKey {
        let (signing, verifying) = (key.signing.clone(), key.verifying);
        TokenKey { signing, verifying, known: KnownTokens::default() }
    }

    fn claims() -> Claims {
        Claims {
            account: AccountId([1; 16]),
            device: DeviceId([2; 16]),
            session: [3; 16],
            issued_s: 1_000,
        }
    }

    #[test]
    fn a_token_says_what_it_was_issued_for_until_it_expires() {
        let key = key();
        let token = key.issue(&claims());
        assert_eq!(key.check(&token, 1_000_000), Ok(claims()));
        let end_ms = 1_000_000 + limits::ACCESS_TOKEN_SECONDS.cast_signed() * 1_000;
        assert_eq!(key.check(&token, end_ms - 1), Ok(claims()));
        assert_eq!(key.check(&token, end_ms), Err(Code::TokenExpired));
    }

    #[test]
    fn a_token_of_another_process_is_right_and_then_known() {
        let (key, there) = (key(), key());
        let (token, wrong) = (key.issue(&claims()), there.issue(&claims()));
        let knows = |key: &TokenKey, token| key.check_known(token, 1_000_000).is_some();
        assert!(knows(&key, &token));
        let beside = beside(&key);
        assert!(!knows(&beside, &token));
        assert_eq!(beside.check(&token, 1_000_000), Ok(claims()));
        assert_eq!(beside.check(&wrong, 1_000_000), Err(Code::SignedOut));
        assert!(knows(&beside, &token) && !knows(&beside, &wrong));
        let end_ms = 1_000_000 + limits::ACCESS_TOKEN_SECONDS.cast_signed() * 1_000;
        assert_eq!(beside.check(&token, end_ms), Err(Code::TokenExpired));
    }

    #[test]
    fn no_changed_byte_passes() {
        let key = key();
        let token = key.issue(&claims());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(key.check(&changed, 1_000_000).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_algorithm_and_another_key_are_refused() {
        let key = key();
        let token = key.issue(&claims());
        let payload = token.split('.').nth(1).unwrap();
        let none = URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#);
        assert_eq!(key.check(&format!("{none}.{payload}."), 1_000_000), Err(Code::SignedOut));
        let signed = format!("{none}.{payload}");
        let signature: Signature = key.signing.sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        assert_eq!(key.check(&format!("{signed}.{signature}"), 1_000_000), Err(Code::SignedOut));
        assert_eq!(self::key().check(&token, 1_000_000), Err(Code::SignedOut));
    }
}
