//! What an edge near people is worth when the server is far: the same chunks, over a long line.
//!
//! By itself it reads a few over a short line and looks at what crosses it; `cargo xtask edge
//! --chunks 64` prints the figures of a release build at 160 ms and 20 Mbit/s.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use offing_core::id::VaultId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::calls::chunk_id;
use crate::edges::{Before, TestEdge, path_in, until};
use crate::harness::World;

/// A line that takes its time, and counts what crosses it towards the callers.
struct Line {
    address: SocketAddr,
    carried_bytes: Arc<AtomicU64>,
}

/// How long a line is, and how wide.
#[derive(Clone, Copy)]
struct Shape {
    round_trip: Duration,
    bytes_per_second: f64,
}

/// When one direction of a line is free again, for all connections.
type Free = Arc<Mutex<Instant>>;

impl Line {
    /// Lays a line to an address. A connection takes a round trip to begin, a piece half of one and
    /// its share of the width; nothing is lost, and nothing begins slowly.
    async fn to(far: SocketAddr, shape: Shape) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried_bytes = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&carried_bytes);
        tokio::spawn(async move {
            let free = || Arc::new(Mutex::new(Instant::now()));
            let (up, down) = (free(), free());
            while let Ok((near, _)) = listener.accept().await {
                let (up, down, counts) = (Arc::clone(&up), Arc::clone(&down), Arc::clone(&counts));
                tokio::spawn(async move {
                    sleep(shape.round_trip).await;
                    let far = TcpStream::connect(far).await.unwrap();
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let ((from_near, to_near), (from_far, to_far)) =
                        (near.into_split(), far.into_split());
                    let uncounted = Arc::default();
                    tokio::join!(
                        carry(from_near, to_far, shape, up, uncounted),
                        carry(from_far, to_near, shape, down, counts)
                    );
                });
            }
        });
        Self { address, carried_bytes }
    }

    fn carried(&self) -> u64 {
        self.carried_bytes.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shape: Shape,
    free: Free,
    carried: Arc<AtomicU64>,
) {
    // As many as may be on their way: a megabyte.
    let (sends, mut arrives) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let sending = async move {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(len @ 1..) = from.read(&mut piece).await {
            let takes = Duration::from_secs_f64(len as f64 / shape.bytes_per_second);
            let arrives = {
                let mut free = free.lock().unwrap();
                *free = (*free).max(Instant::now()) + takes;
                *free + shape.round_trip / 2
            };
            carried.fetch_add(len as u64, Ordering::SeqCst);
            if sends.send((arrives, piece[..len].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let arriving = async {
        while let Some((at, piece)) = arrives.recv().await {
            sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(sending, arriving);
}

/// The chunks to be read, and with what.
struct Reading {
    http: reqwest::Client,
    token: String,
    vault: VaultId,
    chunks: Vec<Vec<u8>>,
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

    async fn reads_one(&self, at: SocketAddr, chunk: &[u8]) {
        let url = format!("http://{at}{}", path_in(self.vault, chunk_id(chunk)));
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), chunk);
    }

    /// Reads all chunks; says how long that took.
    async fn reads_all(&self, at: SocketAddr) -> Duration {
        self.prepares(at).await;
        let begun = Instant::now();
        let all = self.chunks.iter().map(|chunk| self.reads_one(at, chunk));
        stream::iter(all).buffer_unordered(AT_ONCE).collect::<()>().await;
        begun.elapsed()
    }

    /// Reads some chunks, one after another; the median of how long each took.
    async fn reads_singly(&self, at: SocketAddr, before_each: impl Fn()) -> Duration {
        self.prepares(at).await;
        let mut all = Vec::new();
        for chunk in self.chunks.iter().take(5) {
            before_each();
            let begun = Instant::now();
            self.reads_one(at, chunk).await;
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
    let far = Shape { round_trip: Duration::from_millis(round_trip), bytes_per_second: 2.5e6 };
    let near = Shape { round_trip: Duration::from_millis(5), bytes_per_second: 1.25e8 };
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let numbered = |n: usize| n.to_be_bytes().repeat(len / 8);
    let chunks: Vec<_> = (0..count).map(numbered).collect();
    for chunk in &chunks {
        world.put_chunk(&alice, &vault, chunk).await.granted().unwrap();
    }
    let sum = (count * len) as u64;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let reading = Reading { http, token: alice.token, vault: vault.id, chunks };

    let direct = Line::to(world.address, far).await;
    let alone = reading.reads_all(direct.address).await;
    let alone = (alone, reading.reads_singly(direct.address, || {}).await);
    println!("{count} chunks of {len} bytes, {AT_ONCE} at once; the origin at {round_trip} ms");
    reading.prints("the origin alone", alone.0, alone.1, alone);

    let line = Line::to(world.address, far).await;
    let before = Before { clock: world.clock(), ..Before::default() };
    let edge = TestEdge::before(line.address, before).await;
    let at_edge = Line::to(edge.address, near).await.address;
    let cold = reading.reads_all(at_edge).await;
    until(|| edge.figure("edge_chunks") == count as u64).await;
    assert!((sum..sum + sum / 4).contains(&line.carried()), "{} of {sum}", line.carried());
    println!(
        "an edge at 5 ms, nothing kept: {:.2} s, {:.2} of the origin alone",
        cold.as_secs_f64(),
        cold.as_secs_f64() / alone.0.as_secs_f64()
    );

    // A yes that is remembered, and one that has to be asked for once more.
    for (what, pass_ms) in
        [("an edge, all kept, leave remembered", 0), ("… and leave asked anew", 61_000)]
    {
        reading.prepares(at_edge).await;
        let carried = line.carried();
        world.pass_ms(pass_ms);
        let all = reading.reads_all(at_edge).await;
        let crossed = line.carried() - carried;
        assert!(crossed < 16 * 1024, "{crossed} bytes of {sum} have crossed the line again");
        let one = reading.reads_singly(at_edge, || world.pass_ms(pass_ms)).await;
        reading.prints(what, all, one, alone);
        println!("{:<34} {crossed} of {sum} bytes crossed the line again", "");
    }
    assert_eq!(edge.figure("edge_fetched_total"), count as u64);
}
