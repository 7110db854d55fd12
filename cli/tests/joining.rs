//! A new device of a large vault, joining by its whole log and by a snapshot.
//!
//! The server is the real program, the devices are the real ones over SQLite, files and a
//! socket; only the many entries are written by a hand that does nothing else. Both newcomers
//! must have the same. `cargo xtask joining --nodes 50000 --entries 200000` prints the figures
//! of a release build.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "joining/author.rs"]
mod author;
#[expect(dead_code, reason = "here it lives but once")]
#[path = "kills/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use author::Author;
use offing_cli::drive::Drive;
use offing_cli::listing;
use offing_cli::profile::Profile;
use offing_cli::session;
use offing_core::id::NodeId;
use offing_core::rpc::Kind;
use server::Server;

pub(crate) const USERNAME: &str = "alice";
pub(crate) const PASSWORD: &str = "a long and quiet evening";
/// Nodes and entries of a run where nobody says how many.
const NODES: u32 = 200;
const ENTRIES: u32 = 600;
/// Entries after which a device writes a snapshot by itself, whatever its patience.
const BY_ITSELF_ENTRIES: u32 = 6_000;

#[test]
fn a_newcomer_has_the_same_by_a_snapshot_as_by_the_whole_log() {
    let number = |name: &str, by_itself| {
        std::env::var(name).map_or(by_itself, |number| number.parse::<u32>().unwrap())
    };
    let (nodes, entries) = (number("OFFING_NODES", NODES), number("OFFING_ENTRIES", ENTRIES));
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let begun = Instant::now();
        let mut author = Author::founds(&server, folder.path()).await;
        author.grows(nodes, entries).await;
        println!("{nodes} nodes, {entries} entries, written in {:.1?}", begun.elapsed());

        let (by_log, took) = joins(&server, folder.path(), "by the log").await;
        println!("a new device, by the whole log: {took:.2?}");
        by_log.settle().await.unwrap();
        let begun = Instant::now();
        // In a log that is long enough it has begun one by itself.
        if entries < BY_ITSELF_ENTRIES {
            assert!(by_log.replica.write_snapshot().await.unwrap());
        }
        while author.snapshots().await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("a snapshot, until it is in the log: {:.2?}", begun.elapsed());

        let (by_snapshot, took) = joins(&server, folder.path(), "by a snapshot").await;
        println!("a new device, by a snapshot: {took:.2?}");
        by_snapshot.settle().await.unwrap();
        by_log.settle().await.unwrap();
        let (one, other) = (everything(&by_log).await, everything(&by_snapshot).await);
        assert_eq!(one.len(), nodes as usize);
        assert_eq!(one, other);
    });
    server.kill();
}

/// A new device signs in; how long until all is there.
async fn joins(server: &Server, folder: &Path, name: &str) -> (Drive, Duration) {
    let profile = Profile::open(&folder.join(name)).unwrap();
    let begun = Instant::now();
    let drive = session::log_in(&profile, &server.url(), USERNAME, PASSWORD, name, &|_| None).await;
    (drive.unwrap(), begun.elapsed())
}

/// All paths, with what a list says of them.
async fn everything(drive: &Drive) -> BTreeMap<String, (NodeId, Kind, Option<u64>, i64)> {
    let mut all = BTreeMap::new();
    let mut open = vec![(String::new(), NodeId::ROOT)];
    while let Some((path, folder)) = open.pop() {
        for row in listing::list(&drive.replica, folder).await.unwrap() {
            let inner = format!("{path}/{}", row.name);
            if row.kind == Kind::Folder {
                open.push((inner.clone(), row.node));
            }
            all.insert(inner, (row.node, row.kind, row.size, row.modified_ms));
        }
    }
    all
}
