//! Many live sockets that wait: what each takes, and how soon all of an account hear of growth.
//!
//! By itself it opens a few; `cargo xtask sockets` opens ten thousand to a release build, or as
//! many as the system lets a program have open files.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use offing_core::proto::Wake;
use offing_server::open_files;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::live::{Socket, connect_over};
use crate::program::Program;

/// As many as one account may have.
const EACH: usize = 64;
/// An address has some 28,000 ports to call from, and those of the last minute rest.
const CALLS_OF_ADDRESS: usize = 8_000;
/// More than may be worked on and wait at once would be refused.
const APPENDS_AT_ONCE: usize = 1_024;
/// What else this process and the server have open.
const OTHER_FILES: usize = 128;

/// Calls the server from one of the addresses of this machine, each for so many calls.
async fn calls_from_one_of_many(server: SocketAddr, number: usize) -> TcpStream {
    let from = u32::from(Ipv4Addr::LOCALHOST) + (number / CALLS_OF_ADDRESS) as u32;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(Ipv4Addr::from(from)), 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Waits until a socket tells that its vault has grown so far, and answers pings meanwhile.
async fn hears_of(mut socket: Socket, seq: u64) -> (Instant, Socket) {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let wake = message.to_text().map(serde_json::from_str::<Wake>);
        if matches!(wake, Ok(Ok(wake)) if wake.seq == seq) {
            return (Instant::now(), socket);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_socket_that_waits_hears_of_growth_and_takes_little() {
    let chosen = std::env::var("OFFING_SOCKETS").ok().map(|count| count.parse::<usize>().unwrap());
    let (people, each) = chosen.map_or((3, 4), |count| (count / EACH, EACH));
    let count = people * each;
    let files = (count + people.min(APPENDS_AT_ONCE) + OTHER_FILES) as u64;
    let allowed = open_files::allow(files);
    assert!(allowed >= files, "{count} sockets want {files} open files, and {allowed} are allowed");
    let bound = count.to_string();
    let mut program = Program::start(&["--live-sockets", &bound]).await;
    let people = program.sign_up(people).await;
    let mut vaults = Vec::new();
    for person in &people {
        vaults.push(program.calls.create_vault(person).await);
    }
    let origin = program.calls.url("");
    let (before, begun, mut waiting) = (program.memory_bytes(), Instant::now(), JoinSet::new());
    for (number, person) in people.iter().enumerate() {
        let opens = (0..each).map(|its| {
            let (calls, origin) = (&program.calls, &origin);
            async move {
                let stream = calls_from_one_of_many(calls.address, number * each + its).await;
                connect_over(stream, calls, &person.cookie, Some(origin)).await.unwrap()
            }
        });
        for socket in join_all(opens).await {
            waiting.spawn(hears_of(socket, 2));
        }
    }
    let opened = begun.elapsed();
    let taken = program.memory_bytes().saturating_sub(before);
    let begun = Instant::now();
    let appends = people.iter().zip(&mut vaults).map(|(person, vault)| {
        let entry = vault.next(&[]);
        let (calls, vault) = (&program.calls, &*vault);
        async move { calls.append(person, vault, &[entry]).await }
    });
    stream::iter(appends).buffer_unordered(APPENDS_AT_ONCE).collect::<Vec<_>>().await;
    let appended = begun.elapsed();
    let mut woken: Vec<Duration> = Vec::new();
    while let Some(heard) = waiting.join_next().await {
        woken.push(heard.unwrap().0 - begun);
    }
    woken.sort_unstable();
    assert_eq!(woken.len(), count);
    println!(
        "{count} sockets opened in {opened:.1?}; {} bytes of memory each; {} appends at once in \
         {appended:.1?}; all woken: p50 {:.1?}, p99 {:.1?} after the first was sent",
        taken / count as u64,
        people.len(),
        woken[count / 2],
        woken[count * 99 / 100],
    );
    program.stop().await;
}
