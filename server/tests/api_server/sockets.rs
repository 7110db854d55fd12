//! Many live sockets that wait: what each takes, and how soon all of an account hear of growth.
//!
//! By itself it opens a few; `cargo xtask sockets` opens ten thousand to a release build.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{join_all, try_join_all};
use offing_core::proto::Wake;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::live::{Socket, connect};
use crate::program::Program;

/// As many as one account may have.
const EACH: usize = 64;

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
    let mut program = Program::start(&[]).await;
    let people = program.sign_up(people).await;
    let mut vaults = Vec::new();
    for person in &people {
        vaults.push(program.calls.create_vault(person).await);
    }
    let origin = program.calls.url("");
    let (before, begun, mut waiting) = (program.memory_bytes(), Instant::now(), JoinSet::new());
    for person in &people {
        let opens = (0..each).map(|_| connect(&program.calls, &person.cookie, Some(&origin)));
        for socket in try_join_all(opens).await.unwrap() {
            waiting.spawn(hears_of(socket, 2));
        }
    }
    let (opened, count) = (begun.elapsed(), waiting.len());
    let taken = program.memory_bytes().saturating_sub(before);
    let begun = Instant::now();
    let appends = people.iter().zip(&mut vaults).map(|(person, vault)| {
        let entry = vault.next(&[]);
        let (calls, vault) = (&program.calls, &*vault);
        async move { calls.append(person, vault, &[entry]).await }
    });
    join_all(appends).await;
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
