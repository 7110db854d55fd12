//! What fuzzing begins with: the frozen vectors, and what a session of two devices wrote.

use std::path::Path;

use offing_core::account::device::DeviceCertificate;
use offing_core::account::recovery::RecoveryCode;
use offing_core::content::chunk::{ChunkSealer, ContentKey, Dedupe};
use offing_core::content::manifest::{BlockSignatures, Manifest};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::pattern;
use offing_core::id::{ChunkId, Hash, NodeId, VaultId};
use offing_core::log::author::open_body;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::EpochRecord;
use offing_core::log::heartbeat::HeartbeatBody;
use offing_core::log::index::IndexBody;
use offing_core::log::snapshot::{Cutter, Part, Piece};
use offing_core::proto::{self, LogPage, PageItem};
use offing_core::rpc::{
    Alarm, Clash, Command, Event, FromEngine, Reply, Status, SyncState, TextUpdate, ToEngine,
};
use offing_core::text::{Actor, ChangeSet, TextDoc};
use offing_core::tree::NodeRow;
use offing_core::tree::memory::MemoryTree;
use offing_core::vectors::{Named, Vector};
use offing_server::api::CALLS;

use super::{passkey, presence, previews, put_pieces, search, text};
use crate::{STAR, World};

/// Longest input that is kept; what is longer says nothing new.
const SEED_BYTES_MAX: usize = 4 * 1024;

/// Inputs, each with the target that it is for.
#[derive(Default)]
struct Seeds(Vec<(&'static str, Vec<u8>)>);

impl Seeds {
    fn add(&mut self, target: &'static str, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        if bytes.len() <= SEED_BYTES_MAX {
            self.0.push((target, bytes));
        }
    }
}

/// All of them: a target's name and an input. `vectors` is the folder of the frozen ones.
pub fn seeds(vectors: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Seeds::default();
    of_vectors(&mut seeds, vectors);
    of_a_session(&mut seeds);
    of_content(&mut seeds);
    of_a_page(&mut seeds);
    of_typing(&mut seeds);
    of_calls(&mut seeds);
    for (target, bytes) in previews::seeds()
        .into_iter()
        .chain(passkey::seeds())
        .chain(presence::seeds())
        .chain(search::seeds())
    {
        seeds.add(target, bytes);
    }
    seeds.0
}

fn of_vectors(seeds: &mut Seeds, folder: &Path) {
    for file in
        ["seal.json", "content.json", "account.json", "log.json", "thumbs.json", "label.json"]
    {
        let json = std::fs::read_to_string(folder.join(file)).unwrap();
        for Named { vector, .. } in serde_json::from_str::<Vec<Named>>(&json).unwrap() {
            of_vector(seeds, &vector);
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other vectors hold nothing that is decoded")]
fn of_vector(seeds: &mut Seeds, vector: &Vector) {
    match vector {
        Vector::Seal { blob, .. } | Vector::Slot { blob, .. } | Vector::Identity { blob, .. } => {
            seeds.add("seal", blob.0.clone());
        }
        Vector::Manifest { encoded, .. } | Vector::ManifestRefused { encoded } => {
            seeds.add("manifest", encoded.0.clone());
            seeds.add("manifest", [&[0], &encoded.0[..]].concat());
        }
        Vector::Thumb { encoded, .. } | Vector::ThumbRefused { encoded } => {
            seeds.add("manifest", encoded.0.clone());
        }
        Vector::Label { bodies, row, .. } => {
            bodies.iter().for_each(|body| seeds.add("change", body.0.clone()));
            seeds.add("row", row.0.clone());
        }
        Vector::RecoveryCode { text, .. } => seeds.add("recovery", text.as_bytes()),
        Vector::Certificate { bytes, .. } => seeds.add("certificate", bytes.0.clone()),
        Vector::Entry { wire, .. } => seeds.add("entry", wire.0.clone()),
        Vector::Log { page, .. } => seeds.add("page", page.0.clone()),
        _ => {}
    }
}

/// Two devices work in one vault; everything that they wrote is opened.
fn of_a_session(seeds: &mut Seeds) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_folder("/Photos");
    let note = phone.creates_text("/note.md", "hello\n");
    world.sync_all();
    laptop.renames("/note.md", "NOTE.md");
    laptop.moves("/NOTE.md", "/Photos");
    phone.edits(note, |text| format!("{text}wörld 😀\n"));
    phone.uploads("/", &[("a.bin", &pattern(1, 900)), ("b.bin", &pattern(2, 20))], Clash::Ask);
    world.sync_all();
    laptop.trashes("/a.bin");
    laptop.labels("/b.bin", STAR);
    laptop.labels("/b.bin", "holiday");
    laptop.unlabels("/b.bin", STAR);
    world.sync_all();
    let (wires, tip) = world.reads_the_log();
    let genesis = Entry::decode(&wires[0]).unwrap();
    let record = EpochRecord::decode(&genesis.body).unwrap();
    let (person, vault) = (&world.person, VaultId(genesis.hash().0));
    let secret = record.open_secret(&NativeCrypto, &person.account, &person.master_secret);
    let secret = ready(secret).unwrap();
    let mut tree = MemoryTree::default();
    let mut merged = Vec::new();
    for (wire, seq) in wires.iter().zip(1..) {
        let entry = Entry::decode(wire).unwrap();
        let header = Header::decode(&entry.header).unwrap();
        seeds.add("entry", wire.clone());
        match header.kind {
            EntryKind::Epoch => seeds.add("epoch", entry.body.clone()),
            EntryKind::Device => seeds.add("intro", entry.body.clone()),
            EntryKind::Change
            | EntryKind::Snapshot
            | EntryKind::Heartbeat
            | EntryKind::Gc
            | EntryKind::Share
            | EntryKind::Recovery => {
                let opened = open_body(&NativeCrypto, &secret, &vault, &entry.header, &entry.body);
                let body = ready(opened).unwrap();
                seeds.add("change", body.clone());
                let change = ChangeBody::decode(&body, &header.device).unwrap();
                tree.apply(&change.known_ops(Some(seq), header.seen_seq));
                let plain = unfold(&body);
                let who = u8::from(header.device != phone.identity().device);
                merged.extend([&[who | 0xfc][..], &put_pieces([&plain[..]])].concat());
                seeds.add("signed", [&[0, 1][..], &body].concat());
                seeds.add("change_plain", plain);
            }
        }
    }
    seeds.add("tree", merged);
    seeds.add("signed", [&[2, 2][..], &genesis.body].concat());
    seeds.add("certificate", record.certificates.first().map(DeviceCertificate::encode).unwrap());
    of_the_log(seeds, &wires, tip);
    of_the_tree(seeds, &tree);
}

/// What a change or a piece of a snapshot unfolds to.
fn unfold(frame: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    flate2::read::DeflateDecoder::new(&frame[5..]).read_to_end(&mut plain).unwrap();
    plain
}

fn of_the_log(seeds: &mut Seeds, wires: &[Vec<u8>], tip: proto::Tip) {
    seeds.add("append", proto::encode_append(&wires[..2]));
    let mut items: Vec<PageItem> = wires[..2].iter().cloned().map(PageItem::Full).collect();
    seeds.add("page", LogPage { tip, items: items.clone() }.encode());
    let entry = Entry::decode(&wires[2]).unwrap();
    let body_hash = entry.body_hash();
    items.push(PageItem::Bare { header: entry.header, signature: entry.signature, body_hash });
    seeds.add("page", LogPage { tip, items }.encode());
}

fn of_the_tree(seeds: &mut Seeds, tree: &MemoryTree) {
    let mut rows: Vec<NodeRow> = tree.rows.values().cloned().collect();
    rows.sort_unstable_by_key(|row| row.node);
    for row in &rows {
        seeds.add("row", row.encode());
        seeds.add("name", row.shown_name());
    }
    let mut cutter = Cutter::new(1_000);
    cutter.push(Part::Text, &[1; 41], b"a replaced content").unwrap();
    for row in rows.iter().take(2) {
        cutter.push(Part::Node, &row.node.0, &row.encode()).unwrap();
    }
    seeds.add("piece", unfold(&cutter.finish().unwrap().0));
    let piece = Piece { chunk: ChunkId([5; 32]), key: ContentKey([6; 32]), bytes: 300 };
    seeds.add("piece", IndexBody { about: vec![1, 0], blobs: vec![vec![piece]] }.encode());
    seeds.add("piece", HeartbeatBody { snapshot: Hash([7; 32]) }.encode());
    for name in ["ß.txt", "CON", "a (2).md", "İ", "e\u{301}", "x.", "a:b", "日本"] {
        seeds.add("name", name);
    }
}

fn of_content(seeds: &mut Seeds) {
    let vault = VaultId([3; 32]);
    let secret = ready(NativeCrypto.import_secret(&[4; 32])).unwrap();
    let sealer = ready(ChunkSealer::derive(&NativeCrypto, &secret, vault, 1)).unwrap();
    let sealed = ready(sealer.seal(&NativeCrypto, b"content", Dedupe::On)).unwrap();
    seeds.add("chunk", sealed.bytes.clone());
    let manifest = Manifest {
        file: NodeId([1; 16]),
        size: 0,
        mime: "image/png".to_owned(),
        modified_ms: 5,
        extents: Vec::new(),
        plain_hash: Hash([2; 32]),
        signatures: Some(BlockSignatures { block_bytes: 16 * 1024, blocks: Vec::new() }),
    };
    seeds.add("manifest", manifest.encode().unwrap());
    seeds.add("recovery", RecoveryCode::new([7; 16]).to_string());
    seeds.add("have", [[1; 32], [2; 32]].concat());
    seeds.add("have", [&[9][..], &proto::encode_bitmap(&[true; 9])].concat());
}

fn of_a_page(seeds: &mut Seeds) {
    let node = NodeId([9; 16]);
    let commands = [
        Command::Start { wanted: None },
        Command::SignIn {
            username: "alice".to_owned(),
            password: "password".to_owned(),
            borrowed: true,
        },
        Command::Rename { node, name: "ünïcode.md".to_owned() },
        Command::PushText {
            node,
            version: 3,
            updates: vec![TextUpdate {
                client: "a1".to_owned(),
                changes: "[3,[0,\"x\"]]".to_owned(),
            }],
        },
        Command::FlushText { node },
    ];
    for (command, id) in commands.into_iter().zip(1..) {
        seeds.add("command", offing_core::rpc::encode(&ToEngine { id, command }));
    }
    let said = [
        FromEngine::Reply { id: 1, result: Ok(Reply::Done) },
        FromEngine::Reply { id: 2, result: Err(offing_core::rpc::Fault::StorageFull) },
        FromEngine::Event(Event::Status(Status { state: SyncState::Syncing, pending: 3 })),
        FromEngine::Event(Event::Alarm(Alarm::EditRefused { name: "a".to_owned() })),
    ];
    for said in said {
        seeds.add("event", offing_core::rpc::encode(&said));
    }
}

fn of_typing(seeds: &mut Seeds) {
    let writer = Actor { device: text::WRITER, slot: 0 };
    let mut doc = TextDoc::seeded(&text::NODE, &text::BASE, text::CONTENT, writer).unwrap();
    let mut changes = Vec::new();
    for json in ["[3,[0,\"\",\"x😀\"],7]", "[[2],9]", "[3,[1,\"y\"],5]"] {
        seeds.add("change_set", json);
        if let Ok(changes_set) = ChangeSet::from_json(json)
            && doc.splice(&changes_set).is_ok()
        {
            changes.extend(doc.commit(0));
        }
    }
    for until in 1..=changes.len() {
        seeds.add("text", put_pieces(changes[..until].iter().map(Vec::as_slice)));
    }
    let markdown = "# A *b* **c** ~~d~~\n\n- [x] `e`\n1. f\n\n> g[^n]\n\n|a|b|\n|:-|-:|\n|1|2|\n\n\
                    ```rust\nfn\n```\n\n[^n]: [h](https://x \"t\") ![i](j)\n\n---\n<b>k</b>\n";
    seeds.add("markdown", markdown);
    seeds.add("steps", offing_markdown::parse::render(markdown).unwrap());
}

/// One call of each kind, with a body as it might be.
fn of_calls(seeds: &mut Seeds) {
    let forms = [
        r#"{"invite":"x","username":"alice","password_request":"AA","recovery_request":"AA"}"#,
        r#"{"username":"alice","kind":"password","request":"AA"}"#,
        r#"{"login":"x","finalization":"AA","device":{"device":"00","public":"AA"}}"#,
        r#"{"kind":"recovery","upload":"AA","slot":"AA"}"#,
        r#"{"token":"x","expires_in_s":600}"#,
        r#"{"version":"1","now_ms":1}"#,
        r#"{"status":"missing","ids":[]}"#,
    ];
    for form in forms {
        seeds.add("json", form);
    }
    let chunk = proto::encode_chunk_batch([(ChunkId([1; 32]), &b"sealed"[..])]);
    for (call, index) in CALLS.iter().zip(0..) {
        let bodies: Vec<&[u8]> = match call.path {
            path if path.ends_with("/chunks") => vec![&chunk],
            path if path.ends_with("/log") => vec![&[0, 0, 0, 0], b"after=1"],
            _ => vec![b"bytes=0-3", forms[index as usize % forms.len()].as_bytes()],
        };
        for body in bodies {
            let odd = if call.method == "GET" { 12 } else { 0 };
            seeds.add("request", [&[index, odd, 20][..], body].concat());
        }
    }
}
