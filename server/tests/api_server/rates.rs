//! How much the program stores and gives in a second, beside what others do with the same bytes.
//!
//! By itself it stores a few chunks and looks whether they are there; `cargo xtask rates` prints the
//! figures of a release build, with the engines and the programs of others that are installed.

#![expect(clippy::print_stdout, reason = "figures are for who measures")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use offing_core::id::VaultId;
use offing_server::store::s3::S3Address;
use rand::RngCore as _;
use rand::rngs::OsRng;
use rusty_s3::actions::S3Action as _;
use rusty_s3::{Bucket, Credentials, UrlStyle};
use tokio::time::Instant;
use tokio_postgres::NoTls;

use crate::calls::{Calls, OCTETS, Person, Vault, chunk_id};
use crate::load::{Line, Work, processor_time, saturate};
use crate::peak::Figures;
use crate::peers::Peer;
use crate::postgres::Postgres;
use crate::program::{PROGRAM, Program};
use crate::s3::S3;
use crate::wire::{ask, connect};

/// How much is asked.
struct Scale {
    chunks: usize,
    chunk_bytes: usize,
    at_once: &'static [usize],
}

const SMALL: Scale = Scale { chunks: 6, chunk_bytes: 64 * 1024, at_once: &[1, 3] };
/// How many chunks are under way at once where figures are asked for.
const AT_ONCE: [usize; 3] = [1, 16, 64];
/// How long a request to S3 that was signed beforehand may wait.
const SIGNED_FOR: Duration = Duration::from_secs(3_600);
const APPENDING: Duration = Duration::from_secs(4);

/// Where chunks go by HTTP, under what their bytes hash to.
struct Place {
    name: String,
    address: SocketAddr,
    /// What stands in the head of each request.
    headers: String,
    paths: Paths,
    /// Whose processor time is told, with what each is.
    processes: Vec<(&'static str, u32)>,
}

/// What the path of a chunk is made of.
enum Paths {
    Vault(VaultId),
    Folder,
    /// It is signed, the verb with it.
    Signed(Box<Bucket>, Credentials),
}

impl Place {
    fn ours(name: &str, calls: &Calls, person: &Person, vault: &Vault) -> Self {
        let token = &person.token;
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: {OCTETS}\r\n");
        let (name, paths) = (name.to_owned(), Paths::Vault(vault.id));
        Self { name, address: calls.address, headers, paths, processes: Vec::new() }
    }

    fn of_peer(peer: &Peer) -> Self {
        let (name, headers) = (peer.name.to_owned(), String::new());
        let (paths, processes) = (Paths::Folder, Vec::new());
        Self { name, address: peer.address, headers, paths, processes }
    }

    /// The S3 server alone, with one object for each chunk.
    fn of_s3(server: &S3) -> Self {
        let S3Address { url, access_key, secret_key } = server.address("");
        let mut url: reqwest::Url = url.parse().unwrap();
        let address = url.socket_addrs(|| None).unwrap()[0];
        url.set_path("");
        let bucket = Bucket::new(url, UrlStyle::Path, "bucket", "us-east-1").unwrap();
        let paths = Paths::Signed(Box::new(bucket), Credentials::new(access_key, secret_key));
        let (name, headers) = ("the S3 server alone".to_owned(), String::new());
        let processes = vec![("S3", server.process())];
        Self { name, address, headers, paths, processes }
    }

    /// Processor time of its processes and of the load, since each began.
    fn spent(&self) -> Vec<(&'static str, Duration)> {
        let mut spent = Vec::new();
        for (name, process) in &self.processes {
            spent.push((*name, processor_time(&process.to_string())));
        }
        if !spent.is_empty() {
            spent.push(("the load", processor_time("self")));
        }
        spent
    }

    fn head(&self, verb: &str, chunk: &str, len: usize) -> Vec<u8> {
        let path = match &self.paths {
            Paths::Vault(vault) => format!("/api/v1/vaults/{vault}/chunks/{chunk}"),
            Paths::Folder => format!("/{chunk}"),
            Paths::Signed(bucket, keys) => {
                let url = match verb {
                    "PUT" => bucket.put_object(Some(keys), chunk).sign(SIGNED_FOR),
                    _ => bucket.get_object(Some(keys), chunk).sign(SIGNED_FOR),
                };
                format!("{}?{}", url.path(), url.query().unwrap())
            }
        };
        let (address, headers) = (self.address, &self.headers);
        let line = format!("{verb} {path} HTTP/1.1\r\nHost: {address}\r\n");
        format!("{line}{headers}Content-Length: {len}\r\n\r\n").into_bytes()
    }
}

/// Bytes that nobody has, and their name.
struct Chunk {
    name: String,
    bytes: Vec<u8>,
}

impl Chunk {
    fn made(len: usize) -> Arc<Self> {
        let mut bytes = vec![0; len];
        OsRng.fill_bytes(&mut bytes);
        Arc::new(Self { name: chunk_id(&bytes).to_string(), bytes })
    }
}

/// How fast something went.
struct Rate {
    bytes_per_second: f64,
    p50: Duration,
    p99: Duration,
}

/// Puts chunks, or gets them and compares, so many at once over a connection each.
async fn transfers(
    place: &Place,
    verb: &'static str,
    chunks: &[Arc<Chunk>],
    at_once: usize,
) -> Rate {
    let calls = chunks.iter().map(|chunk| {
        let len = if verb == "PUT" { chunk.bytes.len() } else { 0 };
        (place.head(verb, &chunk.name, len), Arc::clone(chunk))
    });
    let calls: Arc<Vec<_>> = Arc::new(calls.collect());
    let next = Arc::new(AtomicUsize::new(0));
    let streams = join_all((0..at_once).map(|_| connect(place.address))).await;
    let begun = Instant::now();
    let running = streams.into_iter().map(|mut stream| {
        let (calls, next) = (Arc::clone(&calls), Arc::clone(&next));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while let Some((head, chunk)) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                let body = if verb == "PUT" { &chunk.bytes[..] } else { &[] };
                let answer = ask(&mut stream, head, body).await;
                took.push(asked.elapsed());
                assert!((200..300).contains(&answer.status), "{}", answer.head);
                assert!(verb == "PUT" || answer.body == chunk.bytes, "{} is altered", chunk.name);
            }
            took
        })
    });
    let running: Vec<_> = running.collect();
    let mut took: Vec<Duration> = Vec::new();
    for ended in running {
        took.extend(ended.await.unwrap());
    }
    let seconds = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    Rate {
        bytes_per_second: bytes as f64 / seconds,
        p50: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    }
}

/// Puts the same chunks everywhere and gets them again, one place after the other.
async fn compares(places: &[Place], scale: &Scale) {
    for &at_once in scale.at_once {
        let chunks: Vec<_> = (0..scale.chunks).map(|_| Chunk::made(scale.chunk_bytes)).collect();
        for place in places {
            // What others left for the disk to do later is no matter of who comes next.
            assert!(Command::new("sync").status().unwrap().success());
            let put = transfers(place, "PUT", &chunks, at_once).await;
            let before = place.spent();
            let get = transfers(place, "GET", &chunks, at_once).await;
            let spent = place.spent().into_iter().zip(before);
            let shown = |Rate { bytes_per_second, p50, p99 }: Rate| {
                format!("{:7.1} MB/s, p50 {p50:8.1?}, p99 {p99:8.1?}", bytes_per_second / 1e6)
            };
            println!(
                "  {at_once:3} at once  put {}  get {}  {}",
                shown(put),
                shown(get),
                place.name
            );
            for ((name, after), (_, before)) in spent {
                println!("{:32} of the processor for all gets: {:4.2?}", name, after - before);
            }
        }
    }
}

/// Appends, each durable when it is answered.
async fn appends(name: &str, calls: &Calls, person: &Person) {
    let mut lines = Vec::new();
    for at_once in AT_ONCE {
        // An account may have so many vaults and one more for the chunks.
        while lines.len() < at_once.min(60) {
            lines.push(Line::begins(calls, person, Work::Append).await);
        }
        let (after, offered) = saturate(lines, APPENDING).await;
        lines = after;
        let Figures { goodput, p50_ms, p99_ms, .. } = Figures::of(&offered, APPENDING);
        let at_once = lines.len();
        println!(
            "  {at_once:3} at once {goodput:7.0} a second, p50 {p50_ms:6.2} ms, p99 {p99_ms:6.2} ms  {name}"
        );
    }
}

/// What PostgreSQL does by itself: one row of an entry's size for each commit.
async fn commits(url: &str) {
    let connects = async || {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let first = connects().await;
    first
        .batch_execute("CREATE TABLE ledger (id bigserial PRIMARY KEY, entry bytea)")
        .await
        .unwrap();
    for at_once in AT_ONCE.map(|count| count.min(60)) {
        let clients = join_all((0..at_once).map(|_| connects())).await;
        let begun = Instant::now();
        let running = clients.into_iter().map(|client| {
            tokio::spawn(async move {
                let insert = "INSERT INTO ledger (entry) VALUES ($1)";
                let insert = client.prepare(insert).await.unwrap();
                let (entry, mut count) = (vec![8_u8; 600], 0_u32);
                while begun.elapsed() < APPENDING {
                    client.execute(&insert, &[&entry]).await.unwrap();
                    count += 1;
                }
                count
            })
        });
        let running: Vec<_> = running.collect();
        let mut count = 0;
        for ended in running {
            count += ended.await.unwrap();
        }
        let rate = f64::from(count) / begun.elapsed().as_secs_f64();
        println!("  {at_once:3} at once {rate:7.0} a second  PostgreSQL's own commits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_by_many_at_once_is_given_back_as_it_was() {
    let mut program = Program::start(&[]).await;
    let person = program.sign_up(1).await.remove(0);
    let vault = program.calls.create_vault(&person).await;
    let ours = Place::ours("ours, on files", &program.calls, &person, &vault);
    match std::env::var("OFFING_RATES").ok() {
        None => compares(&[ours], &SMALL).await,
        Some(chunks) => {
            let chunks = chunks.parse().unwrap();
            let scale = Scale { chunks, chunk_bytes: 1024 * 1024, at_once: &AT_ONCE };
            measures(&mut program, &person, ours, &scale).await;
        }
    }
    program.stop().await;
}

/// All that `cargo xtask rates` prints.
async fn measures(program: &mut Program, person: &Person, ours: Place, scale: &Scale) {
    println!("chunks of 1 MiB, ours durable when answered, nobody else's:");
    let peers = [Peer::nginx().await, Peer::rclone().await];
    let mut places = vec![ours];
    places.extend(peers.iter().flatten().map(Place::of_peer));
    compares(&places, scale).await;
    drop(peers);

    println!("the same on S3:");
    let bucket = S3::start();
    let address = bucket.address("drive");
    let keys = ["--s3-access-key", &address.access_key, "--s3-secret-key", &address.secret_key];
    let mut on_s3 = Program::start(&[&["--chunks", &address.url], &keys[..]].concat()).await;
    let somebody = on_s3.sign_up(1).await.remove(0);
    let vault = on_s3.calls.create_vault(&somebody).await;
    let mut ours = Place::ours("ours, on that S3 server", &on_s3.calls, &somebody, &vault);
    ours.processes = vec![("ours", on_s3.process()), ("S3", bucket.process())];
    let places = [Place::of_s3(&bucket), ours];
    compares(&places, scale).await;
    on_s3.stop().await;

    println!("entries, durable when answered, each of a vault of its own:");
    appends("ours, on SQLite", &program.calls, person).await;
    let cluster = Postgres::durable();
    let mut on_postgres = Program::start(&["--database", &cluster.database()]).await;
    let somebody = on_postgres.sign_up(1).await.remove(0);
    appends("ours, on PostgreSQL", &on_postgres.calls, &somebody).await;
    on_postgres.stop().await;
    commits(&cluster.database()).await;

    let size = std::fs::metadata(PROGRAM).unwrap().len();
    let started = program.restarts().await;
    println!(
        "the program has {size} bytes, and answers {started:.1?} after its start over all that"
    );
}
