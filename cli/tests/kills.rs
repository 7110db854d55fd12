//! The real server killed again and again under load: what it acknowledged is there.
//!
//! Several replicas of one person, each over SQLite, files and a socket, make folders, texts
//! and files without pause, while the program is ended by SIGKILL and started again. They note
//! every acknowledgement. At the end the log is read and verified anew, and every entry and
//! every chunk that was ever acknowledged is looked for.
//!
//! Backups are made under the same load; put back, they are given what they lack.
//!
//! `OFFING_KILLS` says how often (`cargo xtask faults --kills 200`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "kills/replica.rs"]
mod replica;
#[path = "kills/server.rs"]
mod server;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use offing_server::store::places::Places;
use offing_tests::engines::{postgres::Postgres, s3::S3};
use rand::Rng as _;
use replica::{Made, Worker, inspect};
use server::Server;

/// Kills of a run where nobody says how many.
const KILLS: u32 = 15;
const REPLICAS: u32 = 3;
/// Longest time until a server that was killed takes calls again.
const READY_MAX: Duration = Duration::from_secs(2);
/// How long the server lives between two kills.
const LIFE_MS: std::ops::Range<u64> = 50..900;

#[test]
fn what_a_killed_server_acknowledged_is_there() {
    let kills = std::env::var("OFFING_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    replica::sign_up(&server, folder.path());
    let (stopping, begun) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let workers = begin(&[&server.url()], folder.path(), &stopping);

    let mut ready = Vec::new();
    let mut dice = rand::thread_rng();
    for _ in 0..kills {
        thread::sleep(Duration::from_millis(dice.gen_range(LIFE_MS)));
        server.kill();
        ready.push(server.restart());
    }
    stopping.store(true, Ordering::SeqCst);
    let made: Vec<Made> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    let entries = made.iter().map(|made| made.acks.entries.len()).sum::<usize>();
    let chunks = made.iter().map(|made| made.acks.chunks.len()).sum::<usize>();
    let calls = made.iter().map(|made| made.acks.broken_calls).sum::<u64>();
    let found = inspect(folder.path(), &made);

    ready.sort();
    let millis = |at: usize| ready.get(at).map_or(0, Duration::as_millis);
    eprintln!(
        "{kills} kills in {:.0} s: {entries} entries and {chunks} chunks acknowledged, {calls} \
         calls broken off; of {} entries and {} chunks on the server none missing or damaged; \
         ready again after {} ms (median), {} ms (longest)",
        begun.elapsed().as_secs_f64(),
        found.entries,
        found.chunks,
        millis(ready.len() / 2),
        millis(ready.len().saturating_sub(1)),
    );
    assert!(entries > 0 && chunks > 0 && (kills == 0 || calls > 0), "the kills met work");
    let longest = ready.last().copied().unwrap_or_default();
    assert!(longest < READY_MAX, "ready again only after {longest:?}");
}

/// Backups are made while the server works and is killed; the last is put back after more work.
#[test]
fn what_a_backup_under_load_lacks_comes_back_from_the_devices() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    replica::sign_up(&server, folder.path());
    let stopping = Arc::new(AtomicBool::new(false));
    let workers = begin(&[&server.url()], folder.path(), &stopping);
    let (backup, restored) = (folder.path().join("backup"), folder.path().join("restored"));
    let [data, backup, restored] =
        [&server.places().data, &backup, &restored].map(|path| path.to_str().unwrap().to_owned());
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(LIFE_MS.end));
        server.runs(&["backup", "--data", &data, "--to", &backup]);
        server.kill();
        server.restart();
    }
    thread::sleep(Duration::from_millis(LIFE_MS.end));
    stopping.store(true, Ordering::SeqCst);
    let made: Vec<Made> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    replica::give_back(folder.path(), || {
        server.runs(&["restore", "--data", &restored, "--from", &backup]);
        server.moves_to(restored.into());
    });
    let found = inspect(folder.path(), &made);
    eprintln!(
        "restored: of {} entries and {} chunks none missing or damaged",
        found.entries, found.chunks
    );
}

/// Lets workers begin, each with one of these servers.
fn begin(urls: &[&str], folder: &Path, stopping: &Arc<AtomicBool>) -> Vec<JoinHandle<Made>> {
    let all_in = Arc::new(Barrier::new(REPLICAS as usize + 1));
    let workers = (0..REPLICAS).map(|number| {
        let worker = Worker::new(number, folder, urls[(number as usize).min(urls.len() - 1)]);
        let (stopping, all_in) = (Arc::clone(stopping), Arc::clone(&all_in));
        thread::spawn(move || worker.run(&all_in, &stopping))
    });
    let workers = workers.collect();
    all_in.wait();
    workers
}

/// Two processes over one PostgreSQL and one bucket: one is killed again and again.
#[test]
fn what_one_of_two_servers_acknowledged_is_there_and_the_other_goes_on() {
    let kills = std::env::var("OFFING_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let (cluster, bucket) = (Postgres::shared(), S3::start());
    let folder = tempfile::tempdir().unwrap();
    let places = Places {
        data: folder.path().join("lives"),
        database: Some(cluster.database()),
        chunks: Some(bucket.address("kills")),
    };
    let lives = Server::start_over(places.clone());
    // All have the same secrets.
    let data = folder.path().join("dies");
    std::fs::create_dir(&data).unwrap();
    for secret in ["server-setup", "token-key"] {
        std::fs::copy(places.data.join(secret), data.join(secret)).unwrap();
    }
    let mut dies = Server::start_over(Places { data, ..places });
    replica::sign_up(&lives, folder.path());
    let stopping = Arc::new(AtomicBool::new(false));
    let workers = begin(&[&lives.url(), &dies.url()], folder.path(), &stopping);
    let mut dice = rand::thread_rng();
    for _ in 0..kills {
        thread::sleep(Duration::from_millis(dice.gen_range(LIFE_MS)));
        dies.kill();
        dies.restart();
    }
    stopping.store(true, Ordering::SeqCst);
    let made: Vec<Made> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    let entries = made.iter().map(|made| made.acks.entries.len()).sum::<usize>();
    let chunks = made.iter().map(|made| made.acks.chunks.len()).sum::<usize>();
    let broken: Vec<u64> = made.iter().map(|made| made.acks.broken_calls).collect();
    let found = inspect(folder.path(), &made);
    eprintln!(
        "{kills} kills of one of two: {entries} entries and {chunks} chunks acknowledged, calls \
         broken off {broken:?}; of {} entries and {} chunks none missing or damaged",
        found.entries, found.chunks,
    );
    assert!(entries > 0 && chunks > 0);
    assert_eq!(broken[0], 0, "whoever talks to the other notices nothing");
    assert!(kills == 0 || broken[1..].iter().sum::<u64>() > 0, "the kills met work");
}
