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

use super::known::KnownTokens;
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
        let payload = serde_json::to_vec(&payload).expect("strings and numbers always encode");
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload));
        let signature: Signature = self.signing.sign(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
        self.known.put(&token);
        token
    }

    /// Says whether a token is known to be right, so that to check it costs next to nothing.
    pub fn knows(&self, token: &str) -> bool {
        self.known.has(token)
    }

    /// Checks a token; the signature comes first, so nothing unsigned is parsed.
    pub fn check(&self, token: &str, now_ms: i64) -> Result<Claims, Code> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Code::SignedOut)?;
        self.known.check(token, || self.verify(signed, signature).ok_or(Code::SignedOut))?;
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
        if payload.exp <= now_ms / 1_000 {
            return Err(Code::TokenExpired);
        }
        let mut session = [0; 16];
        hex::decode_to_slice(&payload.sid, &mut session).map_err(|_| Code::SignedOut)?;
        Ok(Claims { account: payload.sub, device: payload.dev, session, issued_s: payload.iat })
    }

    fn verify(&self, signed: &str, signature: &str) -> Option<()> {
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.verifying.verify(signed.as_bytes(), &Signature::from_slice(&signature).ok()?).ok()
    }
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
        assert!(key.knows(&token));
        let beside = beside(&key);
        assert!(!beside.knows(&token));
        assert_eq!(beside.check(&token, 1_000_000), Ok(claims()));
        assert_eq!(beside.check(&wrong, 1_000_000), Err(Code::SignedOut));
        assert!(beside.knows(&token) && !beside.knows(&wrong));
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
