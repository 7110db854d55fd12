//! A device's disk: the memory stores, made slow, failing, full, or cut from their power.
//!
//! Calm, it is the memory store and nothing else. A simulation gives it a temper: then every
//! call takes a while, so that others run in between and a tab can be killed between any two
//! of them, and calls fail as a browser's storage does. A batch is whole or not there in all
//! cases. [`Temper::tears`] stops everything in the middle of a chunk, as a power cut does. With
//! [`Disk::fears_power_cuts`] it also remembers what has not been flushed: a cut takes back relaxed
//! writes, the later ones first, and never a strict one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::ops::Range as Bytes;
use std::rc::Rc;
use std::task::Poll;

use offing_core::crypto::native::ready;
use offing_core::id::ChunkId;
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::chunks::memory::MemoryChunks;
use offing_worker::store::memory::MemoryStore;
use offing_worker::store::{Batch, Direction, Durability, Range, Row, Store, StoreError, Table};
use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::executor::Executor;

/// A fault that comes and goes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How many calls succeed before it.
    pub after: u32,
    /// How many calls fail then.
    pub calls: u32,
    /// Whether reading fails too.
    pub reads: bool,
    /// What they answer.
    pub error: StoreError,
}

/// How the stores of one profile behave.
#[derive(Default)]
pub struct Temper {
    mood: RefCell<Option<Mood>>,
    /// Calls take effect in the order in which they were made, as in IndexedDB. This lock is
    /// fair.
    turn: Mutex<()>,
    /// Calls have failed.
    struck: Cell<bool>,
    /// The next chunk is left torn.
    tears: Cell<bool>,
    torn: Notify,
    /// How many chunks were left torn.
    torn_count: Cell<u32>,
}

struct Mood {
    executor: Executor,
    rng: StdRng,
    delay_ms_max: u64,
    trouble: Option<Trouble>,
}

/// What is asked of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Read,
    Write,
}

impl Temper {
    /// From now on calls take up to so many milliseconds.
    pub fn begins(&self, executor: Executor, rng: StdRng, delay_ms_max: u64) {
        *self.mood.borrow_mut() = Some(Mood { executor, rng, delay_ms_max, trouble: None });
    }

    /// Makes trouble, or ends it.
    pub fn troubles(&self, trouble: Option<Trouble>) {
        if let Some(mood) = &mut *self.mood.borrow_mut() {
            mood.trouble = trouble;
        }
    }

    /// In the middle of the next chunk that is put everything stops, or not any more.
    pub fn tears(&self, tears: bool) {
        self.tears.set(tears);
    }

    /// Waits until everything has stopped so; nothing goes on before the browser is killed.
    pub async fn stops(&self) {
        self.torn.notified().await;
    }

    /// How many chunks were left torn.
    pub fn torn_count(&self) -> u32 {
        self.torn_count.get()
    }

    /// What is left of a chunk in the middle of which the power is lost: too short, or long
    /// enough and without its end.
    fn half(&self, bytes: &[u8]) -> Vec<u8> {
        let mut mood = self.mood.borrow_mut();
        let rng = &mut mood.as_mut().expect("only a temper tears").rng;
        let mut half = bytes[..rng.gen_range(1..bytes.len())].to_vec();
        if rng.gen_bool(0.5) {
            half.resize(bytes.len(), 0);
        }
        half
    }

    /// Says whether calls fail, or soon will.
    pub fn is_troubled(&self) -> bool {
        self.mood.borrow().as_ref().is_some_and(|mood| mood.trouble.is_some())
    }

    /// Says whether calls have failed.
    pub fn has_struck(&self) -> bool {
        self.struck.get()
    }

    /// Lets others run first.
    async fn pause(&self) {
        let sleep = {
            let mut mood = self.mood.borrow_mut();
            let Some(mood) = &mut *mood else {
                return;
            };
            let delay_ms = mood.rng.gen_range(0..=mood.delay_ms_max);
            (delay_ms > 0).then(|| (mood.executor.clone(), delay_ms))
        };
        match sleep {
            Some((executor, delay_ms)) => executor.sleep(delay_ms).await,
            None => give_way().await,
        }
    }

    /// Waits until it is a call's turn, and a while more; says whether it fails.
    async fn begins_call(&self, asked: Asked) -> Result<MutexGuard<'_, ()>, StoreError> {
        let turn = self.turn.lock().await;
        self.pause().await;
        self.fails(asked).map(|()| turn)
    }

    fn fails(&self, asked: Asked) -> Result<(), StoreError> {
        let mut mood = self.mood.borrow_mut();
        let Some(trouble) = mood.as_mut().and_then(|mood| mood.trouble.as_mut()) else {
            return Ok(());
        };
        if asked == Asked::Read && !trouble.reads {
            return Ok(());
        }
        if trouble.after > 0 {
            trouble.after -= 1;
            return Ok(());
        }
        self.struck.set(true);
        let error = trouble.error.clone();
        trouble.calls = trouble.calls.saturating_sub(1);
        if trouble.calls == 0
            && let Some(mood) = &mut *mood
        {
            mood.trouble = None;
        }
        Err(error)
    }
}

/// Returns when everybody else who is ready has had a turn.
async fn give_way() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The tables, as the replica reaches them.
#[derive(Clone, Default)]
pub struct Disk {
    memory: MemoryStore,
    temper: Rc<Temper>,
    flushed: Rc<RefCell<Option<Flushed>>>,
}

/// What a power cut leaves.
struct Flushed {
    store: MemoryStore,
    /// Relaxed writes since the last strict one, oldest first.
    later: Vec<Batch>,
}

impl Disk {
    /// A disk over a store.
    pub fn new(memory: MemoryStore, temper: Rc<Temper>) -> Self {
        Self { memory, temper, flushed: Rc::default() }
    }

    /// Remembers from now on what was flushed.
    pub fn fears_power_cuts(&self) {
        let store = MemoryStore::new();
        fill(&store, &self.memory);
        *self.flushed.borrow_mut() = Some(Flushed { store, later: Vec::new() });
    }

    /// The power is cut: of the writes that were not flushed, `kept` survive. Says how many
    /// did not.
    pub fn loses_power(&self, kept: usize) -> usize {
        let mut flushed = self.flushed.borrow_mut();
        let Some(flushed) = &mut *flushed else {
            return 0;
        };
        let lost = flushed.later.len().saturating_sub(kept);
        for batch in flushed.later.drain(..).take(kept) {
            write(&flushed.store, batch);
        }
        fill(&self.memory, &flushed.store);
        lost
    }

    /// How many writes a power cut could take back.
    pub fn unflushed(&self) -> usize {
        self.flushed.borrow().as_ref().map_or(0, |flushed| flushed.later.len())
    }
}

fn write(store: &MemoryStore, batch: Batch) {
    ready(store.write(batch, Durability::Strict)).unwrap();
}

/// Makes one store what another is.
fn fill(store: &MemoryStore, from: &MemoryStore) {
    let mut batch = Batch::new();
    for table in Table::ALL {
        batch.delete_range(table, Range::all());
        let rows = ready(from.scan(table, &Range::all(), 0, u32::MAX, Direction::Forward));
        for (key, value) in rows.unwrap() {
            batch.put(table, key, value);
        }
    }
    write(store, batch);
}

impl Store for Disk {
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.get_many(table, keys).await
    }

    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.scan(table, range, skip, limit, direction).await
    }

    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.scan_keys_many(table, ranges).await
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.count(table, range).await
    }

    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let turn = self.temper.begins_call(Asked::Write).await?;
        self.memory.write(batch.clone(), durability).await?;
        if let Some(flushed) = &mut *self.flushed.borrow_mut() {
            flushed.later.push(batch);
            if durability == Durability::Strict {
                flushed.later.drain(..).for_each(|batch| write(&flushed.store, batch));
            }
        }
        drop(turn);
        // A tab may be killed when its write is done and it does not know yet.
        self.temper.pause().await;
        Ok(())
    }
}

/// The chunks, as the replica reaches them.
#[derive(Clone, Default)]
pub struct Shelf {
    memory: MemoryChunks,
    temper: Rc<Temper>,
    /// What was taken from it.
    removed: RefCell<BTreeSet<ChunkId>>,
}

impl Shelf {
    /// A shelf over chunks.
    pub fn new(memory: MemoryChunks, temper: Rc<Temper>) -> Self {
        Self { memory, temper, removed: RefCell::default() }
    }

    /// Says whether the replica has ever removed a chunk.
    pub fn has_removed(&self, id: ChunkId) -> bool {
        self.removed.borrow().contains(&id)
    }
}

impl ChunkStore for Shelf {
    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        let turn = self.temper.begins_call(Asked::Write).await?;
        let whole = self.memory.get_all(id).await?.is_some_and(|held| held == bytes);
        if !whole && self.temper.tears.replace(false) {
            self.memory.delete(id).await?;
            self.memory.put(id, &self.temper.half(bytes)).await?;
            self.temper.torn_count.set(self.temper.torn_count.get() + 1);
            self.temper.torn.notify_one();
            return pending().await;
        }
        self.memory.put(id, bytes).await?;
        drop(turn);
        self.temper.pause().await;
        Ok(())
    }

    async fn get(&self, id: ChunkId, range: Bytes<u64>) -> Result<Vec<u8>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.get(id, range).await
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.len(id).await
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        let _turn = self.temper.begins_call(Asked::Write).await?;
        self.removed.borrow_mut().insert(id);
        self.memory.delete(id).await
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        let _turn = self.temper.begins_call(Asked::Read).await?;
        self.memory.list().await
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        self.memory.usage().await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.memory.clear().await
    }
}
