//! An installation moves to other engines and back, and is the same.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, VaultId};
use offing_server::fsck::fsck;
use offing_server::migrate::{MigrateError, Moved, Part, migrate};
use offing_server::service::{ServiceOptions, Services};
use offing_server::store::fossil::Piece;
use offing_server::store::meta::{
    Account, Durability, MetaRead, MetaResult, MetaStore, MetaTx, Session, SessionId, StoredEntry,
    Vault,
};
use offing_server::store::places::Places;
use offing_server::store::postgres::PostgresMeta;
use offing_server::store::segment::SegmentOptions;
use offing_server::store::sqlite::SqliteMeta;
use offing_tests::engines::postgres::Postgres;
use offing_tests::engines::s3::S3;
use tempfile::TempDir;

use crate::postgres::{ALICE, alice};
use crate::processes::{get, put};

const VAULT: VaultId = VaultId([2; 32]);
const DEVICE: DeviceId = DeviceId([3; 16]);
const CHUNKS: u8 = 30;

fn bytes_of(seed: u8) -> Vec<u8> {
    vec![seed; 4_000 + usize::from(seed)]
}

/// One row of everything at least, with and without what may be absent.
fn fill(tx: &mut dyn MetaTx) -> MetaResult<()> {
    tx.add_account(&alice())?;
    let id = AccountId([9; 16]);
    let bob = alice();
    let bob = Account { id, username: "bob".to_owned(), ..bob };
    tx.add_account(&Account { quota_bytes: Some(7), ..bob })?;
    let hash = Hash([5; 32]);
    let session = Session {
        id: SessionId([1; 16]),
        account: ALICE,
        device: DEVICE,
        device_public: vec![4; 65],
        token_hash: hash,
        previous_hash: None,
        rotated_ms: 1,
        created_ms: 2,
        used_ms: 3,
        taken_off: true,
    };
    tx.put_session(&session)?;
    let id = SessionId([2; 16]);
    tx.put_session(&Session { id, previous_hash: Some(hash), taken_off: false, ..session })?;
    let vault =
        |seq| Vault { id: VAULT, account: ALICE, seq, chain: hash, epoch: 1, recovering: false };
    tx.add_vault(&vault(0), 1)?;
    let entry = |seq| StoredEntry {
        seq,
        device: DEVICE,
        dseq: seq,
        hash,
        chain: hash,
        header: vec![1; 90],
        signature: [7; 64],
        body_hash: hash,
        body: (seq % 2 == 0).then(|| vec![8; 5_000]),
    };
    for seq in 1..=40 {
        tx.add_entry(&VAULT, &entry(seq))?;
    }
    tx.advance_vault(&vault(40))?;
    tx.await_chunk(&VAULT, &ChunkId([6; 32]))?;
    tx.note_read(&VAULT, &DEVICE, 12)?;
    tx.put_piece(&Piece { vault: VAULT, id: ChunkId([7; 32]), dead_seq: Some(3) })
}

/// An installation in a folder.
async fn install(data: &Path) -> Places {
    let places = Places::from(data);
    let segments = SegmentOptions { rotate_bytes: 30_000, ..SegmentOptions::default() };
    let options = ServiceOptions { segments, ..ServiceOptions::default() };
    let services = Services::open(places.clone(), options).unwrap().0;
    let meta: Arc<dyn MetaStore> = Arc::new(SqliteMeta::open(&data.join("offing.sqlite")).unwrap());
    meta.write(Durability::Now, fill).await.unwrap();
    services.create_invite(1).await.unwrap();
    for seed in 0..CHUNKS {
        put(&services, &bytes_of(seed)).await.unwrap();
    }
    let gone = put(&services, &bytes_of(CHUNKS)).await.unwrap();
    services.remove_chunks(VAULT, vec![gone]).await.unwrap();
    for secret in ["server-setup", "token-key"] {
        fs::write(data.join(secret), secret).unwrap();
    }
    places
}

async fn moves(from: &Places, to: &Places) -> Result<Moved, MigrateError> {
    does(from, to, Part::Rest).await
}

async fn does(from: &Places, to: &Places, part: Part) -> Result<Moved, MigrateError> {
    let (from, to) = (from.clone(), to.clone());
    tokio::task::spawn_blocking(move || {
        // A thread that no runtime knows.
        let migrate = move || migrate(&from, &to, part, &mut |_, _| {});
        std::thread::spawn(migrate).join().unwrap()
    })
    .await
    .unwrap()
}

/// What is there, as a server shows it.
async fn holds_all(places: &Places) -> (Incarnation, u64) {
    let services = Services::open(places.clone(), ServiceOptions::default()).unwrap().0;
    for seed in 0..CHUNKS {
        let id = put(&services, &bytes_of(seed)).await.unwrap();
        assert_eq!(get(&services, id).await, bytes_of(seed));
    }
    assert_eq!(fs::read(places.data.join("server-setup")).unwrap(), b"server-setup");
    let used = services.account(ALICE).await.unwrap().unwrap().used_bytes;
    let meta: Arc<dyn MetaStore> = match &places.database {
        Some(url) => Arc::new(PostgresMeta::open(url).unwrap()),
        None => Arc::new(SqliteMeta::open(&places.data.join("offing.sqlite")).unwrap()),
    };
    let job = |state: &dyn MetaRead| {
        assert_eq!(state.vault(&VAULT)?.map(|vault| vault.seq), Some(40));
        assert_eq!(state.sessions_of(&ALICE)?.len(), 2);
        assert!(
            state.entry_at(&VAULT, 40)?.is_some() && state.is_awaited(&VAULT, &ChunkId([6; 32]))?
        );
        state.incarnation()
    };
    (meta.read(job).await.unwrap(), used)
}

#[tokio::test]
async fn an_installation_moves_to_postgresql_and_s3_and_back() {
    let (cluster, bucket, folder) = (Postgres::shared(), S3::start(), TempDir::new().unwrap());
    let path = |name: &str| folder.path().join(name);
    let home = install(&path("home")).await;
    let away = Places {
        data: path("away"),
        database: Some(cluster.database()),
        chunks: Some(bucket.address("away")),
    };
    let before = holds_all(&home).await;
    let moved = moves(&home, &away).await.unwrap();
    assert_eq!((moved.chunks, moved.chunks_before), (u64::from(CHUNKS), 0));
    assert!(moved.rows > 80, "{moved:?}");
    assert_eq!(holds_all(&away).await, before);
    // Accounts that are made there get keys of their own.
    let meta: Arc<dyn MetaStore> =
        Arc::new(PostgresMeta::open(away.database.as_ref().unwrap()).unwrap());
    let (id, chain) = (VaultId([8; 32]), Hash([0; 32]));
    let new = Vault { id, account: ALICE, seq: 0, chain, epoch: 1, recovering: false };
    meta.write(Durability::Now, move |tx| tx.add_vault(&new, 1)).await.unwrap();
    let back = Places::from(&path("back"));
    assert!(matches!(moves(&away, &back).await, Err(MigrateError::Served)));
    drop(meta);

    let again = moves(&away, &back).await.unwrap();
    assert_eq!((again.chunks, again.rows), (moved.chunks, moved.rows + 2));
    assert_eq!(holds_all(&back).await, before);
    assert!(matches!(moves(&away, &back).await, Err(MigrateError::Taken)));
    assert!(matches!(moves(&away, &away).await, Err(MigrateError::SamePlace)));
}

#[tokio::test]
async fn a_move_that_was_broken_off_goes_on_also_when_the_server_has_worked_meanwhile() {
    let (bucket, folder) = (S3::start(), TempDir::new().unwrap());
    let home = install(&folder.path().join("home")).await;
    let there = |name: &str| Places {
        data: folder.path().join(name),
        database: None,
        chunks: Some(bucket.address(name)),
    };
    // A chunk that is damaged breaks it off.
    let segment = home.data.join("chunks/000003.seg");
    let sound = fs::read(&segment).unwrap();
    let mut rotten = sound.clone();
    rotten[200] ^= 1;
    fs::write(&segment, rotten).unwrap();
    let small = there("small");
    assert!(matches!(moves(&home, &small).await, Err(MigrateError::Damaged { .. })));
    assert!(!small.data.join("server-setup").exists(), "no server starts on it");
    fs::write(&segment, &sound).unwrap();
    moves(&home, &small).await.unwrap();
    holds_all(&small).await;

    let files = Places::from(&folder.path().join("files"));
    let torn = |places: &Places| places.data.join("server-setup");
    moves(&home, &files).await.unwrap();
    fs::remove_file(torn(&files)).unwrap();
    let mut bytes = fs::read(files.data.join("chunks/000001.seg")).unwrap();
    bytes.extend_from_slice(&[7; 300]);
    fs::write(files.data.join("chunks/000001.seg"), &bytes).unwrap();
    let again = moves(&home, &files).await.unwrap();
    assert_eq!(again.chunks_before, u64::from(CHUNKS));
    holds_all(&files).await;

    fs::remove_file(torn(&files)).unwrap();
    let services = Services::open(home.clone(), ServiceOptions::default()).unwrap().0;
    services.create_invite(2).await.unwrap();
    drop(services);
    let rows = again.rows;
    assert_eq!(moves(&home, &files).await.unwrap().rows, rows + 1);
    holds_all(&files).await;
}

/// What a server that runs does meanwhile: everything that can change in a row or go.
async fn works(services: &Services, meta: &Arc<dyn MetaStore>, round: u8, is_first: bool) {
    for seed in [100 + round, 200 + round] {
        put(services, &bytes_of(seed)).await.unwrap();
    }
    let gone = put(services, &bytes_of(60 + round)).await.unwrap();
    let before = put(services, &bytes_of(round)).await.unwrap();
    let (id, chain) = (VaultId([50 + round; 32]), Hash([0; 32]));
    let new = Vault { id, account: ALICE, seq: 0, chain, epoch: 1, recovering: false };
    let seq = 40 + u64::from(round);
    let job = move |tx: &mut dyn MetaTx| {
        tx.add_vault(&new, 1)?;
        tx.declare_chunk(&VAULT, &before, seq)?;
        let hash = Hash([round; 32]);
        let (dseq, device, body) = (1, DeviceId([50 + round; 16]), Some(vec![9; 500]));
        let (header, signature, body_hash) = (vec![1; 90], [7; 64], hash);
        let entry =
            StoredEntry { seq, device, dseq, hash, chain, header, signature, body_hash, body };
        tx.add_entry(&VAULT, &entry)?;
        tx.drop_body(&VAULT, 2 * u64::from(round))?;
        tx.add_usage(&ALICE, 100)?;
        tx.remove_sessions_unused_since(4)?;
        tx.remove_open_invites()
    };
    meta.write(Durability::Now, job).await.unwrap();
    services.create_invite(i64::from(round)).await.unwrap();
    // Deleted after it was copied, perhaps, and what a pass before has copied for certain.
    services.remove_chunks(VAULT, vec![gone]).await.unwrap();
    if !is_first {
        let gone = put(services, &bytes_of(100 + round - 1)).await.unwrap();
        services.remove_chunks(VAULT, vec![gone]).await.unwrap();
    }
}

async fn moves_while_it_works(
    from: &Places,
    to: &Places,
    meta: Arc<dyn MetaStore>,
    rounds: Range<u8>,
) {
    let services = Services::open(from.clone(), ServiceOptions::default()).unwrap().0;
    let first = rounds.start;
    for round in rounds {
        let copied = does(from, to, Part::Ahead).await.unwrap();
        assert_eq!(copied.chunks_before > 0, round > first, "{copied:?}");
        assert!(!to.data.join("server-setup").exists(), "no server starts on it");
        works(&services, &meta, round, round == first).await;
    }
    drop((services, meta));
    let moved = moves(from, to).await.unwrap();
    assert!(moved.chunks - moved.chunks_before <= 3, "{moved:?}");
    let to = to.clone();
    // A thread that no runtime knows.
    let looks = std::thread::spawn(move || fsck(&to, false, &mut |_| {}).unwrap());
    let found = tokio::task::spawn_blocking(|| looks.join().unwrap()).await.unwrap();
    assert_eq!((found.chunks.is_sound(), found.chunks.chunks), (true, moved.chunks));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_while_it_works_and_only_what_came_last_is_waited_for() {
    let (cluster, bucket, folder) = (Postgres::shared(), S3::start(), TempDir::new().unwrap());
    let home = install(&folder.path().join("home")).await;
    let (database, chunks) = (cluster.database(), bucket.address("moving"));
    let data = folder.path().join("away");
    let away = Places { data, database: Some(database.clone()), chunks: Some(chunks) };
    let meta = SqliteMeta::open(&home.data.join("offing.sqlite")).unwrap();
    moves_while_it_works(&home, &away, Arc::new(meta), 1..4).await;
    let back = Places::from(&folder.path().join("back"));
    let meta = PostgresMeta::open(&database).unwrap();
    moves_while_it_works(&away, &back, Arc::new(meta), 4..7).await;
}
