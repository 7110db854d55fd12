//! Writes the vector files that do not exist yet; existing ones are frozen.
//!
//! `cargo run -p offing-core --example write_vectors --features native-crypto,replica,testing`

use std::path::Path;

use offing_core::account::device::DeviceCertificate;
use offing_core::account::recovery::RecoveryCode;
use offing_core::account::{self, MasterKey};
use offing_core::content::chunk::{ChunkSealer, ContentKey, Dedupe};
use offing_core::content::delta::{BlockKey, BlockSigner};
use offing_core::content::manifest::{BlockSignatures, Extent, Manifest, seal_manifest};
use offing_core::content::reference::{ManifestRef, with_thumb};
use offing_core::crypto::envelope::{self, Binding, SealType};
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, NativeSecret, ready};
use offing_core::crypto::padding::padded_bytes;
use offing_core::crypto::{PublicKey, RawKey};
use offing_core::fixture::{Log, Person, pair, pattern};
use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, NodeId, StreamId, VaultId, VisitId};
use offing_core::label::Label;
use offing_core::log::chain::ChainPoint;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{EntryKind, Header};
use offing_core::log::index::IndexBody;
use offing_core::log::snapshot::{Cutter, Part, Piece, SnapshotBody};
use offing_core::presence::{Here, Presence, Selected};
use offing_core::proto::SecretKind;
use offing_core::rpc::{self, Kind};
use offing_core::text::{Actor, Place as TextPlace};
use offing_core::tree::memory::MemoryTree;
use offing_core::tree::{Context, KnownOp, Labelled, NodeRow, Op, OpId, Value};
use offing_core::vectors::{Filler, Hex, Named, Place, Vector};

const CRYPTO: NativeCrypto = NativeCrypto;

type Vectors = Vec<Named>;

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let files = [
        ("primitives.json", primitives as fn() -> anyhow::Result<Vectors>),
        ("seal.json", seals),
        ("content.json", content),
        ("blocks.json", blocks),
        ("account.json", accounts),
        ("log.json", logs),
        ("snapshot.json", snapshots),
        ("index.json", indexes),
        ("purge.json", purges),
        ("label.json", labels),
        ("thumbs.json", thumbs),
        ("presence.json", presences),
    ];
    for (name, make) in files {
        let path = folder.join(name);
        if !path.exists() {
            std::fs::write(path, serde_json::to_string_pretty(&make()?)? + "\n")?;
        }
    }
    Ok(())
}

fn add(vectors: &mut Vectors, name: impl Into<String>, vector: Vector) {
    vectors.push(Named { name: name.into(), vector });
}

fn secret(seed: u8) -> anyhow::Result<NativeSecret> {
    Ok(ready(CRYPTO.import_secret(&[seed; 32]))?)
}

fn hex(bytes: impl AsRef<[u8]>) -> Hex {
    Hex(bytes.as_ref().to_vec())
}

fn primitives() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    for (i, (ikm, salt, info, len)) in
        [(32, 0, 0, 32), (32, 32, 11, 32), (64, 32, 80, 32), (16, 200, 7, 48), (200, 1, 130, 64)]
            .into_iter()
            .enumerate()
    {
        let (ikm, salt, info) = (pattern(1, ikm), pattern(2, salt), pattern(3, info));
        let key = ready(CRYPTO.import_secret(&ikm))?;
        let out = ready(CRYPTO.derive_bytes(&key, &salt, &info, len))?;
        let vector =
            Vector::Hkdf { secret: hex(ikm), salt: hex(salt), info: hex(info), out: hex(out) };
        add(&mut v, format!("hkdf {i}"), vector);
    }
    for len in [0, 1, 64, 1000] {
        let data = pattern(4, len);
        let key = ready(CRYPTO.derive_mac(&secret(5)?, &[], b"mac"))?;
        let out = ready(CRYPTO.mac(&key, &data))?;
        let (secret, info) = (hex([5; 32]), hex(b"mac"));
        let vector = Vector::Mac { secret, info, out: hex(out), data: hex(&data) };
        add(&mut v, format!("hmac of {len} bytes"), vector);
        let out = hex(ready(CRYPTO.sha256(&data))?);
        add(&mut v, format!("sha-256 of {len} bytes"), Vector::Sha256 { data: hex(data), out });
    }
    for (len, aad) in [(0, 0), (1, 13), (16, 80), (300, 1)] {
        let key = ready(CRYPTO.derive_aead(&secret(6)?, &[], b"aead"))?;
        let (nonce, aad, plain) = ([7; 12], pattern(8, aad), pattern(9, len));
        let sealed = ready(CRYPTO.aead_seal(&key, &nonce, &aad, &plain))?;
        let vector = Vector::Aead {
            secret: hex([6; 32]),
            info: hex(b"aead"),
            nonce: hex(nonce),
            aad: hex(aad),
            plain: hex(plain),
            sealed: hex(sealed),
        };
        add(&mut v, format!("aes-256-gcm of {len} bytes"), vector);
    }
    for seed in [1, 2] {
        let p = pair(seed);
        let vector = Vector::SigningPair {
            scalar: hex(p.scalar.as_bytes()),
            public: hex(p.public.0),
            device: hex(p.public.device_id().0),
            fingerprint: p.public.fingerprint().to_string(),
        };
        add(&mut v, format!("key pair {seed}"), vector);
    }
    signatures(&mut v)?;
    for bytes in [0, 1, 255, 256, 257, 1000, 65_535, 65_537, 1_000_000, 1 << 20, (1 << 20) + 1] {
        let padded = padded_bytes(bytes);
        add(&mut v, format!("padding of {bytes} bytes"), Vector::Padding { bytes, padded });
    }
    Ok(v)
}

fn signatures(v: &mut Vectors) -> anyhow::Result<()> {
    let p = pair(3);
    let key = ready(CRYPTO.import_signing(&p))?;
    let good = ready(CRYPTO.sign(&key, b"a message"))?;
    let mut flipped = good;
    flipped[40] ^= 1;
    let cases = [
        ("a signature", p.public, &b"a message"[..], good, true),
        ("a signature of another message", p.public, b"b message", good, false),
        ("a signature of another key", pair(4).public, b"a message", good, false),
        ("a flipped signature", p.public, b"a message", flipped, false),
        ("a signature of zeros", p.public, b"a message", [0; 64], false),
        ("a key that is no point", PublicKey([4; 65]), b"a message", good, false),
    ];
    for (name, public, message, signature, valid) in cases {
        let (public, message, signature) = (hex(public.0), hex(message), hex(signature));
        add(v, name, Vector::Signature { public, message, signature, valid });
    }
    Ok(())
}

fn seals() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let kinds = [
        SealType::EntryBody,
        SealType::Manifest,
        SealType::DeviceName,
        SealType::EpochWrap,
        SealType::EpochPrevious,
        SealType::AccountSlot,
        SealType::Identity,
        SealType::Local,
    ];
    for (i, kind) in kinds.into_iter().enumerate() {
        let plain = pattern(10, [0, 1, 252, 253, 1000, 32, 32, 5000][i]);
        let (scope, bind) = (pattern(11, 16 + 16 * (i % 2)), pattern(12, 7 * i));
        let epoch = 1 + i as u32;
        let binding = Binding { kind, epoch, scope: &scope, bind: &bind };
        let salt = [i as u8; 32];
        let blob = ready(envelope::seal(&CRYPTO, &secret(13)?, &binding, &salt, &plain))?;
        let (scope, bind) = (hex(scope.clone()), hex(bind.clone()));
        let place = Place { secret: hex([13; 32]), kind: kind as u8, epoch, scope, bind };
        add(
            &mut v,
            format!("seal of type {}", kind as u8),
            Vector::Seal {
                place: place.clone(),
                salt: hex(salt),
                plain: hex(plain),
                blob: hex(&blob),
            },
        );
        if i == 1 {
            refused(&mut v, &place, &blob);
        }
    }
    Ok(v)
}

fn refused(v: &mut Vectors, place: &Place, blob: &[u8]) {
    for (name, at) in [
        ("magic", 0),
        ("suite", 2),
        ("type", 3),
        ("epoch", 7),
        ("salt", 8),
        ("commitment", 40),
        ("ciphertext", 72),
        ("tag", blob.len() - 1),
    ] {
        let mut blob = blob.to_vec();
        blob[at] ^= 1;
        let vector = Vector::SealRefused { place: place.clone(), blob: hex(blob) };
        add(v, format!("seal with a flipped {name}"), vector);
    }
    let mut others =
        vec![("secret", place.clone()), ("scope", place.clone()), ("bind", place.clone())];
    others[0].1.secret.0[0] ^= 1;
    others[1].1.scope.0[0] ^= 1;
    others[2].1.bind.0[0] ^= 1;
    for (name, place) in others {
        let vector = Vector::SealRefused { place, blob: hex(blob) };
        add(v, format!("seal opened under another {name}"), vector);
    }
    let cut = Vector::SealRefused { place: place.clone(), blob: hex(&blob[..blob.len() - 1]) };
    add(v, "seal cut short", cut);
}

fn content() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let vault = VaultId([21; 32]);
    let sealer = ready(ChunkSealer::derive(&CRYPTO, &secret(20)?, vault, 3))?;
    for (len, salt) in [
        (1, None),
        (256, None),
        (257, Some([5; 16])),
        (65_536, None),
        (65_537, Some([6; 16])),
        (300_000, None),
        (1 << 20, None),
    ] {
        let plain = Filler { seed: 22, len };
        let dedupe = salt.map_or(Dedupe::On, Dedupe::Off);
        let sealed = ready(sealer.seal(&CRYPTO, &plain.bytes(), dedupe))?;
        let vector = Vector::Chunk {
            secret: hex([20; 32]),
            vault: hex(vault.0),
            epoch: 3,
            salt: salt.map(hex),
            plain,
            id: hex(sealed.id.0),
            key: hex(sealed.key.0),
        };
        add(&mut v, format!("chunk of {len} bytes"), vector);
    }
    for (extents, signatures) in [(0u32, false), (1, false), (3, true), (200, false)] {
        let manifest = manifest(extents, signatures);
        let salt = [23; 32];
        let sealed = ready(seal_manifest(&CRYPTO, &secret(20)?, &vault, 3, &salt, &manifest))?;
        let encoded = manifest.encode()?;
        let vector = Vector::Manifest {
            secret: hex([20; 32]),
            vault: hex(vault.0),
            epoch: 3,
            salt: hex(salt),
            encoded: hex(&encoded),
            id: hex(sealed.id.0),
        };
        add(&mut v, format!("manifest of {extents} extents"), vector);
        if extents == 3 {
            let mut version = encoded.clone();
            version[0] = 2;
            let bad = [
                ("of a later version", version),
                ("with bytes left over", [&encoded[..], &[0]].concat()),
                ("cut short", encoded[..encoded.len() - 1].to_vec()),
            ];
            for (name, encoded) in bad {
                let vector = Vector::ManifestRefused { encoded: hex(encoded) };
                add(&mut v, format!("manifest {name}"), vector);
            }
        }
    }
    Ok(v)
}

fn thumbs() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let references = [
        ("inline manifest", ManifestRef::Inline(manifest(2, false))),
        ("stored manifest", ManifestRef::Stored(ChunkId([26; 32]))),
    ];
    for ((name, reference), (offset, len)) in references.into_iter().zip([(0, 1), (70_000, 9_000)])
    {
        let reference = reference.encode()?;
        let thumb = |offset, len| {
            let (chunk, key) = (ChunkId([27; 32]), ContentKey([28; 32]));
            with_thumb(&Extent { chunk, key, offset, len }, &reference)
        };
        let encoded = thumb(offset, len);
        let bad = [
            ("that is empty", thumb(0, 0)),
            ("that is too large", thumb(0, 16 * 1024 + 1)),
            ("outside of its chunk", thumb(1024 * 1024, 1)),
            ("before nothing", encoded[..encoded.len() - reference.len()].to_vec()),
            ("before a thumb", [&encoded[..encoded.len() - reference.len()], &encoded].concat()),
        ];
        for (why, encoded) in bad {
            add(
                &mut v,
                format!("{name}, thumb {why}"),
                Vector::ThumbRefused { encoded: hex(encoded) },
            );
        }
        let vector = Vector::Thumb {
            chunk: hex([27; 32]),
            key: hex([28; 32]),
            offset,
            len,
            reference: hex(&reference),
            encoded: hex(encoded),
        };
        add(&mut v, format!("{name} with a thumb"), vector);
    }
    Ok(v)
}

fn blocks() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let vault = VaultId([21; 32]);
    let key = ready(BlockKey::derive(&CRYPTO, &secret(20)?, &vault))?;
    for (block_bytes, len) in [(16, 15), (16, 33), (4096, 3 * 4096), (16_384, 70_000)] {
        let plain = Filler { seed: 24, len };
        let mut signer = BlockSigner::new(key.clone(), block_bytes);
        signer.update(&plain.bytes());
        let blocks = signer.finish().blocks;
        let vector = Vector::Blocks {
            secret: hex([20; 32]),
            vault: hex(vault.0),
            block_bytes,
            plain,
            blocks: blocks.into_iter().map(|(sum, hash)| (sum, hex(hash))).collect(),
        };
        add(&mut v, format!("blocks of {block_bytes} in {len} bytes"), vector);
    }
    Ok(v)
}

fn manifest(extents: u32, signatures: bool) -> Manifest {
    Manifest {
        file: NodeId([24; 16]),
        size: u64::from(extents) * 1000,
        mime: "text/plain".into(),
        modified_ms: 1_700_000_000_000,
        extents: (0..extents)
            .map(|i| Extent {
                chunk: ChunkId([i as u8; 32]),
                key: ContentKey([25; 32]),
                offset: i * 1000,
                len: 1000,
            })
            .collect(),
        plain_hash: Hash([26; 32]),
        signatures: signatures
            .then(|| BlockSignatures { block_bytes: 4096, blocks: vec![(7, [8; 8])] }),
    }
}

fn accounts() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let account = AccountId([31; 16]);
    for (kind, version) in [(SecretKind::Password, 1), (SecretKind::Recovery, 2)] {
        let master = MasterKey { version, key: RawKey::new([32; 32]) };
        let (export_key, salt) = (pattern(33, 64), [34; 32]);
        let blob = account::seal_slot(&CRYPTO, &export_key, &account, kind, &salt, &master);
        let vector = Vector::Slot {
            blob: hex(ready(blob)?),
            export_key: hex(export_key),
            account: hex(account.0),
            recovery: kind == SecretKind::Recovery,
            version,
            salt: hex(salt),
            master: hex(master.key.as_bytes()),
        };
        add(&mut v, format!("slot {kind:?}"), vector);
    }
    let (identity, salt) = (pair(35), [36; 32]);
    let master = secret(32)?;
    let blob = account::seal_identity(&CRYPTO, &master, 1, &account, &salt, &identity);
    let vector = Vector::Identity {
        blob: hex(ready(blob)?),
        master: hex([32; 32]),
        version: 1,
        account: hex(account.0),
        salt: hex(salt),
        scalar: hex(identity.scalar.as_bytes()),
        public: hex(identity.public.0),
    };
    add(&mut v, "identity", vector);
    for bytes in [[0; 16], [255; 16], [0x5a; 16], *b"sixteen letters!"] {
        let text = RecoveryCode::new(bytes).to_string();
        add(
            &mut v,
            format!("recovery code {text}"),
            Vector::RecoveryCode { bytes: hex(bytes), text },
        );
    }
    let key = ready(CRYPTO.import_signing(&identity))?;
    let issued = DeviceCertificate::issue(&CRYPTO, &key, account, pair(37).public);
    let bytes = ready(issued)?.encode();
    for (name, identity, valid) in
        [("certificate", identity.public, true), ("certificate of another", pair(38).public, false)]
    {
        let vector = Vector::Certificate { identity: hex(identity.0), bytes: hex(&bytes), valid };
        add(&mut v, name, vector);
    }
    Ok(v)
}

fn logs() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let alice = Person::new(41);
    let mut laptop = alice.device(42);
    let mut phone = alice.device(43);
    let mut log = Log::found(&alice, &mut laptop, 44);
    for len in [0, 100, 3000] {
        let plain = pattern(45, len);
        let mut header = laptop.header(&log.vault, log.at, EntryKind::Change);
        header.streams = vec![StreamId([46; 16])];
        header.chunks = vec![ChunkId([47; 32]); len / 1000];
        let entry = laptop.write(&log.vault, &header, &plain);
        let vector = Vector::Entry {
            secret: hex([44; 32]),
            public: hex(laptop.certificate.public.0),
            wire: hex(entry.encode()),
            hash: hex(entry.hash().0),
            plain: hex(&plain),
        };
        add(&mut v, format!("entry with a body of {len} bytes"), vector);
        log.append(entry);
    }
    log.append(phone.introduce(&log, "phone"));
    log.append(phone.change(&log, b"from the phone"));
    page(&mut v, "a log of two devices", &alice, &log, &["accepted"; 6]);

    let mut bad = log.clone();
    bad.append(alice.device(48).change(&log, b"uncertified"));
    let mut altered = phone.change(&bad, b"altered");
    altered.signature[5] ^= 1;
    bad.append(altered);
    bad.append(log.entries[1].clone());
    let mut stale = laptop.header(&bad.vault, bad.at, EntryKind::Change);
    stale.epoch = 2;
    let entry = laptop.write(&bad.vault, &stale, b"stale");
    bad.append(entry);
    let mut outcomes = vec!["accepted"; 6];
    outcomes.extend([
        "the entry is by an unknown device",
        "the signature is wrong",
        "the device's counter was used before",
        "the entry's epoch is not the current one",
    ]);
    page(&mut v, "a log with bad entries", &alice, &bad, &outcomes);
    for count in [0, 1, 5] {
        let entries: Vec<_> = (0..count).map(|i| Hash([i; 32])).collect();
        let end = entries.iter().fold(ChainPoint::START, |point, hash| point.extend(hash));
        let entries = entries.iter().map(|hash| hex(hash.0)).collect();
        let vector = Vector::Chain { entries, chain: hex(end.chain.0) };
        add(&mut v, format!("chain of {count}"), vector);
    }
    Ok(v)
}

fn page(v: &mut Vectors, name: &str, owner: &Person, log: &Log, outcomes: &[&str]) {
    let vector = Vector::Log {
        owner: hex(owner.account.0),
        identity: hex(owner.identity.public.0),
        vault: hex(log.vault.id.0),
        master: hex(owner.master.key.as_bytes()),
        page: hex(log.page(0).encode()),
        outcomes: outcomes.iter().map(|&text| text.to_owned()).collect(),
    };
    add(v, name, vector);
}

fn snapshots() -> anyhow::Result<Vectors> {
    let owner = Person::new(1);
    let (mut phone, mut laptop) = (owner.device(2), owner.device(3));
    let mut log = Log::found(&owner, &mut phone, 9);
    let record = log.entries[0].body.clone();
    log.append(laptop.introduce(&log, "laptop"));
    log.append(phone.change(&log, b"a change"));
    let mut state = log.state(&owner);
    ready(state.check_page(&CRYPTO, &log.page(0)))?;

    let (folder, text) = (NodeId([0x20; 16]), NodeId([0x10; 16]));
    let create = |lamport, node, kind, parent, name: &str| KnownOp {
        op: Op {
            id: OpId { lamport, device: phone.id },
            node,
            value: Value::Create { kind, parent, name: name.to_owned() },
            supersedes: Vec::new(),
        },
        context: Context { seq: Some(3), seen_seq: 2, time_ms: 1_700_000_000_000 },
    };
    let mut tree = MemoryTree::default();
    tree.apply(&[
        create(1, folder, Kind::Folder, NodeId::ROOT, "papers"),
        create(2, text, Kind::Text, folder, "notes.md"),
    ]);
    let increment = [&text.0[..], &[1], &7_u64.to_be_bytes()].concat();
    let mut records = vec![
        (Part::State, Vec::new(), state.freeze()),
        (Part::Epoch, 1_u32.to_be_bytes().to_vec(), record),
        (Part::DeviceName, laptop.id.0.to_vec(), rpc::encode(&"laptop")),
        (Part::SetAside, 2_u64.to_be_bytes().to_vec(), vec![4]),
        (Part::Text, increment, pattern(6, 300)),
    ];
    let node = |node: NodeId| (Part::Node, node.0.to_vec(), tree.rows[&node].encode());
    records.extend([node(text), node(folder)]);

    let mut cutter = Cutter::new(log.at.seq);
    for (part, key, value) in &records {
        cutter.push(*part, key, value)?;
    }
    let (piece, tree) = cutter.finish()?;
    let key = ContentKey([0x52; 32]);
    let bytes = u32::try_from(piece.len())?;
    let pieces = vec![Piece { chunk: ChunkId([0x51; 32]), key, bytes }];
    let body = SnapshotBody { at: log.at, lamport: 2, increments: 7, tree, pieces };
    let record = |(part, key, value): &(Part, Vec<u8>, Vec<u8>)| {
        (hex([&[*part as u8], &key[..]].concat()), hex(value))
    };
    let vector = Vector::Snapshot {
        owner: hex(owner.account.0),
        identity: hex(owner.identity.public.0),
        vault: hex(log.vault.id.0),
        page: hex(log.page(0).encode()),
        header: hex(laptop.header(&log.vault, log.at, EntryKind::Snapshot).encode()),
        body: hex(body.encode()),
        piece: hex(piece),
        records: records.iter().map(record).collect(),
        tree: hex(tree.0),
    };
    let mut v = Vectors::new();
    add(&mut v, "a snapshot of three entries, in one piece", vector);
    Ok(v)
}

fn indexes() -> anyhow::Result<Vectors> {
    let owner = Person::new(1);
    let (mut phone, mut laptop) = (owner.device(2), owner.device(3));
    let mut log = Log::found(&owner, &mut phone, 9);
    log.append(laptop.introduce(&log, "laptop"));
    let piece =
        |n: u8, bytes| Piece { chunk: ChunkId([n; 32]), key: ContentKey([n + 0x10; 32]), bytes };
    let (large, small) = (vec![piece(0x51, 1 << 20), piece(0x52, 300)], vec![piece(0x53, 7)]);
    let body = IndexBody { about: vec![1, 2, 9, 1, 8, 1], blobs: vec![large, small] };
    let chunks: Vec<ChunkId> = body.blobs.concat().iter().map(|piece| piece.chunk).collect();
    let header = laptop.header(&log.vault, log.at, EntryKind::Heartbeat);
    let header = Header { streams: vec![StreamId::INDEX], chunks: chunks.clone(), ..header };
    let entry = laptop.write(&log.vault, &header, &body.encode());
    log.append(entry.clone());
    let vector = Vector::Index {
        owner: hex(owner.account.0),
        identity: hex(owner.identity.public.0),
        vault: hex(log.vault.id.0),
        page: hex(log.page(0).encode()),
        entry: hex(entry.encode()),
        body: hex(body.encode()),
        about: hex(&body.about),
        pieces: chunks.iter().map(|chunk| hex(chunk.0)).collect(),
    };
    let mut v = Vectors::new();
    add(&mut v, "an index of two blobs, in three pieces", vector);
    Ok(v)
}

fn purges() -> anyhow::Result<Vectors> {
    let (device, node) = (DeviceId([0x30; 16]), NodeId([0x20; 16]));
    let (kind, name) = (Kind::Text, "notes.md".to_owned());
    let values =
        [Value::Create { kind, parent: NodeId::ROOT, name }, Value::Trashed(true), Value::Purged];
    let (mut tree, mut bodies) = (MemoryTree::default(), Vec::new());
    for (value, lamport) in values.into_iter().zip(1..) {
        // The greatest of the field: what is deleted for good names the trashing.
        let supersedes = tree
            .rows
            .get(&node)
            .map_or(Vec::new(), |row: &NodeRow| row.trashed.iter().map(|op| op.id).collect());
        let op = Op { id: OpId { lamport, device }, node, value, supersedes };
        let time_ms = 1_700_000_000_000 + lamport as i64;
        let body = ChangeBody { time_ms, ops: vec![op], texts: Vec::new() };
        tree.apply(&body.known_ops(Some(lamport), lamport - 1));
        bodies.push(hex(body.encode()?));
    }
    let row = hex(tree.rows[&node].encode());
    let vector = Vector::Purge { device: hex(device.0), node: hex(node.0), bodies, row };
    let mut v = Vectors::new();
    add(&mut v, "a file that is made, put in the trash and deleted for good", vector);
    Ok(v)
}

/// Two devices: the star is put on by both and taken off by one, a tag is taken off by whoever
/// put it on, and one stays.
fn labels() -> anyhow::Result<Vectors> {
    let (phone, laptop) = (DeviceId([0x30; 16]), DeviceId([0x31; 16]));
    let node = NodeId([0x20; 16]);
    let at = |lamport, device| OpId { lamport, device };
    let label = |typed| Label::parse(typed).expect("a label");
    let set = |typed, on| Value::Label(Labelled { label: label(typed), on });
    let made =
        Value::Create { kind: Kind::Text, parent: NodeId::ROOT, name: "notes.md".to_owned() };
    let changes = [
        (at(1, phone), vec![(made, vec![])]),
        (at(2, phone), vec![(set("", true), vec![]), (set("summer holiday", true), vec![])]),
        (at(2, laptop), vec![(set("", true), vec![]), (set("假期", true), vec![])]),
        (
            at(4, phone),
            vec![
                (set("", false), vec![at(2, phone)]),
                (set("summer holiday", false), vec![at(3, phone)]),
            ],
        ),
    ];
    let (mut tree, mut bodies, mut devices) = (MemoryTree::default(), Vec::new(), Vec::new());
    for ((first, values), seq) in changes.into_iter().zip(1..) {
        let op = |(offset, (value, supersedes)): (u64, (Value, Vec<OpId>))| {
            let id = OpId { lamport: first.lamport + offset, ..first };
            Op { id, node, value, supersedes }
        };
        let ops = (0..).zip(values).map(op).collect();
        let time_ms = 1_700_000_000_000 + seq as i64;
        let body = ChangeBody { time_ms, ops, texts: Vec::new() };
        tree.apply(&body.known_ops(Some(seq), 1));
        bodies.push(hex(body.encode()?));
        devices.push(hex(first.device.0));
    }
    let row: &NodeRow = &tree.rows[&node];
    let labels = row.labels().into_iter().map(|label| label.as_str().to_owned()).collect();
    let row = hex(row.encode());
    let mut v = Vectors::new();
    let vector = Vector::Label { devices, node: hex(node.0), bodies, row, labels };
    add(&mut v, "a star and tags, put on and taken off by two devices", vector);
    Ok(v)
}

/// One that greets, one in company with something selected, one that leaves.
fn presences() -> anyhow::Result<Vectors> {
    let mut v = Vectors::new();
    let actor = Actor { device: DeviceId([8; 16]), slot: 3 };
    let anchor = TextPlace::Typed { at: 65_000, op: 70_000, actor };
    let head = TextPlace::Base { at: 10, op: 12 };
    let at = |anchor, head| {
        let cursor = Some(Selected { anchor, head });
        Some(Here { base: Hash([9; 32]), cursor })
    };
    let nowhere = Some(Here { base: Hash([0; 32]), cursor: None });
    let visits = |count: u8| (1..=count).map(|n| VisitId([n; 16])).collect::<Vec<_>>();
    for (name, count, here, heard) in [
        ("a greeting", 1, nowhere, visits(0)),
        ("a cursor at the end", 2, at(TextPlace::End, TextPlace::End), visits(1)),
        ("a selection, in much company", 1 << 40, at(anchor, head), visits(16)),
        ("a farewell", u64::MAX, None, visits(2)),
    ] {
        let (device, visit) = (DeviceId([6; 16]), VisitId([7; 16]));
        let presence = Presence { device, visit, count, node: NodeId([5; 16]), here, heard };
        let (vault, epoch, salt) = (VaultId([3; 32]), 2, [count as u8; 32]);
        let blob = ready(presence.seal(&CRYPTO, &secret(13)?, &vault, epoch, &salt))?;
        let vector = Vector::Presence {
            secret: hex([13; 32]),
            vault: hex(vault.0),
            epoch,
            salt: hex(salt),
            plain: hex(presence.encode()),
            blob: hex(blob),
        };
        add(&mut v, name, vector);
    }
    Ok(v)
}
