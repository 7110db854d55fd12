//! Queues of jobs before the connections of a database.
//!
//! One thread writes. It takes every job that has queued up and hands them over as one group,
//! answering after that: jobs that arrive together share a commit. A few threads read, each
//! with its own connection, and never wait for the writer. What is queued is bounded; a job
//! for which there is no room is refused at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::growth::Question;
use super::meta::{
    Answer, Durability, MetaError, MetaResult, MetaStats, Output, ReadJob, WriteJob,
};

/// Most jobs that wait, for the writer and for the readers each.
const QUEUE_MAX: usize = 4096;
/// Most jobs of one commit.
const GROUP_MAX: usize = 64;

/// A connection to a database; it blocks, and stays on its thread.
pub(super) trait Runner: Send + 'static {
    /// Runs a job over one consistent state.
    fn read(&mut self, job: ReadJob) -> MetaResult<Output>;
    /// Runs jobs in order in one transaction and commits, so that with [`Durability::Now`] it
    /// outlives a power cut. A job that fails has no effect; on `Err` none has.
    fn write(&mut self, durability: Durability, jobs: Vec<Queued>) -> MetaResult<Written>;
}

/// A job that changes.
pub(super) struct Queued {
    /// What it begins with, if that is known.
    pub(super) question: Option<Box<Question>>,
    pub(super) job: WriteJob,
}

/// What became of a group of jobs.
pub(super) struct Written {
    /// The answer of each, in order.
    pub(super) results: Vec<MetaResult<Output>>,
    /// Whether anything changed.
    pub(super) changed: bool,
}

struct Write {
    durability: Durability,
    queued: Queued,
    answer: oneshot::Sender<MetaResult<Output>>,
}

struct Read {
    job: ReadJob,
    answer: oneshot::Sender<MetaResult<Output>>,
}

#[derive(Default)]
struct Counters {
    writes: AtomicU64,
    durable_commits: AtomicU64,
    lazy_commits: AtomicU64,
    waiting: AtomicU64,
}

/// The queues and their threads. Dropping them ends the threads after what is queued.
pub(super) struct Queues {
    /// `None` only while dropping.
    senders: Option<(SyncSender<Write>, SyncSender<Read>)>,
    readers: Vec<JoinHandle<()>>,
    /// `None` only while dropping.
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Queues {
    /// Starts a thread for the writer and for each reader.
    pub(super) fn start<R: Runner>(writer: R, readers: Vec<R>) -> MetaResult<Self> {
        let counters = Arc::new(Counters::default());
        let (writes, write_queue) = sync_channel(QUEUE_MAX);
        let (reads, read_queue) = sync_channel(QUEUE_MAX);
        let read_queue = Arc::new(Mutex::new(read_queue));
        let spawn_reader = |reader: R| {
            let (queue, shared) = (Arc::clone(&read_queue), Arc::clone(&counters));
            spawn("meta-read", move || run_reader(reader, &queue, &shared))
        };
        let readers = readers.into_iter().map(spawn_reader).collect::<Result<_, _>>()?;
        let shared = Arc::clone(&counters);
        let writer = spawn("meta-write", move || run_writer(writer, &write_queue, &shared))?;
        Ok(Self { senders: Some((writes, reads)), readers, writer: Some(writer), counters })
    }

    /// Queues a job that changes.
    pub(super) fn submit_write(&self, durability: Durability, queued: Queued) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let request = Write { durability, queued, answer };
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        match self.senders.as_ref().map(|(writes, _)| writes.try_send(request)) {
            Some(Err(TrySendError::Full(request))) => {
                self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
                let _ = request.answer.send(Err(MetaError::Busy));
            }
            // A closed queue drops the answer, which reads as `Closed`.
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => {}
        }
        receiver
    }

    /// Queues a job that reads.
    pub(super) fn submit_read(&self, job: ReadJob) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let request = Read { job, answer };
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        match self.senders.as_ref().map(|(_, reads)| reads.try_send(request)) {
            Some(Err(TrySendError::Full(request))) => {
                self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
                let _ = request.answer.send(Err(MetaError::Busy));
            }
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => {}
        }
        receiver
    }

    /// Counters since the start.
    pub(super) fn stats(&self) -> MetaStats {
        MetaStats {
            writes: self.counters.writes.load(Ordering::Relaxed),
            durable_commits: self.counters.durable_commits.load(Ordering::Relaxed),
            lazy_commits: self.counters.lazy_commits.load(Ordering::Relaxed),
            waiting: self.counters.waiting.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        let Some((writes, reads)) = self.senders.take() else {
            return;
        };
        // A panic of a thread has been reported by the thread.
        drop(reads);
        self.readers.drain(..).for_each(|thread| drop(thread.join()));
        // Closed last: of SQLite's connections that close at once, none may see that it is the
        // last and has to move the log into the database.
        drop(writes);
        self.writer.take().map(JoinHandle::join);
    }
}

/// Keeps a job's panic from ending the thread that serves everybody else. What the job saw
/// is only the connection, whose savepoint or transaction brings it back.
pub(super) fn guarded(job: impl FnOnce() -> MetaResult<Output>) -> MetaResult<Output> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or(Err(MetaError::Panicked))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> MetaResult<JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(run)?)
}

fn run_reader(mut reader: impl Runner, queue: &Mutex<Receiver<Read>>, counters: &Counters) {
    loop {
        // Held while waiting: the readers take turns at the queue, not at the work.
        let request = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Read { job, answer }) = request else {
            return;
        };
        counters.waiting.fetch_sub(1, Ordering::Relaxed);
        let _ = answer.send(reader.read(job));
    }
}

fn run_writer(mut writer: impl Runner, queue: &Receiver<Write>, counters: &Counters) {
    while let Ok(first) = queue.recv() {
        let mut durability = first.durability;
        let (mut jobs, mut answers) = (vec![first.queued], vec![first.answer]);
        while jobs.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            if next.durability == Durability::Now {
                durability = Durability::Now;
            }
            jobs.push(next.queued);
            answers.push(next.answer);
        }
        counters.waiting.fetch_sub(jobs.len() as u64, Ordering::Relaxed);
        match writer.write(durability, jobs) {
            Ok(Written { results, changed }) => {
                let kind = match durability {
                    Durability::Now => &counters.durable_commits,
                    Durability::Later => &counters.lazy_commits,
                };
                kind.fetch_add(u64::from(changed), Ordering::Relaxed);
                counters.writes.fetch_add(results.len() as u64, Ordering::Relaxed);
                for (answer, result) in answers.into_iter().zip(results) {
                    let _ = answer.send(result);
                }
            }
            Err(error) => refuse(answers, &error),
        }
    }
}

fn refuse(answers: Vec<oneshot::Sender<MetaResult<Output>>>, error: &MetaError) {
    tracing::warn!(%error, jobs = answers.len(), "a transaction failed");
    for answer in answers {
        let error = if matches!(error, MetaError::Full) {
            MetaError::Full
        } else if matches!(error, MetaError::Busy) {
            MetaError::Busy
        } else {
            MetaError::RolledBack
        };
        let _ = answer.send(Err(error));
    }
}
