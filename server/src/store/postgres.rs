//! The metadata in a PostgreSQL database, which any number of server processes share.
//!
//! Jobs of all processes take effect one after another: the transaction of a group takes one
//! advisory lock first, so a job sees what every job before it did, as with SQLite, and no
//! rule has to be written for a second kind of concurrency. Groups keep that cheap: the jobs
//! that queued up share the lock and the commit. Readers take no lock.
//!
//! Statements that change are sent without waiting for their answers; those are awaited, all
//! at once, when the job reads or ends. What appends ask and change is gathered over the whole group, so
//! that one costs about as many messages as many do (`batch`). Growth of a vault is told to the other
//! processes by `NOTIFY`, in the transaction itself.
//!
//! Every commit waits for the disk. What is to survive later only ([`Durability::Later`]) is what
//! the start of the server recomputes, and the database may fail without a new start of ours.
//!
//! Whether the connection is encrypted, and who is taken for the database, its URL says (`tls`).
//! A commit whose answer was lost is reported as failed, and may have happened: every call can be
//! repeated.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use rand::RngCore as _;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;

use self::batch::run_group;
use self::hear::hear;
use self::link::{Address, Link};
use self::rows::Rows;
use self::tls::DatabaseTlsError;
use super::blob::BlobStoreId;
use super::growth::Question;
use super::meta::{
    Answer, Durability, MetaError, MetaResult, MetaStats, MetaStore, Output, ReadJob, WriteJob,
};
use super::note::Note;
use super::queue::{Queued, Queues, Runner, Written, guarded};

mod batch;
mod burial;
mod closed;
mod ends;
mod factors;
mod fossils;
mod grow;
mod hear;
mod keeping;
mod link;
mod rows;
mod rows_write;
mod sign_ins;
pub mod tables;
pub mod tls;
mod witness;

/// The schema's versions, in order; `schema` counts those applied.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_start.sql"),
    include_str!("../../migrations/postgres/0002_witnessed.sql"),
    include_str!("../../migrations/postgres/0003_closed.sql"),
    include_str!("../../migrations/postgres/0004_contents.sql"),
    include_str!("../../migrations/postgres/0005_admin.sql"),
    include_str!("../../migrations/postgres/0006_second_factor.sql"),
    include_str!("../../migrations/postgres/0007_passkeys.sql"),
    include_str!("../../migrations/postgres/0008_sign_ins.sql"),
    include_str!("../../migrations/postgres/0009_ended.sql"),
];
/// Threads that read, each with its own connection.
const READERS: usize = 4;

/// Begins a transaction, whose turn it is; the number names the lock and nothing else.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(8027148319)";

/// A [`MetaStore`] in a PostgreSQL database. Dropping it ends its threads after what is
/// queued.
pub struct PostgresMeta {
    /// `None` only while dropping.
    queues: Option<Queues>,
    /// Drives the connections; `None` only while dropping.
    runtime: Option<Runtime>,
    address: Address,
    writer: Arc<AtomicI32>,
}

impl PostgresMeta {
    /// Opens the database that a `postgresql://` URL names, and brings its schema up to date.
    pub fn open(url: &str) -> MetaResult<Self> {
        Self::open_by(url, migrate)
    }

    /// Opens a database whose schema is this program's; another is left as it is, since servers
    /// of another version may be using it.
    pub fn open_beside(url: &str) -> MetaResult<Self> {
        Self::open_by(url, require_current)
    }

    fn open_by(url: &str, prepare: fn(&Link) -> MetaResult<()>) -> MetaResult<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        let address = Address::parse(url, runtime.handle().clone())?;
        let writer = Arc::new(AtomicI32::new(0));
        let queues = blocking(|| {
            let link = Link::open(address.for_writes(), Arc::clone(&writer))?;
            prepare(&link)?;
            let reader = |_| Link::open(address.clone(), Arc::default());
            Queues::start(link, (0..READERS).map(reader).collect::<MetaResult<_>>()?)
        });
        match queues {
            Ok(queues) => {
                Ok(Self { queues: Some(queues), runtime: Some(runtime), address, writer })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    fn queues(&self) -> &Queues {
        self.queues.as_ref().expect("taken only while dropping")
    }
}

impl Drop for PostgresMeta {
    fn drop(&mut self) {
        self.queues = None;
        if let Some(runtime) = self.runtime.take() {
            // Waiting is impossible where this may be dropped, and nothing is under way.
            runtime.shutdown_background();
        }
    }
}

impl MetaStore for PostgresMeta {
    fn submit_write(&self, durability: Durability, job: WriteJob) -> Answer {
        self.queues().submit_write(durability, Queued { question: None, job })
    }

    fn submit_append(&self, question: Question, job: WriteJob) -> Answer {
        let queued = Queued { question: Some(Box::new(question)), job };
        self.queues().submit_write(Durability::Now, queued)
    }

    fn submit_read(&self, job: ReadJob) -> Answer {
        self.queues().submit_read(job)
    }

    fn stats(&self) -> MetaStats {
        self.queues().stats()
    }

    fn pair(&self, chunks: &BlobStoreId) -> MetaResult<bool> {
        let sql = "UPDATE server SET chunks = COALESCE(chunks, $1) RETURNING chunks = $1";
        let asked = || {
            let link = Link::open(self.address.clone(), Arc::default())?;
            let row = link.wait(link.client().query_one(sql, &[&&chunks.0[..]]))?;
            Ok(row.try_get(0)?)
        };
        blocking(asked)
    }

    fn listen(&self, told: Box<dyn Fn(Note) + Send + Sync>) {
        let (address, writer) = (self.address.clone(), Arc::clone(&self.writer));
        self.address.runtime.spawn(hear(address, writer, told));
    }
}

impl From<tokio_postgres::Error> for MetaError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(distrust) = DatabaseTlsError::behind(&error) {
            return Self::DatabaseTls(distrust);
        }
        // The first two digits are the class of the failure.
        match error.code().map(|code| (code.code().get(..2).unwrap_or_default(), code)) {
            Some(("23", _)) => Self::Constraint,
            // What a statement divides by to be refused.
            Some((_, code)) if *code == SqlState::DIVISION_BY_ZERO => Self::Constraint,
            Some((_, code)) if *code == SqlState::DISK_FULL => Self::Full,
            Some((_, code)) if *code == SqlState::LOCK_NOT_AVAILABLE => Self::Busy,
            _ => Self::Postgres(error),
        }
    }
}

/// Waits on a thread of its own: the caller may be one of a runtime, which must not.
fn blocking<T: Send>(work: impl FnOnce() -> MetaResult<T> + Send) -> MetaResult<T> {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or(Err(MetaError::Panicked)))
}

/// The schema's version that this program wants.
fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("few migrations")
}

fn require_current(link: &Link) -> MetaResult<()> {
    let (known, client) = (known(), link.client());
    let found = link.wait(async {
        let is_there = "SELECT to_regclass('schema') IS NOT NULL";
        if !client.query_one(is_there, &[]).await?.get::<_, bool>(0) {
            return Ok::<_, tokio_postgres::Error>(0);
        }
        let row = client.query_one("SELECT COUNT(*) FROM schema", &[]).await?;
        Ok(u32::try_from(row.get::<_, i64>(0)).unwrap_or(u32::MAX))
    })?;
    match found.cmp(&known) {
        Ordering::Less => Err(MetaError::TooOld { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(MetaError::TooNew { found, known }),
    }
}

fn migrate(link: &Link) -> MetaResult<()> {
    let (known, client) = (known(), link.client());
    link.wait(async {
        // Processes that start together take turns.
        client.batch_execute(BEGIN).await?;
        client
            .batch_execute("CREATE TABLE IF NOT EXISTS schema (version BIGINT PRIMARY KEY)")
            .await?;
        let row = client.query_one("SELECT COUNT(*) FROM schema", &[]).await?;
        let found = u32::try_from(row.get::<_, i64>(0)).unwrap_or(u32::MAX);
        if found > known {
            return Err(MetaError::TooNew { found, known });
        }
        for (version, sql) in (1u32..).zip(MIGRATIONS).skip(found as usize) {
            client.batch_execute(sql).await?;
            if version == 1 {
                let mut incarnation = [0u8; 16];
                rand::rngs::OsRng.fill_bytes(&mut incarnation);
                let sql = "INSERT INTO server (incarnation) VALUES ($1)";
                client.execute(sql, &[&&incarnation[..]]).await?;
            }
            let sql = "INSERT INTO schema (version) VALUES ($1)";
            client.execute(sql, &[&i64::from(version)]).await?;
        }
        Ok(client.batch_execute("COMMIT").await?)
    })
}

impl Runner for Link {
    fn read(&mut self, job: ReadJob) -> MetaResult<Output> {
        self.mend()?;
        let rows = Rows::over(self).reads_alone();
        rows.send_plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        let result = guarded(|| job(&rows));
        // Nobody has to wait for the end of it; what comes next queues up behind.
        rows.send_plain("ROLLBACK");
        result
    }

    fn write(&mut self, _: Durability, jobs: Vec<Queued>) -> MetaResult<Written> {
        self.mend()?;
        let mut rows = Rows::over(self);
        let written = run_group(&mut rows, jobs);
        if written.is_err() && !self.is_closed() {
            // It may have ended by itself; then this says so and changes nothing.
            self.wait(self.client().batch_execute("ROLLBACK"))?;
        }
        written
    }
}
