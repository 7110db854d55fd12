//! What an edge near people is worth when the server is far: the same chunks, over a long line.
//!
//! By itself it reads a few over a short line of [`Ground::Program`] and looks at what crosses it. `cargo xtask edge
//! --chunks 64` prints the figures of a release build at 160 ms and 20 Mbit/s; with `--namespaces` the lines are the
//! kernel's ([`Ground::Kernel`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use offing_core::id::VaultId;
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::calls::{chunk_id, reply};
use crate::edges::{Before, TestEdge, path_in, until};
use crate::harness::{Differs, World};
use crate::lines::{Line, Shape};
use crate::namespaces::{self, Namespace};

/// Where server, edge and device stand.
enum Ground {
    /// On one machine, with a program between them that delays and paces.
    Program,
    /// Each in a network namespace of its own, which `netns.sh` has made, with `tc netem` between them.
    Kernel { origin: Namespace, edge: Namespace },
}

impl Ground {
    /// What a far line lets through in a second, and how long it takes there and back.
    fn far(round_trip: Duration) -> Shape {
        Shape { round_trip, bytes_per_second: 2.5e6 }
    }

    async fn server(&self) -> World {
        let edge_urls = Some(vec!["https://near.example".to_owned()]);
        match self {
            Self::Program => World::start_with(Differs { edge_urls, ..Differs::default() }).await,
            Self::Kernel { origin, .. } => {
                let ip = Some(namespaces::ORIGIN);
                let differs = Differs { edge_urls, ip, ..Differs::default() };
                origin.run(async { World::start_with(differs).await }).await
            }
        }
    }

    /// A way to the server, and what has come over it.
    async fn long_line(&self, server: SocketAddr, round_trip: Duration) -> (SocketAddr, Carried) {
        match self {
            Self::Program => {
                let line = Line::to(server, Self::far(round_trip)).await;
                (line.address, Carried::Program(line.carried_bytes))
            }
            Self::Kernel { origin, .. } => {
                (server, Carried::Kernel { since: origin.sent_bytes(), origin: origin.clone() })
            }
        }
    }

    /// An edge, and where the device reaches it.
    async fn edge(&self, origin: SocketAddr, before: Before) -> (TestEdge, SocketAddr) {
        match self {
            Self::Program => {
                let edge = TestEdge::before(origin, before).await;
                let round_trip = Duration::from_millis(5);
                let near = Shape { round_trip, bytes_per_second: 1.25e8 };
                let line = Line::to(edge.address, near).await;
                (edge, line.address)
            }
            Self::Kernel { edge, .. } => {
                let before = Before { ip: namespaces::EDGE, ..before };
                let edge = edge.run(TestEdge::before(origin, before)).await;
                let address = edge.address;
                (edge, address)
            }
        }
    }
}

/// Bytes that came over the long line towards its callers.
enum Carried {
    Program(Arc<AtomicU64>),
    Kernel { since: u64, origin: Namespace },
}

impl Carried {
    fn bytes(&self) -> u64 {
        match self {
            Self::Program(bytes) => bytes.load(Ordering::SeqCst),
            Self::Kernel { since, origin } => origin.sent_bytes() - since,
        }
    }
}

/// The chunks to be read, and with what.
struct Reading {
    http: reqwest::Client,
    token: String,
    vault: VaultId,
    chunks: Vec<Vec<u8>>,
}

/// By what a device shows that it may read.
#[derive(Clone, Copy)]
enum Leave<'a> {
    /// Its access token, about which an edge asks the server.
    Token,
    /// A ticket of the vault, which an edge knows by itself.
    Ticket(&'a str),
}

/// Chunks that a device reads at once, of one file.
const AT_ONCE: usize = 3;

impl Reading {
    /// Opens the connections that a device has open.
    async fn prepares(&self, at: SocketAddr) {
        let all = (0..AT_ONCE).map(|_| self.http.get(format!("http://{at}/api/v1/info")).send());
        for answer in futures_util::future::join_all(all).await {
            answer.unwrap().bytes().await.unwrap();
        }
    }

    async fn reads_one(&self, at: SocketAddr, leave: Leave<'_>, chunk: &[u8]) {
        let url = format!("http://{at}{}", path_in(self.vault, chunk_id(chunk)));
        let asked = match leave {
            Leave::Token => self.http.get(url).bearer_auth(&self.token),
            Leave::Ticket(ticket) => self.http.get(format!("{url}?ticket={ticket}")),
        };
        assert_eq!(asked.send().await.unwrap().bytes().await.unwrap(), chunk);
    }

    /// Reads all chunks; says how long that took.
    async fn reads_all(&self, at: SocketAddr, leave: Leave<'_>) -> Duration {
        self.prepares(at).await;
        let begun = Instant::now();
        let all = self.chunks.iter().map(|chunk| self.reads_one(at, leave, chunk));
        stream::iter(all).buffer_unordered(AT_ONCE).collect::<()>().await;
        begun.elapsed()
    }

    /// Reads some chunks, one after another; the median of how long each took.
    async fn reads_singly(
        &self,
        at: SocketAddr,
        leave: Leave<'_>,
        before_each: impl Fn(),
    ) -> Duration {
        self.prepares(at).await;
        let mut all = Vec::new();
        for chunk in self.chunks.iter().take(5) {
            before_each();
            let begun = Instant::now();
            self.reads_one(at, leave, chunk).await;
            all.push(begun.elapsed());
        }
        all.sort_unstable();
        all[all.len() / 2]
    }

    #[expect(clippy::print_stdout, reason = "figures are for who measures")]
    fn prints(&self, what: &str, all: Duration, one: Duration, alone: (Duration, Duration)) {
        let megabytes = self.chunks.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
        let (all_s, one_s) = (all.as_secs_f64(), one.as_secs_f64());
        println!(
            "{what:<34} {all_s:7.2} s {:6.2} MB/s ({:5.2} times the origin's)  one chunk {:6.0} ms \
             ({:.2} of the origin's)",
            megabytes / all_s,
            alone.0.as_secs_f64() / all_s,
            one_s * 1e3,
            one_s / alone.1.as_secs_f64()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_near_crosses_the_line_once() {
    let chosen = std::env::var("OFFING_EDGE_CHUNKS").ok().map(|count| count.parse().unwrap());
    let (count, len, round_trip) = chosen.map_or((6, 50_000, 10), |count| (count, 1 << 20, 160));
    let round_trip = Duration::from_millis(round_trip);
    let ground = match std::env::var_os("OFFING_NAMESPACES") {
        None => Ground::Program,
        Some(_) => {
            let enter = Namespace::enter;
            Ground::Kernel { origin: enter("origin"), edge: enter("edge") }
        }
    };
    let world = ground.server().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let numbered = |n: usize| n.to_be_bytes().repeat(len / 8);
    let chunks: Vec<_> = (0..count).map(numbered).collect();
    for chunk in &chunks {
        world.put_chunk(&alice, &vault, chunk).await.granted().unwrap();
    }
    let asked = world.call(&alice, Method::GET, &format!("/vaults/{}/ticket", vault.id));
    let issued: Value = reply(asked).await.json();
    let ticket = Leave::Ticket(issued["ticket"].as_str().unwrap());
    let sum = (count * len) as u64;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let reading = Reading { http, token: alice.token, vault: vault.id, chunks };

    let (direct, _) = ground.long_line(world.address, round_trip).await;
    let alone = reading.reads_all(direct, Leave::Token).await;
    let alone = (alone, reading.reads_singly(direct, Leave::Token, || {}).await);
    println!("{count} chunks of {len} bytes, {AT_ONCE} at once; the origin at {round_trip:?}");
    reading.prints("the origin alone", alone.0, alone.1, alone);

    let (origin, carried) = ground.long_line(world.address, round_trip).await;
    let before = Before { clock: world.clock(), ..Before::default() };
    let (edge, at_edge) = ground.edge(origin, before).await;
    let cold = reading.reads_all(at_edge, Leave::Token).await;
    until(|| edge.figure("edge_chunks") == count as u64).await;
    assert!((sum..sum + sum / 4).contains(&carried.bytes()), "{} of {sum}", carried.bytes());
    println!(
        "an edge at 5 ms, nothing kept: {:.2} s, {:.2} of the origin alone",
        cold.as_secs_f64(),
        cold.as_secs_f64() / alone.0.as_secs_f64()
    );

    // A yes that is remembered, one that has to be asked for once more, and a ticket, with which the app reads.
    for (what, leave, pass_ms) in [
        ("an edge, all kept, leave remembered", Leave::Token, 0),
        ("… and leave asked anew", Leave::Token, 61_000),
        ("… and by a ticket", ticket, 0),
    ] {
        reading.prepares(at_edge).await;
        let before = carried.bytes();
        world.pass_ms(pass_ms);
        let all = reading.reads_all(at_edge, leave).await;
        let crossed = carried.bytes() - before;
        assert!(crossed < 16 * 1024, "{crossed} bytes of {sum} have crossed the line again");
        let one = reading.reads_singly(at_edge, leave, || world.pass_ms(pass_ms)).await;
        reading.prints(what, all, one, alone);
        println!("{:<34} {crossed} of {sum} bytes crossed the line again", "");
    }
    assert_eq!(edge.figure("edge_fetched_total"), count as u64);
}
