//! The metadata in one SQLite file.
//!
//! The writer runs each job of a group in a savepoint of one transaction (`queue`). A group in
//! which no job asks for [`Durability::Now`] is committed without waiting for the disk; WAL
//! keeps the order, so the next durable commit covers it.
//!
//! Connections are blocking and stay on their threads, which is why `rusqlite` and not an
//! asynchronous wrapper: the queue is what makes group commit possible.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::RngCore as _;
use rusqlite::{Connection, ErrorCode};

use self::rows::Rows;
use super::meta::{
    Answer, Durability, MetaError, MetaResult, MetaStats, MetaStore, Output, ReadJob, WriteJob,
};
use super::queue::{Queued, Queues, Runner, Written, guarded};

mod burial;
mod closed;
mod ends;
mod factors;
mod fossils;
mod keeping;
mod rows;
mod rows_write;
mod sign_ins;
pub mod snapshot;
pub mod tables;
mod witness;

/// The schema's versions, in order; `user_version` counts those applied.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_start.sql"),
    include_str!("../../migrations/0002_dead_bytes.sql"),
    include_str!("../../migrations/0003_kit_confirmed.sql"),
    include_str!("../../migrations/0004_taken_off.sql"),
    include_str!("../../migrations/0005_recovering.sql"),
    include_str!("../../migrations/0006_log_by_kind.sql"),
    include_str!("../../migrations/0007_fossils.sql"),
    include_str!("../../migrations/0008_witnessed.sql"),
    include_str!("../../migrations/0009_closed.sql"),
    include_str!("../../migrations/0010_contents.sql"),
    include_str!("../../migrations/0011_admin.sql"),
    include_str!("../../migrations/0012_second_factor.sql"),
    include_str!("../../migrations/0013_passkeys.sql"),
    include_str!("../../migrations/0014_sign_ins.sql"),
    include_str!("../../migrations/0015_ended.sql"),
];
/// Threads that read.
const READERS: usize = 4;
/// Pages of the write-ahead log before it is moved into the database: 32 MiB, so that an
/// upload of thousands of files does not pay for it several times.
const CHECKPOINT_PAGES: u32 = 8192;
/// How long another process, such as one that makes an invite, is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// A [`super::meta::MetaStore`] in one SQLite file. Dropping it ends its threads after what
/// is queued.
pub struct SqliteMeta {
    queues: Queues,
}

impl SqliteMeta {
    /// Opens a database, or makes one, and brings its schema up to date.
    pub fn open(path: &Path) -> MetaResult<Self> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        Self::over(writer, path)
    }

    /// Opens a database whose schema is this program's; another is left as it is, since a server
    /// of another version may be using it.
    pub fn open_beside(path: &Path) -> MetaResult<Self> {
        let writer = connect(path)?;
        let (found, known) = versions(&writer)?;
        if found < known {
            return Err(MetaError::TooOld { found, known });
        }
        Self::over(writer, path)
    }

    fn over(writer: Connection, path: &Path) -> MetaResult<Self> {
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true)?;
            readers.push(reader);
        }
        Ok(Self { queues: Queues::start(writer, readers)? })
    }
}

impl MetaStore for SqliteMeta {
    fn submit_write(&self, durability: Durability, job: WriteJob) -> Answer {
        self.queues.submit_write(durability, Queued { question: None, job })
    }

    fn submit_read(&self, job: ReadJob) -> Answer {
        self.queues.submit_read(job)
    }

    fn stats(&self) -> MetaStats {
        self.queues.stats()
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

fn connect(path: &Path) -> MetaResult<Connection> {
    let connection = Connection::open(PathBuf::from(path))?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// The version of a database's schema, and the one that this program wants; never a later one.
fn versions(connection: &Connection) -> MetaResult<(u32, u32)> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).expect("few migrations");
    if found > known {
        return Err(MetaError::TooNew { found, known });
    }
    Ok((found, known))
}

fn migrate(connection: &mut Connection) -> MetaResult<()> {
    let (found, _) = versions(connection)?;
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

impl Runner for Connection {
    fn read(&mut self, job: ReadJob) -> MetaResult<Output> {
        self.execute_batch("BEGIN")?;
        let result = guarded(|| job(&Rows { connection: self }));
        self.execute_batch("COMMIT")?;
        result
    }

    fn write(&mut self, durability: Durability, jobs: Vec<Queued>) -> MetaResult<Written> {
        let before = self.total_changes();
        match run_group(self, durability, jobs) {
            Ok(results) => Ok(Written { results, changed: self.total_changes() != before }),
            Err(error) => {
                if !self.is_autocommit() {
                    // The next `BEGIN` reports what cannot be rolled back.
                    let _ = self.execute_batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }
}

fn run_group(
    connection: &Connection,
    durability: Durability,
    jobs: Vec<Queued>,
) -> MetaResult<Vec<MetaResult<Output>>> {
    let synchronous = match durability {
        Durability::Now => "FULL",
        Durability::Later => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let results =
        jobs.into_iter().map(|queued| run_job(connection, queued.job)).collect::<Result<_, _>>()?;
    connection.execute_batch("COMMIT")?;
    Ok(results)
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
