//! An account, its devices and what they write, over real services.

use std::path::Path;

use offing_core::crypto::SigningPair;
use offing_core::crypto::hazmat::Crypto as _;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::pair;
use offing_core::id::{AccountId, ChunkId, Hash, VaultId};
use offing_core::log::entry::{Entry, EntryKind, Header, signed_bytes};
use offing_core::proto::{AccountRecord, AppendResult, Appended, encode_append};
use offing_server::service::accounts::NewAccount;
use offing_server::service::{Caller, ServiceOptions, Services};
use sha2::{Digest, Sha256};

/// The time of every test.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// Opens services in a folder.
pub(crate) fn open(folder: &Path) -> Services {
    Services::open(folder, ServiceOptions::default()).unwrap().0
}

/// What a sign-up with this name asks for.
pub(crate) fn sign_up(invite: &str, name: &str) -> NewAccount {
    let record = AccountRecord {
        account: AccountId(Sha256::digest(name)[..16].try_into().unwrap()),
        identity_public: vec![1].into(),
        identity_sealed: vec![2].into(),
        password_slot: vec![3].into(),
        recovery_slot: vec![4].into(),
    };
    NewAccount {
        invite: invite.to_owned(),
        username: name.to_owned(),
        password_file: vec![5],
        recovery_file: vec![6],
        record,
    }
}

/// Makes an account and answers as its first device.
pub(crate) async fn joined(services: &Services, name: &str) -> Caller {
    let invite = services.create_invite(NOW_MS).await.unwrap();
    let new = sign_up(&invite, name);
    let account = new.record.account;
    services.register(new, NOW_MS).await.unwrap();
    let public = key(name).public;
    let device = public.device_id();
    services.start_session(account, device, public.0.to_vec(), NOW_MS).await.unwrap();
    Caller { account, device }
}

/// The key of the first device of somebody with this name.
pub(crate) fn key(name: &str) -> SigningPair {
    pair(Sha256::digest(name)[0].max(1))
}

/// Signs an entry as the first device of somebody with this name.
pub(crate) fn signed(entry: Entry, name: &str) -> Entry {
    let signing = ready(NativeCrypto.import_signing(&key(name))).unwrap();
    let signature = ready(NativeCrypto.sign(&signing, &signed_bytes(&entry.hash())));
    Entry { signature: signature.unwrap(), ..entry }
}

/// A device's side of a log: it knows its counter and its last hash.
#[derive(Clone)]
pub(crate) struct Pen {
    pub(crate) caller: Caller,
    pub(crate) vault: VaultId,
    pub(crate) dseq: u64,
    pub(crate) prev: Hash,
}

impl Pen {
    /// The header that comes next.
    pub(crate) fn header(&self) -> Header {
        Header {
            kind: EntryKind::Change,
            vault: Some(self.vault),
            device: self.caller.device,
            dseq: self.dseq + 1,
            prev: self.prev,
            seen_seq: 0,
            seen_chain: Hash([0; 32]),
            epoch: 1,
            streams: vec![],
            chunks: vec![],
        }
    }

    /// Writes the next entry.
    pub(crate) fn write(&mut self, body: &[u8], chunks: &[ChunkId]) -> Vec<u8> {
        let entry = entry(Header { chunks: chunks.to_vec(), ..self.header() }, body);
        self.dseq += 1;
        self.prev = entry.hash();
        entry.encode()
    }
}

/// An entry with this header.
#[allow(clippy::needless_pass_by_value, reason = "most callers make it on the spot")]
pub(crate) fn entry(header: Header, body: &[u8]) -> Entry {
    Entry { header: header.encode(), signature: [7; 64], body: body.to_vec() }
}

/// The genesis entry of a vault of the caller's.
pub(crate) fn genesis(caller: &Caller) -> Entry {
    let header = Header {
        kind: EntryKind::Epoch,
        vault: None,
        device: caller.device,
        dseq: 1,
        prev: Hash([0; 32]),
        seen_seq: 0,
        seen_chain: Hash([0; 32]),
        epoch: 1,
        streams: vec![],
        chunks: vec![],
    };
    entry(header, b"members")
}

/// Makes an account with a vault.
pub(crate) async fn with_vault(services: &Services, name: &str) -> Pen {
    let caller = joined(services, name).await;
    let genesis = genesis(&caller);
    let (vault, _) = services.create_vault(&caller, &genesis.encode(), NOW_MS).await.unwrap();
    Pen { caller, vault, dseq: 1, prev: genesis.hash() }
}

/// Appends entries as the pen's device.
pub(crate) async fn append(services: &Services, pen: &Pen, entries: &[Vec<u8>]) -> Appended {
    services.append(&pen.caller, pen.vault, &encode_append(entries)).await.unwrap()
}

/// Says whether an entry is durable at a place.
pub(crate) fn placed_at(result: &AppendResult, place: u64) -> bool {
    matches!(result, AppendResult::Ok { seq, .. } if *seq == place)
}

/// A chunk of these many bytes, told apart by a seed, with its id.
pub(crate) fn chunk(seed: u8, len: usize) -> (ChunkId, Vec<u8>) {
    let bytes = vec![seed; len];
    (ChunkId(Sha256::digest(&bytes).into()), bytes)
}
