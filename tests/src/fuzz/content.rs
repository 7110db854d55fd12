//! Manifests, chunks, seals, and the code of a recovery kit.

use std::sync::LazyLock;

use offing_core::account::recovery::RecoveryCode;
use offing_core::account::{open_identity, open_slot};
use offing_core::content::chunk::{ContentKey, RangePlan, is_chunk_shaped, open_chunk};
use offing_core::content::delta::{BlockKey, Weaver};
use offing_core::content::manifest::Manifest;
use offing_core::content::reference::{ManifestRef, thumb as thumb_of, with_thumb};
use offing_core::crypto::envelope::{self, Binding};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Person, pattern};
use offing_core::id::{ChunkId, VaultId};
use offing_core::proto::SecretKind;
use sha2::{Digest as _, Sha256};

use super::take_byte;

const VAULT: VaultId = VaultId([3; 32]);
const SECRET: [u8; 32] = [4; 32];

/// Whose account the blobs are said to be of.
static PERSON: LazyLock<Person> = LazyLock::new(|| Person::new(1));

/// A manifest, and an upload that is compared with it.
pub(super) fn manifest(bytes: &[u8]) {
    if let Ok(reference) = ManifestRef::decode(bytes) {
        let encoded = reference.encode().unwrap();
        if let Some(thumb) = thumb_of(bytes) {
            let with = with_thumb(&thumb, &encoded);
            assert_eq!(thumb_of(&with), Some(thumb));
            assert_eq!(ManifestRef::decode(&with).as_ref(), Ok(&reference));
        }
        assert_eq!(ManifestRef::decode(&encoded), Ok(reference));
    }
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert_eq!(Manifest::decode(&manifest.encode().unwrap()).as_ref(), Ok(&manifest));
    let sum: u64 = manifest.extents.iter().map(|extent| u64::from(extent.len)).sum();
    assert_eq!(sum, manifest.size);
    let secret = ready(NativeCrypto.import_secret(&SECRET)).unwrap();
    let key = ready(BlockKey::derive(&NativeCrypto, &secret, &VAULT)).unwrap();
    let content = pattern(1, 40_000);
    if let Some(mut weaver) = Weaver::new(&manifest, key, content.len() as u64) {
        let mut literals = weaver.push(&content);
        let (last, woven) = weaver.finish();
        literals.extend(last);
        let chunks = vec![(ChunkId([1; 32]), ContentKey([2; 32])); literals.len()];
        let extents = woven.extents(&chunks);
        let sum: u64 = extents.iter().map(|extent| u64::from(extent.len)).sum();
        assert_eq!(sum, content.len() as u64);
    }
}

/// A chunk under its right id: it opens for nobody, and no range lies outside of it.
pub(super) fn chunk(bytes: &[u8]) {
    let id = ChunkId(Sha256::digest(bytes).into());
    let opened = open_chunk(&NativeCrypto, &VAULT, &id, &ContentKey([5; 32]), bytes);
    assert!(ready(opened).is_err());
    is_chunk_shaped(bytes);
    let mut rest = bytes;
    let (start, len) = (take_byte(&mut rest), take_byte(&mut rest));
    let start = usize::from(start) << (take_byte(&mut rest) % 16);
    let range = start..start + (usize::from(len) << (take_byte(&mut rest) % 16));
    if let Some(plan) = RangePlan::new(bytes.len(), range) {
        let part = &bytes[plan.container_range()];
        assert!(ready(plan.open(&NativeCrypto, &VAULT, &ContentKey([5; 32]), part)).is_err());
    }
}

/// A blob of the server's: what opens is what was sealed.
pub(super) fn seal(bytes: &[u8]) {
    let secret = ready(NativeCrypto.import_secret(&SECRET)).unwrap();
    if let Ok((kind, epoch)) = envelope::peek(bytes) {
        let binding = Binding { kind, epoch, scope: &VAULT.0, bind: b"place" };
        if let Ok(plain) = ready(envelope::open(&NativeCrypto, &secret, &binding, bytes)) {
            let salt = bytes[8..40].try_into().unwrap();
            let again = envelope::seal(&NativeCrypto, &secret, &binding, salt, &plain);
            assert_eq!(ready(again).unwrap(), bytes);
        }
    }
    let person = &*PERSON;
    for kind in [SecretKind::Password, SecretKind::Recovery] {
        ready(open_slot(&NativeCrypto, &SECRET, &person.account, kind, bytes)).ok();
    }
    let (master, public) = (&person.master_secret, &person.identity.public);
    ready(open_identity(&NativeCrypto, master, &person.account, public, bytes)).ok();
}

/// What somebody typed from a recovery kit.
pub(super) fn recovery(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(code) = text.parse::<RecoveryCode>() else { return };
    assert_eq!(code.to_string().parse::<RecoveryCode>(), Ok(code));
}
