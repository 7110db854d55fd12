//! Several server processes over one PostgreSQL and one bucket.

use std::sync::Arc;

use offing_core::id::{ChunkId, DeviceId, Hash, VaultId};
use offing_core::proto::Wake;
use offing_server::fsck::fsck;
use offing_server::service::news::News;
use offing_server::service::{Caller, ServiceError, ServiceOptions, Services};
use offing_server::store::blob::BlobStore as _;
use offing_server::store::check::Fault;
use offing_server::store::meta::{Durability, MetaStore, MetaTx, Vault};
use offing_server::store::places::Places;
use offing_server::store::postgres::PostgresMeta;
use offing_server::store::s3::{S3Options, S3Store};
use offing_tests::engines::postgres::Postgres;
use offing_tests::engines::s3::S3;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::postgres::{ALICE, alice};

const VAULT: VaultId = VaultId([2; 32]);
pub(crate) const CALLER: Caller = Caller { account: ALICE, device: DeviceId([3; 16]) };

/// Engines, and what opens another process over them.
struct Site {
    _cluster: Arc<Postgres>,
    bucket: S3,
    folders: TempDir,
    places: Places,
}

impl Site {
    fn new() -> Self {
        let (cluster, bucket, folders) = (Postgres::shared(), S3::start(), TempDir::new().unwrap());
        let places = Places {
            data: folders.path().to_owned(),
            database: Some(cluster.database()),
            chunks: Some(bucket.address("site")),
        };
        Self { _cluster: cluster, bucket, folders, places }
    }

    fn open(&self, name: &str) -> Services {
        let places = Places { data: self.folders.path().join(name), ..self.places.clone() };
        Services::open(places, ServiceOptions::default()).unwrap().0
    }

    /// The database alone, as yet another process has it.
    fn meta(&self) -> PostgresMeta {
        PostgresMeta::open(self.places.database.as_ref().unwrap()).unwrap()
    }
}

fn vault(seq: u64) -> Vault {
    let (id, chain) = (VAULT, Hash([0; 32]));
    Vault { id, account: ALICE, seq, chain, epoch: 1, recovering: false }
}

async fn populated(site: &Site) -> Arc<dyn MetaStore> {
    let meta: Arc<dyn MetaStore> = Arc::new(site.meta());
    let populate = |tx: &mut dyn MetaTx| {
        tx.add_account(&alice())?;
        tx.add_vault(&vault(0), 1)
    };
    meta.write(Durability::Now, populate).await.unwrap();
    meta
}

pub(crate) async fn put(services: &Services, bytes: &[u8]) -> Result<ChunkId, ServiceError> {
    let id = ChunkId(Sha256::digest(bytes).into());
    let mut upload = services.begin_chunk(&CALLER, VAULT, id, bytes.len()).await?;
    upload.push(bytes).await?;
    upload.finish().await?;
    Ok(id)
}

pub(crate) async fn get(services: &Services, id: ChunkId) -> Vec<u8> {
    let chunk = services.chunk(&CALLER, VAULT, id).await.unwrap();
    let len = chunk.len_bytes();
    let (mut body, mut bytes) = (chunk.body(0..len).unwrap(), Vec::new());
    while let Some(piece) = body.next_piece().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

#[tokio::test]
async fn a_vault_that_grows_in_one_process_wakes_the_sockets_of_another() {
    let site = Site::new();
    let meta = populated(&site).await;
    let services = site.open("one");
    let mut news = services.listen(ALICE);
    meta.write(Durability::Now, |tx| tx.advance_vault(&vault(1))).await.unwrap();
    loop {
        match news.next().await {
            // It may have been told before anybody listened; then the tips are asked for.
            News::Missed => {
                meta.write(Durability::Now, |tx| tx.advance_vault(&vault(1))).await.unwrap();
            }
            News::Grown(wake) => break assert_eq!(wake, Wake { vault: VAULT, seq: 1 }),
            News::Told(_) => panic!("no device is there that would tell anything"),
        }
    }
}

#[tokio::test]
async fn what_two_processes_store_at_once_is_there_for_both_and_counted_once() {
    let site = Site::new();
    let meta = populated(&site).await;
    let (one, other) = (site.open("one"), site.open("other"));
    let chunks: Vec<Vec<u8>> = (0..24).map(|n| vec![n; 5_000 + usize::from(n)]).collect();
    let mut ids = Vec::new();
    for bytes in &chunks {
        let (here, there) = tokio::join!(put(&one, bytes), put(&other, bytes));
        assert_eq!(here.unwrap(), there.unwrap());
        ids.push(ChunkId(Sha256::digest(bytes).into()));
    }
    for (id, bytes) in ids.iter().zip(&chunks) {
        assert_eq!(get(&one, *id).await, *bytes);
        assert_eq!(get(&other, *id).await, *bytes);
    }
    let used =
        || async { meta.read(|state| state.account(&ALICE)).await.unwrap().unwrap().used_bytes };
    let stored: usize = chunks.iter().map(Vec::len).sum();
    assert_eq!(used().await, stored as u64);

    // Most go; both processes reclaim what is dead, and what lives is where both find it.
    let (gone, kept) = (ids[..20].to_vec(), &ids[20..]);
    one.remove_chunks(VAULT, gone).await.unwrap();
    let mut reclaimed = 0;
    for _ in 0..8 {
        // Who finds that the other was faster leaves it.
        let (here, there) = tokio::join!(one.compact_chunks(), other.compact_chunks());
        reclaimed += here.unwrap_or(0) + there.unwrap_or(0);
    }
    assert!(reclaimed > 0);
    for (id, bytes) in kept.iter().zip(&chunks[20..]) {
        assert_eq!(get(&one, *id).await, *bytes);
        assert_eq!(get(&other, *id).await, *bytes);
    }
    let kept: usize = chunks[20..].iter().map(Vec::len).sum();
    assert_eq!(used().await, kept as u64);
}

#[tokio::test]
async fn a_database_takes_no_other_chunk_store_than_its_own() {
    let site = Site::new();
    drop(site.open("one"));
    let folder = site.folders.path().join("files");
    let places = Places { data: folder, chunks: None, ..site.places.clone() };
    let refused = Services::open(places, ServiceOptions::default()).map(drop);
    assert!(matches!(refused, Err(ServiceError::OtherChunks)), "{refused:?}");
}

#[tokio::test]
async fn a_check_of_the_whole_store_finds_damage_and_what_nobody_indexed() {
    let site = Site::new();
    let meta = populated(&site).await;
    let services = site.open("one");
    let (first, second) = (put(&services, &[1; 5_000]).await, put(&services, &[2; 6_000]).await);
    services.remove_chunks(VAULT, vec![second.unwrap()]).await.unwrap();
    // A process that was killed between its object and its rows.
    let address = site.places.chunks.clone().unwrap();
    let killed = move || {
        let mut killed = S3Store::open(&address, S3Options::default()).unwrap();
        killed.write(&VAULT, &ChunkId([9; 32]), &[9; 700]).unwrap();
        killed.sync().unwrap();
    };
    tokio::task::spawn_blocking(killed).await.unwrap();
    let places = site.places.clone();
    let check = move |repair| {
        let mut told = Vec::new();
        let report = fsck(&places, repair, &mut |finding| told.push((finding.id, finding.fault)));
        (report.unwrap(), told)
    };
    let check = Arc::new(check);
    let run = |repair| {
        let check = Arc::clone(&check);
        tokio::task::spawn_blocking(move || check(repair))
    };
    let (report, told) = run(false).await.unwrap();
    assert_eq!((report.chunks.chunks, report.dead_bytes, report.unknown_bytes), (1, 6_000, 700));
    assert!(told.is_empty() && report.chunks.is_sound());

    let row = meta.read(move |state| state.chunk(&VAULT, &first.unwrap())).await;
    let row = row.unwrap().unwrap();
    let object = site.bucket.file(&format!("site/segments/{:010}", row.at.segment));
    let mut bytes = std::fs::read(&object).unwrap();
    let offset = usize::try_from(row.at.offset).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    let (report, told) = run(true).await.unwrap();
    assert_eq!(told, [(row.id, Fault::Rotten)]);
    assert_eq!(report.forgotten, 1);
    assert_eq!(put(&services, &[1; 5_000]).await.unwrap(), row.id);
    assert_eq!(get(&services, row.id).await, [1; 5_000]);
    assert!(run(false).await.unwrap().0.chunks.is_sound());
}
