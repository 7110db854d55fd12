//! A server that is told to stop leaves: it says so first, and nobody's call fails.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use offing_core::proto::Code;
use rand::RngCore as _;
use rand::rngs::OsRng;
use reqwest::Method;

use crate::calls::{Calls, OCTETS, Person, Reply, Vault, chunk_id};
use crate::harness::{Differs, World};
use crate::postgres::Postgres;
use crate::program::Program;
use crate::s3::S3;

#[tokio::test]
async fn a_server_that_leaves_says_that_it_is_not_ready_and_answers_on() {
    let drain = Duration::from_secs(600);
    let world = World::start_with(Differs { drain, ..Differs::default() }).await;
    let alice = world.sign_up("alice", "password").await;
    let calls = world.direct.clone();
    let before = calls.get("/readyz").await;
    assert_eq!((before.status.as_u16(), before.header("connection")), (200, None));
    let (served, _rest) = world.stop();
    while calls.get("/readyz").await.status == 200 {}
    assert_eq!(calls.get("/readyz").await.refusal(), (503, Code::Unavailable));
    let account = calls.call(&alice, Method::GET, "/account").send().await.unwrap();
    assert_eq!(account.status(), 200);
    // Its next call goes over another connection, and by then elsewhere.
    assert_eq!(account.headers()["connection"], "close");
    served.abort();
}

/// Somebody who asks one of two servers, and the other where nobody listens any more.
struct Insists {
    first: Calls,
    other: Calls,
    person: Person,
    vault: Vault,
    /// Calls that each has answered.
    answered: [AtomicU64; 2],
}

impl Insists {
    /// Stores a chunk and reads it again, until told to stop; says what failed.
    async fn stores(self: Arc<Self>, stopping: Arc<AtomicBool>) -> Vec<String> {
        let mut failed = Vec::new();
        while !stopping.load(Ordering::Relaxed) {
            let mut chunk = vec![0; 20_000];
            OsRng.fill_bytes(&mut chunk);
            let path = format!("/vaults/{}/chunks/{}", self.vault.id, chunk_id(&chunk));
            for method in [Method::PUT, Method::GET] {
                let body = if method == Method::PUT { &chunk[..] } else { &[] };
                match self.asks(method, &path, body).await {
                    Ok(reply) if reply.status.is_success() => {}
                    Ok(reply) => failed.push(format!("{:?}", reply.refusal())),
                    Err(error) => failed.push(format!("{error:?}")),
                }
            }
        }
        failed
    }

    async fn asks(&self, method: Method, path: &str, body: &[u8]) -> reqwest::Result<Reply> {
        let mut last = None;
        for (calls, answered) in [&self.first, &self.other].into_iter().zip(&self.answered) {
            let asked = calls.call(&self.person, method.clone(), path);
            let asked = asked.header("content-type", OCTETS).body(body.to_vec());
            match asked.send().await {
                Ok(response) => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    let (status, headers) = (response.status(), response.headers().clone());
                    return Ok(Reply { status, headers, body: response.bytes().await? });
                }
                Err(error) if error.is_connect() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.expect("two were asked"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_under_load_one_leaves_and_no_call_fails() {
    let (cluster, bucket) = (Postgres::shared(), S3::start());
    let (database, address) = (cluster.database(), bucket.address("leaving"));
    let stores = ["--database", &database, "--chunks", &address.url, "--s3-access-key"];
    let keys =
        [&address.access_key, "--s3-secret-key", &address.secret_key, "--drain-seconds", "1"];
    let options: Vec<&str> = stores.into_iter().chain(keys).collect();
    let first = Program::start(&options).await;
    let mut stays = Program::start_beside(&first, &options).await;
    let person = stays.sign_up(1).await.remove(0);
    let vault = stays.calls.create_vault(&person).await;
    let insists = Arc::new(Insists {
        first: first.calls.clone(),
        other: stays.calls.clone(),
        person,
        vault,
        answered: Default::default(),
    });
    let count = |at: usize| insists.answered[at].load(Ordering::Relaxed);
    let stopping = Arc::new(AtomicBool::new(false));
    let begun = (0..6).map(|_| tokio::spawn(Arc::clone(&insists).stores(Arc::clone(&stopping))));
    let begun: Vec<_> = begun.collect();
    let reaches = async |at: usize, more: u64| {
        let wanted = count(at) + more;
        while count(at) < wanted {
            tokio::task::yield_now().await;
        }
    };
    reaches(0, 30).await;
    let place: SocketAddr = first.calls.address;
    let until_then = count(0);
    first.stop().await;
    assert!(count(0) > until_then, "it goes on while it leaves");
    reaches(1, 30).await;
    stopping.store(true, Ordering::Relaxed);
    let failed: Vec<String> = join_all(begun).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(failed.is_empty(), "{} calls failed: {failed:?}", failed.len());
    let gone = tokio::net::TcpStream::connect(place).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
    stays.stop().await;
}
