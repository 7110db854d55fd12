//! A running installation moves, by the program itself, which is killed on the way.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use offing_core::id::ChunkId;
use offing_core::proto::LogPage;
use rand::RngCore as _;
use rand::rngs::OsRng;
use reqwest::Method;
use tempfile::TempDir;
use tokio::process::Command;

use crate::calls::{Calls, Person, Vault, chunk_id, reply};
use crate::postgres::Postgres;
use crate::program::{PROGRAM, Program};
use crate::s3::S3;

/// Several times what is made durable at once, so that it can be broken off between.
const CHUNKS: usize = 48;
const CHUNK_BYTES: usize = 1024 * 1024;

/// Somebody who goes on working, and remembers what was acknowledged.
struct Works {
    calls: Calls,
    person: Person,
    vault: Vault,
    kept: Vec<ChunkId>,
    entries: usize,
}

impl Works {
    async fn puts(&mut self, len: usize) {
        let mut bytes = vec![0; len];
        OsRng.fill_bytes(&mut bytes);
        assert!(self.calls.put_chunk(&self.person, &self.vault, &bytes).await.status.is_success());
        let id = chunk_id(&bytes);
        self.kept.push(id);
        let entry = self.vault.next(&[id]);
        self.calls.append(&self.person, &self.vault, &[entry]).await;
        self.entries += 1;
    }

    /// Works until it is told to stop.
    async fn goes_on(mut self, stopping: Arc<AtomicBool>) -> Self {
        while !stopping.load(Ordering::Relaxed) {
            self.puts(20_000).await;
        }
        self
    }

    /// Finds all that was acknowledged.
    async fn finds_all(&self, calls: &Calls) {
        for id in &self.kept {
            let path = format!("/vaults/{}/chunks/{id}", self.vault.id);
            let found = reply(calls.call(&self.person, Method::GET, &path)).await;
            assert_eq!((found.status.as_u16(), chunk_id(&found.body)), (200, *id));
        }
        let (mut found, mut after) = (0, 0);
        loop {
            let path = format!("/vaults/{}/log?after={after}", self.vault.id);
            let page = reply(calls.call(&self.person, Method::GET, &path)).await;
            let page = LogPage::decode(&page.body).unwrap();
            let count = page.items.len();
            if count == 0 {
                break;
            }
            found += count;
            after += count;
        }
        assert_eq!(found, self.entries);
    }
}

/// A move, by two files of configuration.
struct Move<'m> {
    from: &'m Path,
    to: &'m Path,
    /// How much has come there.
    progress: &'m (dyn Fn() -> u64 + Sync),
}

impl Move<'_> {
    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("migrate").arg("--from").arg(self.from).arg("--to").arg(self.to).args(options);
        command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    async fn runs(&self, options: &[&str]) -> Result<String, String> {
        let output = self.command(options).output().await.unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }

    /// Kills it as soon as so much more has come than there was; says whether it was killed before its end.
    async fn is_killed(&self, options: &[&str], more: u64) -> bool {
        let wanted = (self.progress)() + more;
        let mut running = self.command(options).stdout(Stdio::null()).spawn().unwrap();
        while (self.progress)() < wanted && running.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        running.kill().await.unwrap();
        !running.wait().await.unwrap().success()
    }
}

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_below(&entry.path()),
            Ok(found) => found.len(),
            // It was a file on its way.
            Err(_) => 0,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_installation_moves_there_and_back_and_is_killed_on_the_way() {
    let (cluster, bucket, configs) = (Postgres::shared(), S3::start(), TempDir::new().unwrap());
    let (database, address) = (cluster.database(), bucket.address("moved"));
    let (there, back) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut home = Program::start(&[]).await;
    let person = home.sign_up(1).await.remove(0);
    let vault = home.calls.create_vault(&person).await;
    let calls = home.calls.clone();
    let mut works = Works { calls, person, vault, kept: Vec::new(), entries: 1 };
    for _ in 0..CHUNKS {
        works.puts(CHUNK_BYTES).await;
    }
    let config = |name: &str, text: String| {
        let path = configs.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let data = |folder: &Path| format!("data = '{}'\n", folder.display());
    let stores = format!(
        "database = '{database}'\nchunks = '{}'\ns3_access_key = '{}'\ns3_secret_key = '{}'\n",
        address.url, address.access_key, address.secret_key
    );
    let at_home = config("home.toml", data(home.data()));
    let away = config("away.toml", data(there.path()) + &stores);
    let at_last = config("back.toml", data(back.path()));
    let in_bucket = || bytes_below(&bucket.file("moved"));
    let moving = Move { from: &at_home, to: &away, progress: &in_bucket };

    // While it is worked on.
    let stopping = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(works.goes_on(Arc::clone(&stopping)));
    let mut killed = 0;
    for chunks in [0, 1, 8, 18, 3] {
        let more = chunks * CHUNK_BYTES as u64;
        killed += u32::from(moving.is_killed(&["--ahead"], more).await);
    }
    assert!(killed >= 3, "{killed}");
    moving.runs(&["--ahead"]).await.unwrap();
    let refused = moving.runs(&[]).await.unwrap_err();
    assert!(refused.contains("a server still uses it"), "{refused}");
    stopping.store(true, Ordering::Relaxed);
    let works = working.await.unwrap();
    assert!(works.kept.len() > CHUNKS, "it was worked on meanwhile");
    let _home = home.stop().await;

    // When it has stopped.
    moving.is_killed(&[], 1).await;
    let said = moving.runs(&[]).await.unwrap();
    assert!(said.contains("Moved and compared"), "{said}");
    let options: Vec<&str> = vec![
        "--database",
        &database,
        "--chunks",
        &address.url,
        "--s3-access-key",
        &address.access_key,
        "--s3-secret-key",
        &address.secret_key,
    ];
    let moved = Program::start_again(there, &options).await;
    works.finds_all(&moved.calls).await;
    let _there = moved.stop().await;

    // And back.
    let chunks = back.path().join("chunks");
    let in_folder = || bytes_below(&chunks);
    let moving = Move { from: &away, to: &at_last, progress: &in_folder };
    let mut killed = 0;
    for (options, chunks) in [(&["--ahead"][..], 0), (&["--ahead"], 5), (&[], 20), (&[], 10)] {
        killed += u32::from(moving.is_killed(options, chunks * CHUNK_BYTES as u64).await);
    }
    assert!(killed >= 2, "{killed}");
    let said = moving.runs(&[]).await.unwrap();
    assert!(said.contains("Moved and compared"), "{said}");
    let last = Program::start_again(back, &[]).await;
    works.finds_all(&last.calls).await;
    last.stop().await;
}
