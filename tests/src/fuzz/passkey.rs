//! What a browser and an authenticator say of a new passkey, behind the name of the site: whatever is taken for one has an
//! id and a key within their bounds, and the key is kept and read back as it is.

use std::sync::LazyLock;

use offing_server::auth::factor::passkey::{
    CREDENTIAL_BYTES_MAX, PasskeyKey, Site, challenge_of, check_assertion, read_attested,
};
use sha2::{Digest as _, Sha256};

const CHALLENGE: [u8; 3] = [0; 3];
const MADE: &[u8] =
    br#"{"type":"webauthn.create","challenge":"AAAA","origin":"http://localhost:7070"}"#;
const ES256_HEAD: &[u8] = &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
const ES256_BETWEEN: &[u8] = &[0x22, 0x58, 0x20];
const ED25519_HEAD: &[u8] = &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
const RS256_HEAD: &[u8] = &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0];
const RS256_END: &[u8] = &[0x21, 0x43, 1, 0, 1];

static SITE: LazyLock<Site> = LazyLock::new(|| Site::of("http://localhost:7070").unwrap());

/// What an authenticator says, but for the hash that it begins with.
pub(super) fn passkey(bytes: &[u8]) {
    if let Some(challenge) = challenge_of(bytes) {
        assert!(challenge.len() < bytes.len());
    }
    assert_eq!(read_attested(&SITE, &CHALLENGE, bytes, bytes), None);
    let said = [Sha256::digest(b"localhost").as_slice(), bytes].concat();
    let Some(read) = read_attested(&SITE, &CHALLENGE, MADE, &said) else { return };
    assert!((1..=CREDENTIAL_BYTES_MAX).contains(&read.credential.len()));
    assert_eq!(PasskeyKey::of_bytes(read.key.as_bytes()), Some(read.key.clone()));
    // What makes one proves none.
    let proof = (said.as_slice(), read.credential.as_slice());
    assert_eq!(check_assertion(&SITE, &CHALLENGE, &read.key, MADE, proof), None);
}

/// Inputs to begin with.
pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    // The generator of P-256.
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let number = |text: &str| -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    let es256 = [ES256_HEAD, &number(x), ES256_BETWEEN, &number(y)].concat();
    let ed25519 = [ED25519_HEAD, &[9; 32]].concat();
    let rs256 = [RS256_HEAD, &[0x89; 256], RS256_END].concat();
    let head = [&[0x41, 0, 0, 0, 7][..], &[0; 16], &[0, 3], b"abc"].concat();
    let keys = [es256, ed25519, rs256];
    keys.into_iter().map(|key| ("passkey", [head.clone(), key].concat())).collect()
}
