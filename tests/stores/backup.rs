//! Backups of every pair of stores, put back into every pair.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offing_core::id::{ChunkId, DeviceId, Hash, VaultId};
use offing_core::rpc::{Clash, Lacking};
use offing_server::backup::{BackupError, Copied, Restored, backup, restore};
use offing_server::service::{ServiceError, ServiceOptions, Services};
use offing_server::store::meta::{Durability, MetaStore, MetaTx, StoredEntry, Vault};
use offing_server::store::places::Places;
use offing_server::store::postgres::PostgresMeta;
use offing_server::store::sqlite::SqliteMeta;
use offing_tests::World;
use offing_tests::engines::postgres::Postgres;
use offing_tests::engines::s3::S3;
use offing_tests::net::frame;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::postgres::{ALICE, alice};
use crate::processes::{CALLER, get, put};

const VAULT: VaultId = VaultId([2; 32]);
/// Which stores an installation has.
const PAIRS: [(&str, bool, bool); 4] = [
    ("sqlite-files", false, false),
    ("sqlite-s3", false, true),
    ("postgres-files", true, false),
    ("postgres-s3", true, true),
];

/// Engines, and a folder for installations over them.
struct Site {
    cluster: Arc<Postgres>,
    bucket: S3,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { cluster: Postgres::shared(), bucket: S3::start(), folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where nothing is yet.
    fn places(&self, name: &str, postgres: bool, s3: bool) -> Places {
        Places {
            data: self.path(name),
            database: postgres.then(|| self.cluster.database()),
            chunks: s3.then(|| self.bucket.address(name)),
        }
    }

    /// The objects of an installation, in order.
    fn objects(&self, name: &str) -> Vec<PathBuf> {
        let found = fs::read_dir(self.bucket.file(&format!("{name}/segments"))).unwrap();
        let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }
}

fn open(places: &Places) -> Services {
    let services = Services::open(places.clone(), ServiceOptions::default()).unwrap().0;
    for secret in ["server-setup", "token-key"] {
        fs::write(places.data.join(secret), secret).unwrap();
    }
    services
}

fn database(places: &Places) -> Arc<dyn MetaStore> {
    match &places.database {
        Some(url) => Arc::new(PostgresMeta::open(url).unwrap()),
        None => Arc::new(SqliteMeta::open(&places.data.join("offing.sqlite")).unwrap()),
    }
}

/// Does something on a thread that no runtime knows, while this one goes on.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(|| std::thread::spawn(work).join().unwrap());
    done.await.unwrap()
}

async fn backs_up(from: &Places, to: &Path) -> Result<Copied, BackupError> {
    let (from, to) = (from.clone(), to.to_owned());
    aside(move || backup(&from, &to)).await
}

async fn puts_back(from: &Path, to: &Places) -> Result<Restored, BackupError> {
    let (from, to) = (from.to_owned(), to.clone());
    aside(move || restore(&from, &to)).await
}

fn bytes_of(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(300)
}

fn id_of(number: u64) -> ChunkId {
    ChunkId(Sha256::digest(bytes_of(number)).into())
}

fn vault(seq: u64) -> Vault {
    let (id, chain) = (VAULT, Hash([0; 32]));
    Vault { id, account: ALICE, seq, chain, epoch: 1, recovering: false }
}

/// An account with a vault.
/// An installation over both engines with a person and a vault, and where its backups go.
struct Begun {
    from: Places,
    to: PathBuf,
    services: Services,
    meta: Arc<dyn MetaStore>,
}

async fn begun() -> (Site, Begun) {
    let site = Site::new();
    let (from, to) = (site.places("from", true, true), site.path("backup"));
    let (services, meta) = (open(&from), database(&from));
    populate(&meta).await;
    (site, Begun { from, to, services, meta })
}

async fn populate(meta: &Arc<dyn MetaStore>) {
    let populate = |tx: &mut dyn MetaTx| {
        tx.add_account(&alice())?;
        tx.add_vault(&vault(0), 1)
    };
    meta.write(Durability::Now, populate).await.unwrap();
}

/// Stores a chunk, and then an entry of the same number.
async fn works(services: &Services, meta: &Arc<dyn MetaStore>, number: u64) {
    put(services, &bytes_of(number)).await.unwrap();
    let hash = Hash(Sha256::digest(number.to_be_bytes()).into());
    let entry = StoredEntry {
        seq: number,
        device: DeviceId([3; 16]),
        dseq: number,
        hash,
        chain: hash,
        header: vec![1; 90],
        signature: [7; 64],
        body_hash: hash,
        body: Some(vec![8; 200]),
    };
    let write = move |tx: &mut dyn MetaTx| {
        tx.add_entry(&VAULT, &entry)?;
        tx.declare_chunk(&VAULT, &id_of(number), number)?;
        tx.advance_vault(&vault(number))
    };
    meta.write(Durability::Now, write).await.unwrap();
}

/// Works until it is told to stop, says how far it is, and takes away every third chunk, whose
/// space is reclaimed.
async fn goes_on(places: Places, through: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let (services, meta) = (open(&places), database(&places));
    populate(&meta).await;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        works(&services, &meta, number).await;
        through.store(number, Ordering::Relaxed);
        if number % 3 == 0 {
            services.remove_chunks(VAULT, vec![id_of(number)]).await.unwrap();
            services.compact_chunks().await.unwrap();
        }
    }
}

/// The last entry that is there, of which and before which everything is; nothing is after it.
async fn holds_one_moment(places: &Places) -> u64 {
    let (services, meta) = (open(places), database(places));
    let last = meta.read(|state| state.vault(&VAULT)).await.unwrap().unwrap();
    assert!(last.recovering);
    let seq = last.seq;
    let entries = move |state: &dyn offing_server::store::meta::MetaRead| {
        assert_eq!(state.entry_at(&VAULT, seq + 1)?, None);
        (1..=seq).map(|seq| Ok(state.entry_at(&VAULT, seq)?.is_some())).collect()
    };
    let entries: Vec<bool> = meta.read(entries).await.unwrap();
    assert!(entries.iter().all(|is_there| *is_there));
    for number in (1..=seq).filter(|number| number % 3 != 0) {
        assert_eq!(get(&services, id_of(number)).await, bytes_of(number), "{number}");
    }
    seq
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_made_while_servers_work_holds_one_moment_in_every_pair_of_stores() {
    for (name, postgres, s3) in PAIRS {
        let site = Site::new();
        let from = site.places("from", postgres, s3);
        let (through, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let load = tokio::spawn(goes_on(from.clone(), Arc::clone(&through), Arc::clone(&stop)));
        let to = site.path("backup");
        let mut acknowledged = 0;
        // Each while more is written and space is reclaimed.
        for round in 1..=3 {
            while through.load(Ordering::Relaxed) < round * 12 {
                tokio::task::yield_now().await;
            }
            acknowledged = through.load(Ordering::Relaxed);
            let copied = backs_up(&from, &to).await.unwrap();
            assert!(copied.chunks.is_sound(), "{name}: {copied:?}");
        }
        stop.store(true, Ordering::Relaxed);
        load.await.unwrap();
        for (into, postgres, s3) in PAIRS {
            let there = site.places(into, postgres, s3);
            let restored = puts_back(&to, &there).await.unwrap();
            assert!(restored.chunks.is_sound() && restored.vaults == 1, "{name} {into}");
            assert!(!there.data.join("restoring").exists());
            assert!(holds_one_moment(&there).await >= acknowledged, "{name} into {into}");
            let again = puts_back(&to, &there).await;
            assert!(matches!(again, Err(BackupError::NotEmpty { .. })), "{again:?}");
        }
    }
}

#[tokio::test]
async fn the_next_backup_of_postgresql_and_s3_copies_only_what_is_new() {
    let (site, Begun { from, to, services, meta }) = begun().await;
    for number in 1..=20 {
        works(&services, &meta, number).await;
    }
    let first = backs_up(&from, &to).await.unwrap();
    assert!(first.new_bytes > 20 * 2_400 && first.old_bytes == 0, "{first:?}");
    works(&services, &meta, 21).await;
    let second = backs_up(&from, &to).await.unwrap();
    assert_eq!(second.old_bytes, first.new_bytes);
    assert!((2_400..2_600).contains(&second.new_bytes), "{second:?}");
    assert_eq!(second.chunks.chunks, 1);
    // What is not there any more leaves the backup.
    services.remove_chunks(VAULT, (1..=20).map(id_of).collect()).await.unwrap();
    while services.compact_chunks().await.unwrap() > 0 {}
    let third = backs_up(&from, &to).await.unwrap();
    assert_eq!((third.segments, third.new_bytes), (1, 0));
    let segments = fs::read_dir(to.join("chunks"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension() == Some("seg".as_ref()));
    assert_eq!(segments.count(), 1);
    let there = site.places("there", false, false);
    assert_eq!(puts_back(&to, &there).await.unwrap().chunks.chunks, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_move_while_they_are_copied_are_looked_for_where_they_are() {
    let (site, Begun { from, to, services, .. }) = begun().await;
    // Objects with two chunks, one of which is more than half of it.
    let large = |number: u64| vec![u8::try_from(number).unwrap(); 5_000];
    let mut rest = Vec::new();
    for number in 1..=120 {
        let mut upload = services.begin_batch(&CALLER, VAULT).await.unwrap();
        let one = ChunkId(Sha256::digest(large(number)).into());
        upload.push(&frame(id_of(number), &bytes_of(number))).await.unwrap();
        upload.push(&frame(one, &large(number))).await.unwrap();
        upload.finish().await.unwrap();
        rest.push(one);
    }
    let copying = tokio::spawn({
        let (from, to) = (from.clone(), to.clone());
        async move { backs_up(&from, &to).await }
    });
    // Copying has begun with the first, when the last are reclaimed.
    while fs::read_dir(to.join("chunks")).map_or(0, Iterator::count) == 0 {
        tokio::task::yield_now().await;
    }
    services.remove_chunks(VAULT, rest.split_off(108)).await.unwrap();
    while services.compact_chunks().await.unwrap() > 0 {}
    let copied = copying.await.unwrap().unwrap();
    assert!(copied.chunks.is_sound(), "{copied:?}");
    let there = site.places("there", false, false);
    assert!(puts_back(&to, &there).await.unwrap().chunks.is_sound());
    let services = open(&there);
    for number in 1..=120 {
        assert_eq!(get(&services, id_of(number)).await, bytes_of(number));
    }
}

#[tokio::test]
async fn a_backup_of_a_bucket_that_is_broken_off_goes_on_with_what_it_has() {
    let (site, Begun { from, to, services, meta }) = begun().await;
    for number in 1..=10 {
        works(&services, &meta, number).await;
    }
    let first = backs_up(&from, &to).await.unwrap();
    for number in 11..=20 {
        works(&services, &meta, number).await;
    }
    // Broken off: two objects came, one of them not to its end, and half a database.
    for (object, torn_bytes) in [(10, 0), (11, 900)] {
        let object = &site.objects("from")[object];
        let number: u32 = object.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let mut bytes = fs::read(object).unwrap();
        let end = bytes.len();
        bytes[end - torn_bytes..].fill(0);
        fs::write(to.join(format!("chunks/{number:06}.seg")), bytes).unwrap();
    }
    fs::write(to.join("offing.sqlite.new"), b"half a database").unwrap();
    let before = site.places("before", true, true);
    assert!(puts_back(&to, &before).await.unwrap().chunks.is_sound());
    let seq = database(&before).read(|state| state.vault(&VAULT)).await.unwrap().unwrap().seq;
    assert_eq!(seq, 10);
    let next = backs_up(&from, &to).await.unwrap();
    assert_eq!((next.chunks.chunks, next.chunks.is_sound()), (10, true));
    assert!(next.new_bytes < first.new_bytes, "one object was there: {next:?}");
    let after = site.places("after", false, true);
    assert!(puts_back(&to, &after).await.unwrap().chunks.is_sound());
}

#[tokio::test]
async fn damage_in_a_bucket_is_told_and_keeps_the_rest_from_nothing() {
    let (site, Begun { from, to, services, meta }) = begun().await;
    for number in 1..=6 {
        works(&services, &meta, number).await;
    }
    let objects = site.objects("from");
    fs::remove_file(&objects[1]).unwrap();
    let mut rotten = fs::read(&objects[3]).unwrap();
    rotten[500] ^= 1;
    fs::write(&objects[3], rotten).unwrap();
    let copied = backs_up(&from, &to).await.unwrap();
    let found = (copied.chunks.chunks, copied.chunks.missing, copied.chunks.rotten);
    assert_eq!(found, (6, 1, 1));
    for (into, postgres, s3) in PAIRS {
        let there = site.places(into, postgres, s3);
        let chunks = puts_back(&to, &there).await.unwrap().chunks;
        assert_eq!((chunks.chunks, chunks.missing, chunks.rotten), (6, 1, 1), "{into}");
        let services = open(&there);
        for number in 1..=6 {
            // Two come again, the others are there.
            assert_eq!(put(&services, &bytes_of(number)).await.unwrap(), id_of(number));
            assert_eq!(get(&services, id_of(number)).await, bytes_of(number));
        }
        let used = services.account(ALICE).await.unwrap().unwrap().used_bytes;
        assert_eq!(used, 6 * 2_400, "{into}");
    }
}

#[tokio::test]
async fn what_is_taken_or_another_store_is_refused_and_left_as_it_is() {
    let (site, Begun { from, to, services, meta }) = begun().await;
    works(&services, &meta, 1).await;
    backs_up(&from, &to).await.unwrap();
    // Another bucket, an empty one, and another database in the place of its own.
    let other = site.places("other", true, true);
    let (others, other_meta) = (open(&other), database(&other));
    populate(&other_meta).await;
    works(&others, &other_meta, 1).await;
    let mixed = Places { chunks: other.chunks.clone(), ..from.clone() };
    let refused = backs_up(&mixed, &to).await;
    assert!(matches!(refused, Err(BackupError::Service(ServiceError::OtherChunks))), "{refused:?}");
    let nothing = Places { chunks: Some(site.bucket.address("nothing")), ..from.clone() };
    let refused = backs_up(&nothing, &to).await;
    assert!(matches!(refused, Err(BackupError::Service(ServiceError::OtherChunks))), "{refused:?}");
    let refused = backs_up(&other, &to).await;
    assert!(matches!(refused, Err(BackupError::OtherLife { .. })), "{refused:?}");

    let new = site.places("new", true, true);
    for taken in [
        Places { database: from.database.clone(), ..new.clone() },
        Places { chunks: from.chunks.clone(), ..new.clone() },
    ] {
        let refused = puts_back(&to, &taken).await;
        assert!(matches!(refused, Err(BackupError::Taken)), "{refused:?}");
        assert!(!new.data.exists());
    }
    assert_eq!(get(&services, id_of(1)).await, bytes_of(1));
    puts_back(&to, &new).await.unwrap();
}

#[tokio::test]
async fn no_server_takes_for_whole_what_was_restored_in_part() {
    let (site, Begun { from, to, services, meta }) = begun().await;
    works(&services, &meta, 1).await;
    backs_up(&from, &to).await.unwrap();
    for (name, postgres) in [("postgres", true), ("sqlite", false)] {
        let there = site.places(name, postgres, true);
        // No object goes below one that is a file.
        let segments = site.bucket.file(&format!("{name}/segments"));
        fs::create_dir_all(segments.parent().unwrap()).unwrap();
        fs::write(&segments, b"in the way").unwrap();
        let broken = puts_back(&to, &there).await;
        assert!(matches!(broken, Err(BackupError::Move(_))), "{broken:?}");
        assert!(
            !there.data.join("server-setup").exists() && !there.data.join("offing.sqlite").exists()
        );
        if postgres {
            let started = Services::open(there, ServiceOptions::default()).map(drop);
            assert!(matches!(started, Err(ServiceError::OtherChunks)), "{started:?}");
        }
    }
}

#[test]
fn devices_give_back_what_came_after_a_backup_of_every_pair_of_stores() {
    for ((name, postgres, s3), into) in PAIRS.into_iter().zip(PAIRS.into_iter().rev()) {
        let site = Site::new();
        let (from, to) = (site.places("from", postgres, s3), site.path("backup"));
        let world = World::over(1, open(&from));
        let (phone, laptop) = (world.adds("phone"), world.adds("laptop"));
        phone.creates_text("/note.md", "from the phone");
        world.sync_all();
        let there = site.places("there", into.1, into.2);
        assert!(backup(&from, &to).unwrap().chunks.is_sound());
        laptop.appends_to("/note.md", ", and from the laptop");
        let photo = vec![7; 300_000];
        laptop.uploads("/", &[("photo.jpg", &photo)], Clash::Ask);
        world.sync_all();
        assert_eq!(restore(&to, &there).unwrap().vaults, 1);
        world.net.replace(open(&there));
        world.passes(10_000);
        for device in [&phone, &laptop] {
            device.nudges();
        }
        world.passes(10_000);
        assert!(laptop.is_asked() && phone.is_asked(), "{name} into {}", into.0);
        assert_eq!(laptop.gives_back(), Ok(Lacking { entries: 0, kept: true }));
        laptop.goes_on().unwrap();
        world.sync_all();
        world.assert_converged();
        assert_eq!(phone.reads_text("/note.md"), "from the phone, and from the laptop");
        assert_eq!(phone.reads("/photo.jpg").unwrap(), photo);
    }
}
