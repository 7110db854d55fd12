//! Frozen test vectors: what every platform and every later version must agree on.
//!
//! The files under `tests/vectors` are read by the host's tests and by the browser's, each
//! over its own [`Crypto`]. A vector is never edited; a new format gets new ones. Sealing is
//! checked in both directions, since salts are arguments; signatures only by verifying.

use crate::account::device::DeviceCertificate;
use crate::account::recovery::RecoveryCode;
use crate::account::{self, MasterKey};
use crate::content::chunk::{ChunkSealer, ContentKey, Dedupe, RangePlan, open_chunk};
use crate::content::delta::{BlockKey, BlockSigner};
use crate::content::manifest::{Extent, Manifest, open_manifest, seal_manifest};
use crate::content::reference::{self, ManifestRef};
use crate::crypto::envelope::{self, Binding, SealType};
use crate::crypto::hazmat::Crypto;
use crate::crypto::padding::padded_bytes;
use crate::crypto::{PublicKey, RawKey, SigningPair};
use crate::id::{AccountId, ChunkId, Hash, NodeId, VaultId};
use crate::log::author::open_body;
use crate::log::chain::ChainPoint;
use crate::log::entry::{Entry, Header, signed_bytes};
use crate::log::verify::{CheckedBody, LogState};
use crate::proto::{LogPage, SecretKind};

#[cfg(feature = "replica")]
mod index;
#[cfg(feature = "replica")]
mod label;
mod model;
#[cfg(feature = "replica")]
mod presence;
#[cfg(feature = "replica")]
mod purge;
#[cfg(feature = "replica")]
mod snapshot;

pub use model::{Filler, Hex, Named, Place, Vector};

impl Hex {
    fn array<const N: usize>(&self) -> Result<[u8; N], Fault> {
        self.0[..].try_into().map_err(|_| Fault("a field of another length"))
    }
}

/// Reports a vector that this platform disagrees with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("vector {name:?}: {what}")]
pub struct VectorError {
    /// The vector.
    pub name: String,
    /// What differs.
    pub what: &'static str,
}

/// What differs.
#[derive(Debug)]
struct Fault(&'static str);

fn same<T: PartialEq + ?Sized>(found: &T, expected: &T, what: &'static str) -> Result<(), Fault> {
    if found == expected { Ok(()) } else { Err(Fault(what)) }
}

/// Turns any failure of a function under test into a fault.
fn run<T, E>(result: Result<T, E>, what: &'static str) -> Result<T, Fault> {
    result.map_err(|_| Fault(what))
}

/// Checks all vectors of a file; returns how many there were.
pub async fn check_file<C: Crypto>(crypto: &C, json: &str) -> Result<usize, VectorError> {
    let vectors: Vec<Named> = serde_json::from_str(json)
        .map_err(|_| VectorError { name: String::new(), what: "the file does not parse" })?;
    for named in &vectors {
        let checked = check(crypto, &named.vector).await;
        checked.map_err(|Fault(what)| VectorError { name: named.name.clone(), what })?;
    }
    Ok(vectors.len())
}

async fn check<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    match vector {
        Vector::Hkdf { .. }
        | Vector::Mac { .. }
        | Vector::Aead { .. }
        | Vector::Sha256 { .. }
        | Vector::Signature { .. }
        | Vector::SigningPair { .. } => check_primitive(crypto, vector).await,
        Vector::Padding { bytes, padded } => same(&padded_bytes(*bytes), padded, "padding"),
        Vector::Seal { place, salt, plain, blob } => {
            let secret = run(crypto.import_secret(&place.secret.0).await, "import")?;
            let binding = place.binding()?;
            let sealed = envelope::seal(crypto, &secret, &binding, &salt.array()?, &plain.0).await;
            same(&run(sealed, "seal")?, &blob.0, "the blob")?;
            let opened = envelope::open(crypto, &secret, &binding, &blob.0).await;
            same(&run(opened, "open")?, &plain.0, "the plaintext")
        }
        Vector::SealRefused { place, blob } => {
            let secret = run(crypto.import_secret(&place.secret.0).await, "import")?;
            let opened = envelope::open(crypto, &secret, &place.binding()?, &blob.0).await;
            same(&opened.is_err(), &true, "it opened")
        }
        Vector::Chunk { .. }
        | Vector::Manifest { .. }
        | Vector::ManifestRefused { .. }
        | Vector::Thumb { .. }
        | Vector::ThumbRefused { .. }
        | Vector::Blocks { .. } => check_content(crypto, vector).await,
        Vector::Slot { .. }
        | Vector::Identity { .. }
        | Vector::RecoveryCode { .. }
        | Vector::Certificate { .. } => check_account(crypto, vector).await,
        Vector::Entry { .. } | Vector::Chain { .. } | Vector::Log { .. } => {
            check_log(crypto, vector).await
        }
        #[cfg(feature = "replica")]
        Vector::Purge { device, node, bodies, row } => purge::check(device, node, bodies, row),
        #[cfg(feature = "replica")]
        Vector::Label { devices, node, bodies, row, labels } => {
            label::check(devices, node, bodies, row, labels)
        }
        #[cfg(feature = "replica")]
        Vector::Snapshot { .. } => snapshot::check(crypto, vector).await,
        #[cfg(feature = "replica")]
        Vector::Presence { .. } => presence::check(crypto, vector).await,
        #[cfg(feature = "replica")]
        Vector::Index { .. } => index::check(crypto, vector).await,
        #[cfg(not(feature = "replica"))]
        Vector::Index { .. }
        | Vector::Label { .. }
        | Vector::Presence { .. }
        | Vector::Purge { .. }
        | Vector::Snapshot { .. } => Err(Fault("this is for replicas")),
    }
}

impl Place {
    fn binding(&self) -> Result<Binding<'_>, Fault> {
        let prefix = [b'o', b'f', 1, self.kind, 0, 0, 0, 0];
        let (kind, _): (SealType, u32) = run(envelope::peek(&prefix), "the type")?;
        Ok(Binding { kind, epoch: self.epoch, scope: &self.scope.0, bind: &self.bind.0 })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` chose the function")]
async fn check_primitive<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    match vector {
        Vector::Hkdf { secret, salt, info, out } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let found = crypto.derive_bytes(&secret, &salt.0, &info.0, out.0.len()).await;
            same(&run(found, "derive")?, &out.0, "the output")
        }
        Vector::Mac { secret, info, data, out } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let key = run(crypto.derive_mac(&secret, &[], &info.0).await, "derive")?;
            same(&run(crypto.mac(&key, &data.0).await, "mac")?, &out.array()?, "the mac")
        }
        Vector::Aead { secret, info, nonce, aad, plain, sealed } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let key = run(crypto.derive_aead(&secret, &[], &info.0).await, "derive")?;
            let nonce = nonce.array()?;
            let found = crypto.aead_seal(&key, &nonce, &aad.0, &plain.0).await;
            same(&run(found, "seal")?, &sealed.0, "the ciphertext")?;
            let opened = crypto.aead_open(&key, &nonce, &aad.0, &sealed.0).await;
            same(&run(opened, "open")?, &plain.0, "the plaintext")
        }
        Vector::Sha256 { data, out } => {
            same(&run(crypto.sha256(&data.0).await, "sha256")?, &out.array()?, "the hash")
        }
        Vector::Signature { public, message, signature, valid } => {
            let public = PublicKey(public.array()?);
            let found = crypto.verify(&public, &message.0, &signature.array()?).await;
            same(&run(found, "verify")?, valid, "validity")
        }
        Vector::SigningPair { scalar, public, device, fingerprint } => {
            let pair = pair(scalar, public)?;
            same(&pair.public.device_id().0, &device.array()?, "the device")?;
            same(&pair.public.fingerprint().to_string(), fingerprint, "the fingerprint")?;
            let key = run(crypto.import_signing(&pair).await, "import")?;
            let signature = run(crypto.sign(&key, b"message").await, "sign")?;
            let valid = crypto.verify(&pair.public, b"message", &signature).await;
            same(&run(valid, "verify")?, &true, "the signature")
        }
        _ => Err(Fault("not a primitive")),
    }
}

fn pair(scalar: &Hex, public: &Hex) -> Result<SigningPair, Fault> {
    Ok(SigningPair { scalar: RawKey::new(scalar.array()?), public: PublicKey(public.array()?) })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` chose the function")]
async fn check_content<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    match vector {
        Vector::Chunk { secret, vault, epoch, salt, plain, id, key } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let vault = VaultId(vault.array()?);
            let sealer = ChunkSealer::derive(crypto, &secret, vault, *epoch).await;
            let dedupe = match salt {
                Some(salt) => Dedupe::Off(salt.array()?),
                None => Dedupe::On,
            };
            let plain = plain.bytes();
            let sealed = run(sealer, "derive")?.seal(crypto, &plain, dedupe).await;
            let sealed = run(sealed, "seal")?;
            same(&sealed.id.0, &id.array()?, "the id")?;
            same(&sealed.key.0, &key.array()?, "the key")?;
            let opened = open_chunk(crypto, &vault, &sealed.id, &sealed.key, &sealed.bytes).await;
            let opened = run(opened, "open")?;
            same(&opened.starts_with(&plain), &true, "the plaintext")?;
            let range = plain.len() / 2..plain.len();
            let plan = RangePlan::new(sealed.bytes.len(), range.clone());
            let plan = plan.ok_or(Fault("the range"))?;
            let part = &sealed.bytes[plan.container_range()];
            let opened = run(plan.open(crypto, &vault, &sealed.key, part).await, "open range")?;
            same(&opened, &plain[range].to_vec(), "the range's plaintext")
        }
        Vector::Manifest { secret, vault, epoch, salt, encoded, id } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let vault = VaultId(vault.array()?);
            let manifest = run(Manifest::decode(&encoded.0), "decode")?;
            same(&run(manifest.encode(), "encode")?, &encoded.0, "the encoding")?;
            let salt = salt.array()?;
            let sealed = seal_manifest(crypto, &secret, &vault, *epoch, &salt, &manifest).await;
            let sealed = run(sealed, "seal")?;
            same(&sealed.id, &ChunkId(id.array()?), "the id")?;
            let (file, bytes): (NodeId, _) = (manifest.file, &sealed.bytes);
            let opened = open_manifest(crypto, &secret, &vault, &file, &sealed.id, bytes).await;
            same(&run(opened, "open")?, &manifest, "the manifest")
        }
        Vector::ManifestRefused { encoded } => {
            same(&Manifest::decode(&encoded.0).is_err(), &true, "it decoded")
        }
        Vector::Thumb { chunk, key, offset, len, reference: plain, encoded } => {
            let (chunk, key) = (ChunkId(chunk.array()?), ContentKey(key.array()?));
            let thumb = Extent { chunk, key, offset: *offset, len: *len };
            same(&reference::with_thumb(&thumb, &plain.0), &encoded.0, "the encoding")?;
            same(&reference::thumb(&encoded.0), &Some(thumb), "the thumb")?;
            let (with, without) = (ManifestRef::decode(&encoded.0), ManifestRef::decode(&plain.0));
            same(&run(with, "decode")?, &run(without, "decode")?, "the reference")
        }
        Vector::ThumbRefused { encoded } => {
            same(&ManifestRef::decode(&encoded.0).is_err(), &true, "it decoded")
        }
        Vector::Blocks { secret, vault, block_bytes, plain, blocks } => {
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let key = BlockKey::derive(crypto, &secret, &VaultId(vault.array()?)).await;
            let mut signer = BlockSigner::new(run(key, "derive")?, *block_bytes);
            signer.update(&plain.bytes());
            let found = signer.finish().blocks.into_iter();
            let found: Vec<_> = found.map(|(sum, hash)| (sum, Hex(hash.to_vec()))).collect();
            same(&found, blocks, "the signatures")
        }
        _ => Err(Fault("not content")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` chose the function")]
async fn check_account<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    match vector {
        Vector::Slot { export_key, account, recovery, version, salt, master, blob } => {
            let kind = if *recovery { SecretKind::Recovery } else { SecretKind::Password };
            let account = AccountId(account.array()?);
            let master = MasterKey { version: *version, key: RawKey::new(master.array()?) };
            let (key, salt) = (&export_key.0, salt.array()?);
            let sealed = account::seal_slot(crypto, key, &account, kind, &salt, &master).await;
            same(&run(sealed, "seal")?, &blob.0, "the slot")?;
            let opened = account::open_slot(crypto, key, &account, kind, &blob.0).await;
            same(&run(opened, "open")?, &master, "the master key")
        }
        Vector::Identity { master, version, account, salt, scalar, public, blob } => {
            let master = run(crypto.import_secret(&master.0).await, "import")?;
            let account = AccountId(account.array()?);
            let (pair, salt) = (pair(scalar, public)?, salt.array()?);
            let sealed =
                account::seal_identity(crypto, &master, *version, &account, &salt, &pair).await;
            same(&run(sealed, "seal")?, &blob.0, "the identity")?;
            let opened =
                account::open_identity(crypto, &master, &account, &pair.public, &blob.0).await;
            run(opened.map(|_| ()), "open")
        }
        Vector::RecoveryCode { bytes, text } => {
            let code = RecoveryCode::new(bytes.array()?);
            same(&code.to_string(), text, "the text")?;
            same(&text.parse(), &Ok(code), "reading it")
        }
        Vector::Certificate { identity, bytes, valid } => {
            let certificate = run(DeviceCertificate::decode(&bytes.0), "decode")?;
            same(&certificate.encode(), &bytes.0, "the encoding")?;
            let found = certificate.verify(crypto, &PublicKey(identity.array()?)).await;
            same(&run(found, "verify")?, valid, "validity")
        }
        _ => Err(Fault("not of an account")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` chose the function")]
async fn check_log<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    match vector {
        Vector::Entry { secret, public, wire, hash, plain } => {
            let entry = run(Entry::decode(&wire.0), "decode")?;
            same(&entry.encode(), &wire.0, "the encoding")?;
            same(&entry.hash().0, &hash.array()?, "the hash")?;
            let (public, signed) = (PublicKey(public.array()?), signed_bytes(&entry.hash()));
            let valid = crypto.verify(&public, &signed, &entry.signature).await;
            same(&run(valid, "verify")?, &true, "the signature")?;
            let header = run(Header::decode(&entry.header), "the header")?;
            let vault = header.vault.ok_or(Fault("no vault"))?;
            let secret = run(crypto.import_secret(&secret.0).await, "import")?;
            let opened = open_body(crypto, &secret, &vault, &entry.header, &entry.body).await;
            same(&run(opened, "open")?, &plain.0, "the body")
        }
        Vector::Chain { entries, chain } => {
            let mut point = ChainPoint::START;
            for entry in entries {
                point = point.extend(&Hash(entry.array()?));
            }
            same(&point.chain.0, &chain.array()?, "the chain")
        }
        Vector::Log { owner, identity, vault, master, page, outcomes } => {
            let owner = AccountId(owner.array()?);
            let identity = PublicKey(identity.array()?);
            let mut state = LogState::new(VaultId(vault.array()?), owner, identity);
            let page = run(LogPage::decode(&page.0), "the page")?;
            let steps = run(state.check_page(crypto, &page).await, "history")?;
            let found: Vec<String> = steps
                .iter()
                .map(|step| match &step.outcome {
                    Ok(_) => "accepted".to_owned(),
                    Err(refused) => refused.to_string(),
                })
                .collect();
            same(&found, outcomes, "the outcomes")?;
            let master = run(crypto.import_secret(&master.0).await, "import")?;
            let Ok(genesis) = &steps[0].outcome else {
                return Err(Fault("the genesis entry"));
            };
            let CheckedBody::Epoch(record) = &genesis.body else {
                return Err(Fault("no record"));
            };
            run(record.open_secret(crypto, &owner, &master).await.map(|_| ()), "the secret")
        }
        _ => Err(Fault("not of a log")),
    }
}
