//! A device of the account that writes what no honest device writes.

use offing_core::account::device::DeviceCertificate;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSecret, NativeSigningKey, ready};
use offing_core::fixture::pair;
use offing_core::id::{ChunkId, DeviceId, Hash, StreamId, VaultId};
use offing_core::log::author;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::{DeviceIntro, EpochRecord};
use offing_core::proto::{AppendResult, PageItem, encode_append};
use offing_core::tree::{Op, OpId, Value};
use offing_server::service::log::PageLimits;
use offing_server::service::{Caller, Services};

use crate::World;
use crate::host::EPOCH_MS;

/// The device, with all that it needs to write.
pub struct Rogue {
    caller: Caller,
    vault: VaultId,
    signing: NativeSigningKey,
    secret: NativeSecret,
    dseq: u64,
    prev: Hash,
    lamport: u64,
}

impl Rogue {
    /// Joins the vault of a world, in its first epoch.
    pub fn joins(world: &World) -> Self {
        let (person, vault) = (&world.person, world.vault.get().unwrap());
        let pair = pair(99);
        let device: DeviceId = pair.public.device_id();
        let caller = Caller { account: person.account, device };
        let genesis = world.net.ask(async |services: Services| {
            services.read_log(&caller, vault, 0, None, PageLimits::default()).await
        });
        let genesis = genesis.unwrap().items.into_iter().next();
        let Some(PageItem::Full(wire)) = genesis else { panic!("the log has a beginning") };
        let record = EpochRecord::decode(&Entry::decode(&wire).unwrap().body).unwrap();
        let opened = record.open_secret(&NativeCrypto, &person.account, &person.master_secret);
        let (secret, signing) =
            (ready(opened).unwrap(), ready(NativeCrypto.import_signing(&pair)).unwrap());
        let issued = DeviceCertificate::issue(
            &NativeCrypto,
            &person.identity_key,
            person.account,
            pair.public,
        );
        let prev = Hash([0; 32]);
        let mut rogue = Self { caller, vault, signing, secret, dseq: 0, prev, lamport: 1_000 };
        let intro = DeviceIntro::seal(
            &NativeCrypto,
            &rogue.secret,
            (&vault, 1),
            &[9; 32],
            ready(issued).unwrap(),
            "rogue",
        );
        let header = rogue.header(world, EntryKind::Device);
        let body = ready(intro).unwrap().encode();
        let entry = ready(author::write_clear(&NativeCrypto, &header, body, &rogue.signing));
        assert!(matches!(rogue.appends(world, &entry.unwrap()), AppendResult::Ok { .. }));
        rogue
    }

    /// Sets a field of a node, having seen everything.
    pub fn sets(&mut self, world: &World, node: offing_core::id::NodeId, value: Value) {
        self.lamport += 1;
        let id = OpId { lamport: self.lamport, device: self.caller.device };
        let ops = vec![Op { id, node, value, supersedes: Vec::new() }];
        let body = ChangeBody { time_ms: EPOCH_MS, ops, texts: Vec::new() };
        let result = self.writes(world, &body);
        assert!(matches!(result, AppendResult::Ok { .. }), "{result:?}");
    }

    /// Writes a change, sealed in the first epoch.
    pub fn writes(&mut self, world: &World, body: &ChangeBody) -> AppendResult {
        let header = self.header(world, EntryKind::Change);
        let mut salt = [7; 32];
        salt[..8].copy_from_slice(&header.dseq.to_be_bytes());
        let plain = body.encode().unwrap();
        let entry = author::write_sealed(
            &NativeCrypto,
            &header,
            &self.secret,
            &salt,
            &plain,
            &self.signing,
        );
        self.appends(world, &ready(entry).unwrap())
    }

    /// Writes an entry that names chunks, having seen everything.
    pub fn names(&mut self, world: &World, kind: EntryKind, chunks: &[ChunkId]) {
        self.names_as(world, kind, Vec::new(), chunks);
    }

    /// Writes an entry about contents that die, having seen everything.
    pub fn tells_of(&mut self, world: &World, kind: EntryKind, chunks: &[ChunkId]) {
        self.names_as(world, kind, vec![StreamId::CONTENTS], chunks);
    }

    /// Writes an entry about the shared index, having seen everything.
    pub fn tells_of_index(&mut self, world: &World, kind: EntryKind, chunks: &[ChunkId]) {
        self.names_as(world, kind, vec![StreamId::INDEX], chunks);
    }

    fn names_as(
        &mut self,
        world: &World,
        kind: EntryKind,
        streams: Vec<StreamId>,
        chunks: &[ChunkId],
    ) {
        let header = Header { chunks: chunks.to_vec(), streams, ..self.header(world, kind) };
        let mut salt = [8; 32];
        salt[..8].copy_from_slice(&header.dseq.to_be_bytes());
        let (secret, signing) = (&self.secret, &self.signing);
        let entry = author::write_sealed(&NativeCrypto, &header, secret, &salt, &[], signing);
        let result = self.appends(world, &ready(entry).unwrap());
        assert!(matches!(result, AppendResult::Ok { .. }), "{result:?}");
    }

    fn header(&self, world: &World, kind: EntryKind) -> Header {
        let (caller, vault) = (self.caller, self.vault);
        let page = world.net.ask(async |services: Services| {
            services.read_log(&caller, vault, 0, None, PageLimits::default()).await
        });
        let tip = page.unwrap().tip;
        Header {
            kind,
            vault: Some(vault),
            device: caller.device,
            dseq: self.dseq + 1,
            prev: self.prev,
            seen_seq: tip.seq,
            seen_chain: tip.chain,
            epoch: 1,
            streams: Vec::new(),
            chunks: Vec::new(),
        }
    }

    fn appends(&mut self, world: &World, entry: &Entry) -> AppendResult {
        let (caller, vault) = (self.caller, self.vault);
        let body = encode_append(&[entry.encode()]);
        let appended =
            world.net.ask(async |services: Services| services.append(&caller, vault, &body).await);
        let result = appended.unwrap().results.remove(0);
        if matches!(result, AppendResult::Ok { .. }) {
            self.dseq += 1;
            self.prev = entry.hash();
        }
        result
    }
}
