//! Writes a long log by hand: a device of the account that keeps no rows.

use std::path::Path;

use offing_cli::profile::Profile;
use offing_cli::session::{self, binding};
use offing_cli::wire::Wire;
use offing_core::account::device::DeviceCertificate;
use offing_core::account::recovery::RecoveryCode;
use offing_core::content::chunk::{ChunkSealer, Dedupe, SealedChunk};
use offing_core::content::manifest::{Extent, Manifest};
use offing_core::content::reference::ManifestRef;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSecret, NativeSigningKey};
use offing_core::id::{DeviceId, Hash, NodeId, VaultId};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::change::{ChangeBody, TextPart};
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::{DeviceIntro, EpochRecord};
use offing_core::proto::{AppendResult, PageItem, SecretKind, encode_append};
use offing_core::rpc::{Fault, Kind};
use offing_core::text::{Actor, ChangeSet, TextDoc};
use offing_core::tree::{Content, NO_BASE, Op, OpId, TextEdit, Value};
use offing_server::service::accounts::invite_beside;
use offing_server::state::system_clock;
use offing_worker::net::Remote as _;
use offing_worker::net::api::Api;
use offing_worker::proof::{self, NewAccount};
use rand::rngs::{OsRng, StdRng};
use rand::{Rng as _, RngCore as _, SeedableRng as _};

use crate::server::Server;
use crate::{PASSWORD, USERNAME};

const CRYPTO: NativeCrypto = NativeCrypto;
/// When everything was made, milliseconds since 1970.
const TIME_MS: i64 = 1_700_000_000_000;
/// Nodes of a folder, and for each text.
const FOLDER_NODES: u32 = 100;
const TEXT_NODES: u32 = 250;
/// Of so many entries one is an edit of a text.
const EDIT_ENTRIES: u32 = 5;

/// A text that is being written.
struct Text {
    node: NodeId,
    doc: TextDoc,
    last: Option<OpId>,
}

pub(crate) struct Author {
    api: Api<Wire>,
    vault: VaultId,
    device: DeviceId,
    signing: NativeSigningKey,
    secret: NativeSecret,
    /// The content of all files.
    chunk: SealedChunk,
    dseq: u64,
    prev: Hash,
    seen: ChainPoint,
    lamport: u64,
    dice: StdRng,
    written: Vec<Vec<u8>>,
}

impl Author {
    /// Makes an account with a vault, and is its second device.
    pub(crate) async fn founds(server: &Server, folder: &Path) -> Self {
        let invite = invite_beside(server.places(), system_clock()).await.unwrap();
        let profile = Profile::open(&folder.join("founder")).unwrap();
        let api = Api::new(profile.wire(&server.url()).unwrap());
        let (identity, founder) = (Profile::new_device(), Profile::new_device());
        let new = NewAccount {
            invite,
            username: USERNAME.to_owned(),
            password: PASSWORD,
            code: &RecoveryCode::new([7; 16]),
            identity: &identity,
            device: binding(&founder),
        };
        let proved = proof::sign_up(&api, &CRYPTO, &mut OsRng, new).await.unwrap();
        let drive = session::settle(&profile, api, USERNAME, &proved, &founder, "Founder").await;
        let drive = drive.unwrap();
        drive.settle().await.unwrap();
        let vault = drive.signed_in().identity.vault;
        drive.replica.close();

        let pair = Profile::new_device();
        let api = Api::new(Wire::new(&server.url(), &folder.join("author")).unwrap());
        let password = (SecretKind::Password, PASSWORD.as_bytes());
        let bound = binding(&pair);
        let factor = async |_: &str| -> Result<(), Fault> { panic!("the account has none") };
        let proved =
            proof::sign_in(&api, &CRYPTO, &mut OsRng, USERNAME, password, bound, factor).await;
        let proved = proved.unwrap();
        let account = proved.started.record.account;
        let page = api.log(vault, 0, None).await.unwrap();
        let PageItem::Full(genesis) = &page.items[0] else { panic!("a log begins with a body") };
        let record = EpochRecord::decode(&Entry::decode(genesis).unwrap().body).unwrap();
        let master = proved.master.import(&CRYPTO).await.unwrap();
        let secret = record.open_secret(&CRYPTO, &account, &master).await.unwrap();
        let sealer = ChunkSealer::derive(&CRYPTO, &secret, vault, 1).await.unwrap();
        let chunk = sealer.seal(&CRYPTO, &[7; 1_000], Dedupe::On).await.unwrap();
        api.put_chunk(vault, chunk.id, &chunk.bytes).await.unwrap();
        let identity = CRYPTO.import_signing(&identity).await.unwrap();
        let mut author = Self {
            api,
            vault,
            device: pair.public.device_id(),
            signing: CRYPTO.import_signing(&pair).await.unwrap(),
            secret,
            chunk,
            dseq: 0,
            prev: Hash([0; 32]),
            seen: ChainPoint { seq: page.tip.seq, chain: page.tip.chain },
            lamport: 0,
            dice: StdRng::seed_from_u64(1),
            written: Vec::new(),
        };
        let certificate = DeviceCertificate::issue(&CRYPTO, &identity, account, pair.public);
        author.introduces_itself(certificate.await.unwrap()).await;
        author
    }

    async fn introduces_itself(&mut self, certificate: DeviceCertificate) {
        let (place, salt) = ((&self.vault, 1), [3; 32]);
        let intro = DeviceIntro::seal(&CRYPTO, &self.secret, place, &salt, certificate, "Author");
        let body = intro.await.unwrap().encode();
        let header = self.header(EntryKind::Device);
        let entry = author::write_clear(&CRYPTO, &header, body, &self.signing).await.unwrap();
        self.wrote(&entry).await;
        self.appends().await;
    }

    /// Makes so many nodes, in so many entries altogether: the others rename and edit.
    pub(crate) async fn grows(&mut self, nodes: u32, entries: u32) {
        let (mut made, mut texts): (Vec<NodeId>, Vec<Text>) = (Vec::new(), Vec::new());
        let mut folder = NodeId::ROOT;
        for number in 0..nodes {
            let node = NodeId(self.random());
            let name = format!("a name of usual length {number}");
            if number % FOLDER_NODES == 0 {
                let create = Value::Create { kind: Kind::Folder, parent: NodeId::ROOT, name };
                self.changes(vec![(node, create, vec![])], Vec::new()).await;
                folder = node;
            } else if number % TEXT_NODES == 1 {
                let create = Value::Create { kind: Kind::Text, parent: folder, name };
                self.changes(vec![(node, create, vec![])], Vec::new()).await;
                let actor = Actor { device: self.device, slot: 0 };
                let doc = TextDoc::seeded(&node, &NO_BASE, "", actor).unwrap();
                texts.push(Text { node, doc, last: None });
            } else {
                let create = Value::Create { kind: Kind::File, parent: folder, name };
                let content = Value::Content(self.content(node));
                let ops = vec![(node, create, vec![]), (node, content, vec![])];
                self.changes(ops, Vec::new()).await;
            }
            made.push(node);
        }
        for number in nodes..entries {
            let (at, text) = (self.dice.gen_range(0..made.len()), number as usize % texts.len());
            if number % EDIT_ENTRIES == 0 {
                self.types(&mut texts[text], number).await;
            } else {
                let name = Value::Name(format!("another name of a usual length {number}"));
                self.changes(vec![(made[at], name, vec![])], Vec::new()).await;
            }
        }
        self.appends().await;
    }

    /// Entries that a newcomer is shown to begin with.
    pub(crate) async fn snapshots(&self) -> usize {
        self.api.beginning(self.vault, 0).await.unwrap().items.len()
    }

    async fn types(&mut self, text: &mut Text, number: u32) {
        let before = text.doc.text();
        let after = format!("{before}A line that somebody typed, the {number}th of all.\n");
        text.doc.splice(&ChangeSet::between(&before, &after)).unwrap();
        let changes = vec![text.doc.commit(TIME_MS).unwrap()];
        let (node, size) = (text.node, after.len() as u64);
        let edit = Value::Text(TextEdit { base: NO_BASE, size, modified_ms: TIME_MS });
        let supersedes = text.last.into_iter().collect();
        let part = TextPart { node, base: NO_BASE, changes };
        self.changes(vec![(node, edit, supersedes)], vec![part]).await;
        text.last = Some(OpId { lamport: self.lamport, device: self.device });
    }

    fn content(&self, node: NodeId) -> Content {
        let extent = Extent { chunk: self.chunk.id, key: self.chunk.key, offset: 0, len: 1_000 };
        let manifest = Manifest {
            file: node,
            size: 1_000,
            mime: "application/octet-stream".to_owned(),
            modified_ms: TIME_MS,
            extents: vec![extent],
            plain_hash: Hash([5; 32]),
            signatures: None,
        };
        let manifest = ManifestRef::Inline(manifest).encode().unwrap();
        Content { manifest, size: 1_000, modified_ms: TIME_MS, text: false }
    }

    async fn changes(&mut self, ops: Vec<(NodeId, Value, Vec<OpId>)>, texts: Vec<TextPart>) {
        let mut made = Vec::with_capacity(ops.len());
        let mut chunks = Vec::new();
        for (node, value, supersedes) in ops {
            self.lamport += 1;
            if matches!(value, Value::Content(_)) {
                chunks.push(self.chunk.id);
            }
            let id = OpId { lamport: self.lamport, device: self.device };
            made.push(Op { id, node, value, supersedes });
        }
        let plain = ChangeBody { time_ms: TIME_MS, ops: made, texts }.encode().unwrap();
        let header = Header { chunks, ..self.header(EntryKind::Change) };
        let salt = self.random();
        let entry =
            author::write_sealed(&CRYPTO, &header, &self.secret, &salt, &plain, &self.signing);
        self.wrote(&entry.await.unwrap()).await;
    }

    fn header(&self, kind: EntryKind) -> Header {
        Header {
            kind,
            vault: Some(self.vault),
            device: self.device,
            dseq: self.dseq + 1,
            prev: self.prev,
            seen_seq: self.seen.seq,
            seen_chain: self.seen.chain,
            epoch: 1,
            streams: Vec::new(),
            chunks: Vec::new(),
        }
    }

    async fn wrote(&mut self, entry: &Entry) {
        (self.dseq, self.prev) = (self.dseq + 1, entry.hash());
        self.written.push(entry.encode());
        if self.written.len() == limits::APPEND_ENTRIES_MAX {
            self.appends().await;
        }
    }

    async fn appends(&mut self) {
        let body = encode_append(&std::mem::take(&mut self.written));
        let appended = self.api.append(self.vault, &body).await.unwrap();
        let taken = |result: &AppendResult| matches!(result, AppendResult::Ok { .. });
        assert!(appended.results.iter().all(taken), "{:?}", appended.results);
        self.seen = ChainPoint { seq: appended.tip.seq, chain: appended.tip.chain };
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.dice.fill_bytes(&mut bytes);
        bytes
    }
}
