//! Passkeys (WebAuthn, Level 2) as a second factor: what an authenticator says, read and checked.
//!
//! ```text
//! said       = rp id hash[32] | flags u8 | be32 count | attested?  | extensions?
//! attested   = aaguid[16] | be16 length | credential | key
//! key        = a5 01 02 03 26 20 01 21 58 20 x[32] 22 58 20 y[32]        ES256, on P-256
//!            | a4 01 01 03 27 20 06 21 58 20 x[32]                       Ed25519
//!            | a4 01 03 03 39 01 00 20 59 01 00 n[256] 21 43 01 00 01    RS256, with 65,537
//! ```
//!
//! Where the authenticator comes from is not asked (attestation *none*), so what is read of CBOR is the key alone, and the
//! standard wants that in its one canonical form and with nothing else in it: it is compared, not parsed. Extensions are not
//! asked for, and what follows the key is passed over.
//!
//! **Boundary.**

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Most bytes of what a browser says about a ceremony, and of what an authenticator says.
const SAID_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of a credential's id, as the standard has it.
pub const CREDENTIAL_BYTES_MAX: usize = 1_023;

/// What the site is to browsers: a passkey works nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Scheme, name and port.
    pub origin: String,
    /// The name alone.
    pub id: String,
}

impl Site {
    /// The site of a public URL; `None` where it has no name, since browsers have no passkeys for addresses.
    pub fn of(public_url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(public_url).ok()?;
        let id = url.domain()?.to_owned();
        Some(Self { origin: url.origin().ascii_serialization(), id })
    }
}

/// A public key of a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasskeyKey {
    /// An uncompressed point of P-256.
    Es256([u8; 65]),
    /// Ed25519.
    Ed25519([u8; 32]),
    /// A modulus of 2,048 bits, as computers with a TPM have it.
    Rs256(Box<[u8; 256]>),
}

/// A new credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Its id.
    pub credential: Vec<u8>,
    /// Its key.
    pub key: PasskeyKey,
    /// How often it has signed, if it counts.
    pub count: u32,
}

/// What a ceremony is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ceremony {
    Create,
    Get,
}

/// The challenge that a browser says a ceremony was for, whatever else it says.
pub fn challenge_of(client_data: &[u8]) -> Option<Vec<u8>> {
    if client_data.len() > SAID_BYTES_MAX {
        return None;
    }
    let data: ClientData = serde_json::from_slice(client_data).ok()?;
    URL_SAFE_NO_PAD.decode(data.challenge).ok()
}

/// Reads a new credential that was made for this challenge.
pub fn read_attested(
    site: &Site,
    challenge: &[u8],
    client_data: &[u8],
    said: &[u8],
) -> Option<Attested> {
    check_client_data(site, Ceremony::Create, challenge, client_data)?;
    let (count, rest) = read_head(site, said, HAS_ATTESTED)?;
    let (_aaguid, rest) = rest.split_at_checked(16)?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_be_bytes(*len));
    if !(1..=CREDENTIAL_BYTES_MAX).contains(&len) {
        return None;
    }
    let (credential, rest) = rest.split_at_checked(len)?;
    Some(Attested { credential: credential.to_vec(), key: PasskeyKey::read(rest)?, count })
}

/// Checks that a passkey signed this challenge, and answers its count.
pub fn check_assertion(
    site: &Site,
    challenge: &[u8],
    key: &PasskeyKey,
    client_data: &[u8],
    (said, signature): (&[u8], &[u8]),
) -> Option<u32> {
    check_client_data(site, Ceremony::Get, challenge, client_data)?;
    let (count, _) = read_head(site, said, 0)?;
    let signed = [said, &Sha256::digest(client_data)].concat();
    key.verifies(&signed, signature).then_some(count)
}

impl PasskeyKey {
    /// The key that these bytes begin with.
    fn read(bytes: &[u8]) -> Option<Self> {
        if let Some(rest) = bytes.strip_prefix(ES256_HEAD) {
            let (x, rest) = rest.split_first_chunk::<32>()?;
            let (y, _) = rest.strip_prefix(ES256_BETWEEN)?.split_first_chunk::<32>()?;
            let mut point = [4; 65];
            point[1..33].copy_from_slice(x);
            point[33..].copy_from_slice(y);
            // A point beside the curve would verify nothing, ever.
            p256::PublicKey::from_sec1_bytes(&point).ok()?;
            return Some(Self::Es256(point));
        }
        if let Some(rest) = bytes.strip_prefix(RS256_HEAD) {
            let (modulus, rest) = rest.split_first_chunk::<256>()?;
            let has_all_bits = modulus[0] >> 7 == 1;
            let fits = has_all_bits && rest.starts_with(RS256_END);
            return fits.then(|| Self::Rs256(Box::new(*modulus)));
        }
        let (key, _) = bytes.strip_prefix(ED25519_HEAD)?.split_first_chunk::<32>()?;
        Some(Self::Ed25519(*key))
    }

    /// The key as it is kept: its kind by its length.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Es256(point) => point,
            Self::Ed25519(key) => key,
            Self::Rs256(modulus) => modulus.as_slice(),
        }
    }

    /// The key that is kept so.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            65 => bytes.try_into().ok().map(Self::Es256),
            32 => bytes.try_into().ok().map(Self::Ed25519),
            256 => bytes.try_into().ok().map(|modulus| Self::Rs256(Box::new(modulus))),
            _ => None,
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                .verify(signed, signature)
                .is_ok(),
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok()
            }
            Self::Rs256(modulus) => RsaPublicKeyComponents { n: modulus.as_slice(), e: &[1, 0, 1] }
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
        }
    }
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

fn check_client_data(
    site: &Site,
    ceremony: Ceremony,
    challenge: &[u8],
    client_data: &[u8],
) -> Option<()> {
    if client_data.len() > SAID_BYTES_MAX {
        return None;
    }
    let data: ClientData = serde_json::from_slice(client_data).ok()?;
    let wanted = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    let fits = data.r#type == wanted
        && data.challenge == URL_SAFE_NO_PAD.encode(challenge)
        && data.origin == site.origin
        && !data.cross_origin;
    fits.then_some(())
}

/// Reads what an authenticator says first: for which site, whether somebody was there, and its count.
fn read_head<'s>(site: &Site, said: &'s [u8], wanted: u8) -> Option<(u32, &'s [u8])> {
    if said.len() > SAID_BYTES_MAX {
        return None;
    }
    let rest = said.strip_prefix(Sha256::digest(site.id.as_bytes()).as_slice())?;
    let (flags, rest) = rest.split_first()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let wanted = wanted | WAS_THERE;
    (flags & wanted == wanted).then(|| (u32::from_be_bytes(*count), rest))
}

const WAS_THERE: u8 = 1;
const HAS_ATTESTED: u8 = 1 << 6;
const ES256_HEAD: &[u8] = &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
const ES256_BETWEEN: &[u8] = &[0x22, 0x58, 0x20];
const ED25519_HEAD: &[u8] = &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
const RS256_HEAD: &[u8] = &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0];
const RS256_END: &[u8] = &[0x21, 0x43, 1, 0, 1];

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Signer as _;
    use p256::ecdsa::{Signature, SigningKey};
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    const CHALLENGE: &[u8] = b"a challenge of this very attempt";

    fn site() -> Site {
        Site::of("https://drive.example.org").unwrap()
    }

    fn client_data(kind: &str) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
        format!(
            r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"https://drive.example.org","crossOrigin":false,"more":1}}"#
        )
        .into_bytes()
    }

    fn head(flags: u8, count: u32) -> Vec<u8> {
        let mut said = Sha256::digest(b"drive.example.org").to_vec();
        said.push(flags);
        said.extend_from_slice(&count.to_be_bytes());
        said
    }

    fn attested(key: &[u8]) -> Vec<u8> {
        let mut said = head(WAS_THERE | HAS_ATTESTED, 7);
        said.extend_from_slice(&[0; 16]);
        said.extend_from_slice(&3u16.to_be_bytes());
        said.extend_from_slice(b"abc");
        said.extend_from_slice(key);
        said
    }

    fn es256() -> (SigningKey, Vec<u8>) {
        let signing = SigningKey::from_slice(&[7; 32]).unwrap();
        let point = signing.verifying_key().to_encoded_point(false);
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        (signing.clone(), [ES256_HEAD, x, ES256_BETWEEN, y].concat())
    }

    #[test]
    fn a_new_credential_is_read_with_each_kind_of_key_and_what_follows_is_passed_over() {
        let (signing, key) = es256();
        let created = client_data("create");
        let read = read_attested(&site(), CHALLENGE, &created, &attested(&key)).unwrap();
        assert_eq!((read.credential.as_slice(), read.count), (b"abc".as_slice(), 7));
        let point = signing.verifying_key().to_encoded_point(false);
        assert_eq!(read.key.as_bytes(), point.as_bytes());
        assert_eq!(PasskeyKey::of_bytes(read.key.as_bytes()), Some(read.key));

        let ed25519 = [ED25519_HEAD, &[9; 32], b"\xa1extensions"].concat();
        let read = read_attested(&site(), CHALLENGE, &created, &attested(&ed25519)).unwrap();
        assert_eq!(read.key, PasskeyKey::Ed25519([9; 32]));
        assert_eq!(PasskeyKey::of_bytes(&[9; 32]), Some(read.key));
        assert_eq!(PasskeyKey::of_bytes(&[9; 33]), None);

        let rs256 = [RS256_HEAD, &[0x89; 256], RS256_END, b"\xa1extensions"].concat();
        let read = read_attested(&site(), CHALLENGE, &created, &attested(&rs256)).unwrap();
        assert_eq!(read.key, PasskeyKey::Rs256(Box::new([0x89; 256])));
        assert_eq!(PasskeyKey::of_bytes(&[0x89; 256]), Some(read.key));
        let short = [RS256_HEAD, &[0x79; 256], RS256_END].concat();
        assert_eq!(read_attested(&site(), CHALLENGE, &created, &attested(&short)), None);
        let three = [RS256_HEAD, &[0x89; 256], &[0x21, 0x41, 3]].concat();
        assert_eq!(read_attested(&site(), CHALLENGE, &created, &attested(&three)), None);
    }

    #[test]
    fn what_is_cut_off_or_changed_is_no_credential() {
        let (_, key) = es256();
        let (created, whole) = (client_data("create"), attested(&key));
        for end in 0..whole.len() {
            let cut = read_attested(&site(), CHALLENGE, &created, &whole[..end]);
            assert_eq!(cut, None, "{end}");
        }
        // The site, the flags, the length, the form of the key and the point; not the count, what made it, and the id.
        let read = |said: &[u8]| read_attested(&site(), CHALLENGE, &created, said);
        for at in (0..33).chain(53..55).chain(58..whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            assert_ne!(read(&changed), read(&whole), "{at}");
        }
        assert_eq!(read(&vec![0; SAID_BYTES_MAX + 1]), None);
        let mut nobody = whole.clone();
        nobody[32] &= !WAS_THERE;
        assert_eq!(read(&nobody), None);
    }

    #[test]
    fn a_signature_counts_for_its_challenge_site_ceremony_and_key() {
        let (signing, key) = es256();
        let key = PasskeyKey::read(&key).unwrap();
        let (said, data) = (head(WAS_THERE, 8), client_data("get"));
        let signed = [said.as_slice(), &Sha256::digest(&data)].concat();
        let signature: Signature = signing.sign(&signed);
        let signature = signature.to_der().as_bytes().to_vec();
        let check = |site: &Site, challenge: &[u8], key: &PasskeyKey, data: &[u8], said: &[u8]| {
            check_assertion(site, challenge, key, data, (said, &signature))
        };
        assert_eq!(check(&site(), CHALLENGE, &key, &data, &said), Some(8));
        assert_eq!(check(&site(), b"another", &key, &data, &said), None);
        for other in
            ["http://drive.example.org", "https://drive.example.org:444", "https://example.org"]
        {
            let other = Site::of(other).unwrap();
            assert_eq!(check(&other, CHALLENGE, &key, &data, &said), None, "{other:?}");
        }
        assert_eq!(check(&site(), CHALLENGE, &PasskeyKey::Ed25519([9; 32]), &data, &said), None);
        assert_eq!(check(&site(), CHALLENGE, &key, &client_data("create"), &said), None);
        assert_eq!(check(&site(), CHALLENGE, &key, &data, &head(WAS_THERE, 9)), None);
        assert_eq!(check(&site(), CHALLENGE, &key, &data, &head(0, 8)), None);
        let framed = String::from_utf8(data).unwrap().replace(":false", ":true");
        assert_eq!(check(&site(), CHALLENGE, &key, framed.as_bytes(), &said), None);
    }

    #[test]
    fn ed25519_signs_too() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let key = PasskeyKey::of_bytes(pair.public_key().as_ref()).unwrap();
        let (said, data) = (head(WAS_THERE, 0), client_data("get"));
        let signature = pair.sign(&[said.as_slice(), &Sha256::digest(&data)].concat());
        let said = (said.as_slice(), signature.as_ref());
        assert_eq!(check_assertion(&site(), CHALLENGE, &key, &data, said), Some(0));
    }

    #[test]
    fn rs256_signs_too() {
        let key = PasskeyKey::of_bytes(&hex::decode(RSA_MODULUS).unwrap()).unwrap();
        let (said, data) = (head(WAS_THERE, 0), client_data("get"));
        let mut signature = hex::decode(RSA_SIGNATURE).unwrap();
        let check = |signature: &[u8]| {
            check_assertion(&site(), CHALLENGE, &key, &data, (said.as_slice(), signature))
        };
        assert_eq!(check(&signature), Some(0));
        signature[255] ^= 1;
        assert_eq!(check(&signature), None);
    }

    /// A key, and what it signed for the test above (`openssl dgst -sha256 -sign`).
    const RSA_MODULUS: &str = "b361cccbe535bfc490117024870843133e1cabfaea0cb12717976ee596ae2ff9e31f9b574d103a58\
        3b24308eeccf17c448df4bfe7272635861e289bdfc49e7ac381d8edafe7173e35b63611848d6642d\
        2379069ffc7b75406112b17737382ca161b285bad71772bb5a53aceb4d14c746aee1d99ae99aab0d\
        f5074e98fd210549cdb06baaf507462aff9cfdbbe182a101aca382f861e970c6a5ff42114973c002\
        dfaa9c953b2810872177100b792a89da2abc7418691fdb29c770ebaacd083abe7ff4d5f18da45c9f\
        c6a48d9aa369ab5d6d97be0a7ef7ad608c2303115ee18691ada0a04f7a0383cc25aa5c82c5faf929\
        4ad129383f328f05bde7b57286e76531";
    const RSA_SIGNATURE: &str = "5bf0d832d78602ce5b6a07b60da0caedb34e6fe05733df6856b0f0ef59353ed75e04de4288b6ef66\
        ffa9e5d45647b97b3be0bb8e8c44ee8e9144d17e7bce3e43e369468728a69b6024f6dabdfca9b008\
        2d6dbb573827a50c5d35cc2f81e6f29b0cc13529f6e8afdff026dd76789df7f6b80a85843360955a\
        f6e9090fd12976c41a8b1e1612c91d5a679e401d046312a240eba7826d6e569448d0ae2a051b93e1\
        84df222f16af64f5cf0ade1cc866d6fe9aefa505b22317c0f62fd43b27b4cf926840d19340068703\
        d6c89b9b524b26ed17c3d450bec1451363fd66b6f761d11b6aabe6f1ff8d10066ee80699bb52c3af\
        06d00c2b8aa8303eecf50d79940f4581";

    #[test]
    fn a_site_needs_a_name() {
        assert_eq!(Site::of("http://localhost:7070").unwrap().origin, "http://localhost:7070");
        assert_eq!(
            Site::of("https://drive.example.org:443").unwrap().origin,
            "https://drive.example.org"
        );
        assert_eq!(Site::of("http://192.0.2.7:7070"), None);
        assert_eq!(Site::of("http://[2001:db8::1]:7070"), None);
    }
}
