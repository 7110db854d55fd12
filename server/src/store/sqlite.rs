//! The metadata in one SQLite file.
//!
//! One thread writes. It takes every job that has queued up, runs each in a savepoint of one
//! transaction, commits, and answers after that: jobs that arrive together share an fsync. A
//! group in which no job asks for [`Durability::Now`] is committed without waiting for the
//! disk; WAL keeps the order, so the next durable commit covers it. A few threads read, each
//! with its own connection, and never wait for the writer.
//!
//! Connections are blocking and stay on their threads, which is why `rusqlite` and not an
//! asynchronous wrapper: the queue is what makes group commit possible.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::RngCore as _;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use self::rows::Rows;
use super::meta::{
    Answer, Durability, MetaError, MetaResult, MetaStats, MetaStore, Output, ReadJob, WriteJob,
};

mod fossils;
mod rows;
mod rows_write;

/// The schema's versions, in order; `user_version` counts those applied.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_start.sql"),
    include_str!("../../migrations/0002_dead_bytes.sql"),
    include_str!("../../migrations/0003_kit_confirmed.sql"),
    include_str!("../../migrations/0004_taken_off.sql"),
    include_str!("../../migrations/0005_recovering.sql"),
    include_str!("../../migrations/0006_log_by_kind.sql"),
    include_str!("../../migrations/0007_fossils.sql"),
];
/// Threads that read.
const READERS: usize = 4;
/// Most jobs that wait, for the writer and for the readers each.
const QUEUE_MAX: usize = 4096;
/// Most jobs of one commit.
const GROUP_MAX: usize = 64;
/// Pages of the write-ahead log before it is moved into the database: 32 MiB, so that an
/// upload of thousands of files does not pay for it several times.
const CHECKPOINT_PAGES: u32 = 8192;
/// Milliseconds to wait for another process, such as a backup.
const BUSY_MS: u64 = 5_000;

struct Write {
    durability: Durability,
    job: WriteJob,
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
}

/// A [`super::meta::MetaStore`] in one SQLite file. Dropping it ends its threads after what
/// is queued.
pub struct SqliteMeta {
    /// `None` only while dropping.
    queues: Option<(SyncSender<Write>, SyncSender<Read>)>,
    readers: Vec<JoinHandle<()>>,
    /// `None` only while dropping.
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl SqliteMeta {
    /// Opens a database, or makes one, and brings its schema up to date.
    pub fn open(path: &Path) -> MetaResult<Self> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        let counters = Arc::new(Counters::default());
        let (writes, write_queue) = sync_channel(QUEUE_MAX);
        let (reads, read_queue) = sync_channel(QUEUE_MAX);
        let read_queue = Arc::new(Mutex::new(read_queue));
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true)?;
            let queue = Arc::clone(&read_queue);
            readers.push(spawn("meta-read", move || run_reader(&reader, &queue))?);
        }
        let shared = Arc::clone(&counters);
        let writer = spawn("meta-write", move || run_writer(&writer, &write_queue, &shared))?;
        Ok(Self { queues: Some((writes, reads)), readers, writer: Some(writer), counters })
    }
}

impl Drop for SqliteMeta {
    fn drop(&mut self) {
        let Some((writes, reads)) = self.queues.take() else {
            return;
        };
        // A panic of a thread has been reported by the thread.
        drop(reads);
        self.readers.drain(..).for_each(|thread| drop(thread.join()));
        // Closed last: of connections that close at once, none may see that it is the last
        // and has to move the log into the database.
        drop(writes);
        self.writer.take().map(JoinHandle::join);
    }
}

impl MetaStore for SqliteMeta {
    fn submit_write(&self, durability: Durability, job: WriteJob) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let request = Write { durability, job, answer };
        match self.queues.as_ref().map(|(writes, _)| writes.try_send(request)) {
            Some(Err(TrySendError::Full(request))) => {
                let _ = request.answer.send(Err(MetaError::Busy));
            }
            // A closed queue drops the answer, which reads as `Closed`.
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => {}
        }
        receiver
    }

    fn submit_read(&self, job: ReadJob) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let request = Read { job, answer };
        match self.queues.as_ref().map(|(_, reads)| reads.try_send(request)) {
            Some(Err(TrySendError::Full(request))) => {
                let _ = request.answer.send(Err(MetaError::Busy));
            }
            Some(Ok(()) | Err(TrySendError::Disconnected(_))) | None => {}
        }
        receiver
    }

    fn stats(&self) -> MetaStats {
        MetaStats {
            writes: self.counters.writes.load(Ordering::Relaxed),
            durable_commits: self.counters.durable_commits.load(Ordering::Relaxed),
            lazy_commits: self.counters.lazy_commits.load(Ordering::Relaxed),
        }
    }
}

impl From<rusqlite::Error> for MetaError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ConstraintViolation) => Self::Constraint,
            Some(ErrorCode::DatabaseBusy) => Self::Busy,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged,
            _ => Self::Sqlite(error),
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> MetaResult<JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(run)?)
}

fn connect(path: &Path) -> MetaResult<Connection> {
    let connection = Connection::open(PathBuf::from(path))?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> MetaResult<()> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).expect("few migrations");
    if found > known {
        return Err(MetaError::TooNew { found, known });
    }
    for (version, sql) in (1u32..).zip(MIGRATIONS).skip(found as usize) {
        let tx = connection.transaction()?;
        tx.execute_batch(sql)?;
        if version == 1 {
            let mut incarnation = [0u8; 16];
            rand::rngs::OsRng.fill_bytes(&mut incarnation);
            tx.execute("INSERT INTO server (incarnation) VALUES (?1)", [&incarnation[..]])?;
        }
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    Ok(())
}

fn run_reader(connection: &Connection, queue: &Mutex<Receiver<Read>>) {
    loop {
        // Held while waiting: the readers take turns at the queue, not at the work.
        let request = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Read { job, answer }) = request else {
            return;
        };
        let _ = answer.send(run_read(connection, job));
    }
}

fn run_read(connection: &Connection, job: ReadJob) -> MetaResult<Output> {
    connection.execute_batch("BEGIN")?;
    let result = guarded(|| job(&Rows { connection }));
    connection.execute_batch("COMMIT")?;
    result
}

fn run_writer(connection: &Connection, queue: &Receiver<Write>, counters: &Counters) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let durable = group.iter().any(|write| write.durability == Durability::Now);
        let mut answers = Vec::with_capacity(group.len());
        let before = connection.total_changes();
        let committed = run_group(connection, durable, group, &mut answers);
        let changed = connection.total_changes() != before;
        match committed {
            Ok(()) => {
                let kind = if durable { &counters.durable_commits } else { &counters.lazy_commits };
                kind.fetch_add(u64::from(changed), Ordering::Relaxed);
                counters.writes.fetch_add(answers.len() as u64, Ordering::Relaxed);
                for (answer, result) in answers {
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                if !connection.is_autocommit() {
                    // The next `BEGIN` reports what cannot be rolled back.
                    let _ = connection.execute_batch("ROLLBACK");
                }
                refuse(answers, &error);
            }
        }
    }
}

type Answered = (oneshot::Sender<MetaResult<Output>>, MetaResult<Output>);

fn run_group(
    connection: &Connection,
    durable: bool,
    group: Vec<Write>,
    answers: &mut Vec<Answered>,
) -> MetaResult<()> {
    let mut failed = connection
        .pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
        .and_then(|()| connection.execute_batch("BEGIN IMMEDIATE"))
        .map_err(MetaError::from)
        .err();
    for Write { job, answer, .. } in group {
        if failed.is_some() {
            answers.push((answer, Err(MetaError::RolledBack)));
            continue;
        }
        match run_job(connection, job) {
            Ok(result) => answers.push((answer, result)),
            Err(error) => {
                answers.push((answer, Err(MetaError::RolledBack)));
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(connection.execute_batch("COMMIT")?),
    }
}

/// Runs a job in a savepoint; the outer error means that the whole transaction is lost.
fn run_job(connection: &Connection, job: WriteJob) -> MetaResult<MetaResult<Output>> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = guarded(|| job(&mut Rows { connection }));
    match result {
        Ok(output) => {
            connection.execute_batch("RELEASE job")?;
            Ok(Ok(output))
        }
        // SQLite has ended the transaction itself, as it does when the disk is full.
        Err(error) if connection.is_autocommit() => Err(error),
        Err(error) => {
            connection.execute_batch("ROLLBACK TO job; RELEASE job")?;
            Ok(Err(error))
        }
    }
}

/// Keeps a job's panic from ending the thread that serves everybody else. What the job saw
/// is only the connection, which its savepoint brings back.
fn guarded(job: impl FnOnce() -> MetaResult<Output>) -> MetaResult<Output> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or(Err(MetaError::Panicked))
}

fn refuse(answers: Vec<Answered>, error: &MetaError) {
    for (answer, _) in answers {
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
