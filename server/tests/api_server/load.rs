//! Calls that come when they come, whether or not the server keeps up.
//!
//! Each [`Line`] is a caller with a connection of its own and one thing to say: the next entry of its
//! vault, or a chunk that nobody has. What was refused it says again the next time, so a refusal
//! costs the load next to nothing. How long an answer took counts from when its call was due. What load
//! and server cost in processor time is told apart: both are on the same machine.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use offing_core::id::ChunkId;
use offing_core::proto::{AppendResult, Appended, ChunksStored, encode_append};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::calls::{Calls, OCTETS, Person, Vault, chunk_id};
use crate::wire::{ask, connect};

/// A caller, who says one thing at a time.
pub(crate) struct Line {
    address: SocketAddr,
    token: String,
    vault: Vault,
    work: Work,
    stream: Option<TcpStream>,
    head: Vec<u8>,
    body: Vec<u8>,
}

/// What a caller says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// Entries, each durable when it is answered.
    Append,
    /// Chunks of so many bytes.
    Put { len: usize },
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// There was too much to do, and it was said when to come again.
    Shed { wait: Duration },
}

/// What callers make of being told when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// They do as they are told, as the app does.
    Wait,
    /// They come again at once.
    Insist,
}

/// A call that was answered.
pub(crate) struct Answered {
    pub(crate) outcome: Outcome,
    /// Since the begin of the load.
    pub(crate) at: Duration,
    /// Since it was due.
    pub(crate) took: Duration,
}

/// What was offered, and what came of it.
#[derive(Default)]
pub(crate) struct Offered {
    pub(crate) answers: Vec<Answered>,
    /// Calls for which no line was free.
    pub(crate) unsaid: u64,
}

impl Line {
    /// A caller with a vault of its own.
    pub(crate) async fn begins(calls: &Calls, person: &Person, work: Work) -> Self {
        let vault = calls.create_vault(person).await;
        let (address, token) = (calls.address, person.token.clone());
        let (head, body) = (Vec::new(), Vec::new());
        let mut line = Self { address, token, vault, work, stream: None, head, body };
        line.thinks();
        line
    }

    /// What has become of its vault: how many entries or chunks it was told are there.
    pub(crate) fn said(&self) -> u64 {
        self.vault.dseq - 2
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Prepares what it says next.
    fn thinks(&mut self) {
        let entry = self.vault.next(&[]);
        let id = self.vault.id;
        let (verb, path) = match self.work {
            Work::Append => {
                self.body = encode_append(&[entry.encode()]);
                ("POST", format!("/api/v1/vaults/{id}/log"))
            }
            Work::Put { len } => {
                self.body = chunk_of(&self.vault, len);
                let chunk: ChunkId = chunk_id(&self.body);
                ("PUT", format!("/api/v1/vaults/{id}/chunks/{chunk}"))
            }
        };
        let (token, len) = (&self.token, self.body.len());
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {OCTETS}\r\nContent-Length: {len}\r\n\r\n"
        );
        self.head = head.into_bytes();
    }

    /// Says it, and hears what becomes of it.
    async fn says(&mut self) -> Outcome {
        self.connects().await;
        let mut stream = self.stream.take().expect("it just connected");
        let answer = ask(&mut stream, &self.head, &self.body).await;
        self.stream = Some(stream);
        let wait = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
        match (answer.status, wait) {
            (200, _) => {
                self.hears(&answer.body);
                Outcome::Done
            }
            (503, Some(seconds)) => Outcome::Shed { wait: Duration::from_secs(seconds) },
            _ => panic!("{}", answer.head),
        }
    }

    /// Opens its connection unless it is open.
    async fn connects(&mut self) {
        if self.stream.is_none() {
            self.stream = Some(connect(self.address).await);
        }
    }

    fn hears(&mut self, body: &[u8]) {
        match self.work {
            Work::Append => {
                let appended: Appended = serde_json::from_slice(body).unwrap();
                assert!(matches!(appended.results[..], [AppendResult::Ok { .. }]));
            }
            Work::Put { .. } => {
                let stored: ChunksStored = serde_json::from_slice(body).unwrap();
                assert_eq!(stored.stored, 1);
            }
        }
        self.thinks();
    }
}

/// A chunk that no other line and no other number has.
pub(crate) fn chunk_of(vault: &Vault, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    bytes[..32].copy_from_slice(&vault.id.0);
    bytes[32..40].copy_from_slice(&vault.dseq.to_be_bytes());
    bytes
}

/// Lets each line call again as soon as it is answered.
pub(crate) async fn saturate(lines: Vec<Line>, lasting: Duration) -> (Vec<Line>, Offered) {
    let begun = Instant::now();
    let all = lines.into_iter().map(|mut line| {
        tokio::spawn(async move {
            let mut answers = Vec::new();
            while answers.is_empty() || begun.elapsed() < lasting {
                let due = Instant::now();
                let outcome = line.says().await;
                let (at, took) = (begun.elapsed(), due.elapsed());
                answers.push(Answered { outcome, at, took });
            }
            (line, answers)
        })
    });
    let (mut lines, mut offered) = (Vec::new(), Offered::default());
    for ended in all.collect::<Vec<_>>() {
        let (line, answers) = ended.await.unwrap();
        lines.push(line);
        offered.answers.extend(answers);
    }
    (lines, offered)
}

/// Lets so many calls a second be due, whoever is done with the ones before; waits for the last.
pub(crate) async fn offer(
    mut lines: Vec<Line>,
    per_second: f64,
    lasting: Duration,
    manners: Manners,
) -> (Vec<Line>, Offered) {
    // One after the other: a thousand in one moment are more than the kernel lets wait.
    for line in &mut lines {
        line.connects().await;
    }
    let (all, begun) = (lines.len(), Instant::now());
    let mut idle = Idle { free: lines.into(), told_to_wait: BTreeMap::new(), manners };
    let mut offered = Offered::default();
    let (returns, mut returned) = mpsc::unbounded_channel::<(Line, Answered)>();
    for number in 0_u32.. {
        let due = begun + Duration::from_secs_f64(f64::from(number) / per_second);
        if due > begun + lasting {
            break;
        }
        sleep_until(due).await;
        while let Ok((line, answered)) = returned.try_recv() {
            idle.comes_back(line, answered, &mut offered);
        }
        let Some(mut line) = idle.next() else {
            offered.unsaid += 1;
            continue;
        };
        let returns = returns.clone();
        tokio::spawn(async move {
            let outcome = line.says().await;
            let answered = Answered { outcome, at: begun.elapsed(), took: due.elapsed() };
            returns.send((line, answered)).ok();
        });
    }
    // If a line ends in a panic, there is nothing to wait for.
    drop(returns);
    while idle.len() < all {
        let (line, answered) = returned.recv().await.unwrap();
        idle.comes_back(line, answered, &mut offered);
    }
    (idle.into_lines(), offered)
}

/// Lines that say nothing now.
struct Idle {
    free: VecDeque<Line>,
    /// By when they come again, and how many there were before.
    told_to_wait: BTreeMap<(Instant, usize), Line>,
    manners: Manners,
}

impl Idle {
    fn comes_back(&mut self, line: Line, answered: Answered, offered: &mut Offered) {
        match answered.outcome {
            Outcome::Shed { wait } if self.manners == Manners::Wait => {
                self.told_to_wait.insert((Instant::now() + wait, offered.answers.len()), line);
            }
            Outcome::Shed { .. } | Outcome::Done => self.free.push_back(line),
        }
        offered.answers.push(answered);
    }

    /// One that may say something.
    fn next(&mut self) -> Option<Line> {
        while let Some(waits) = self.told_to_wait.first_entry()
            && waits.key().0 <= Instant::now()
        {
            self.free.push_back(waits.remove());
        }
        self.free.pop_front()
    }

    fn len(&self) -> usize {
        self.free.len() + self.told_to_wait.len()
    }

    fn into_lines(self) -> Vec<Line> {
        self.free.into_iter().chain(self.told_to_wait.into_values()).collect()
    }
}

/// Processor time, of all threads since each began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// The server's.
    pub(crate) server: Duration,
    /// The load's, this process.
    pub(crate) load: Duration,
}

impl Spent {
    pub(crate) fn until_now(server: u32) -> Self {
        Self { server: processor_time(&server.to_string()), load: processor_time("self") }
    }

    /// What was spent since then.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { server: self.server - before.server, load: self.load - before.load }
    }
}

/// What a process has spent of the processor, with the kernel's work for it.
pub(crate) fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the name, which may hold anything; own and kernel's come at the twelfth place.
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}
