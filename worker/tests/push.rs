//! Emptying the outbox against a server in memory that enforces the rules of appending.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is a failure")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use futures_executor::block_on;
use offing_core::id::{ChunkId, DeviceId, Hash, Incarnation, VaultId};
use offing_core::limits;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::proto::{self, AppendResult, Appended, ChunksStored, Code, Refusal, Tip};
use offing_worker::net::{NetError, Remote};
use offing_worker::push::{Ended, Pace, PushError, Report, Step, drain, upload};
use offing_worker::store::chunks::memory::MemoryChunks;
use offing_worker::store::chunks::{ChunkStore, Framed};
use offing_worker::store::memory::{Faults, MemoryStore};
use offing_worker::store::outbox::{self, OutboxItem};
use offing_worker::store::{Batch, Durability, Store, StoreError};
use sha2::{Digest, Sha256};

const VAULT: VaultId = VaultId([7; 32]);
const DEVICE: DeviceId = DeviceId([1; 16]);

/// What happens to the next call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Weather {
    Fine,
    /// Nothing arrives.
    Offline,
    /// The call takes effect, its answer is lost.
    AnswerLost,
}

#[derive(Default)]
struct Server {
    chunks: RefCell<BTreeSet<ChunkId>>,
    log: RefCell<Vec<(u64, Hash)>>,
    chain: Cell<[u8; 32]>,
    /// Weather by number of the call; fine where none is named.
    weather: RefCell<BTreeMap<u32, Weather>>,
    calls: Cell<u32>,
    appends: Cell<u32>,
    chunk_bytes: Cell<usize>,
    epoch: Cell<u32>,
    /// A chunk that this server forgets right after it said that it has it.
    forgets: Cell<Option<ChunkId>>,
}

impl Server {
    fn weather(&self) -> Weather {
        self.calls.set(self.calls.get() + 1);
        self.weather.borrow().get(&self.calls.get()).copied().unwrap_or(Weather::Fine)
    }

    fn with<T>(&self, call: impl FnOnce() -> Result<T, NetError>) -> Result<T, NetError> {
        match self.weather() {
            Weather::Fine => call(),
            Weather::Offline => Err(NetError::Offline),
            Weather::AnswerLost => call().and(Err(NetError::TimedOut)),
        }
    }

    fn append_one(&self, bytes: &[u8]) -> AppendResult {
        let Ok(entry) = Entry::decode(bytes) else {
            return AppendResult::Malformed;
        };
        let Ok(header) = Header::decode(&entry.header) else {
            return AppendResult::Malformed;
        };
        let hash = entry.hash();
        let mut log = self.log.borrow_mut();
        if let Some(index) = log.iter().position(|(dseq, _)| *dseq == header.dseq) {
            let same = log[index].1 == hash;
            let dup = AppendResult::Dup { seq: index as u64 + 1 };
            return if same { dup } else { AppendResult::DeviceFork };
        }
        let (last_dseq, last_hash) = log.last().copied().unwrap_or((0, Hash([0; 32])));
        if header.dseq != last_dseq + 1 || header.prev != last_hash {
            return AppendResult::DeviceFork;
        }
        if header.epoch != self.epoch.get() {
            return AppendResult::EpochStale;
        }
        let chunks = self.chunks.borrow();
        let ids: Vec<_> = header.chunks.iter().filter(|id| !chunks.contains(id)).copied().collect();
        if !ids.is_empty() {
            return AppendResult::Missing { ids };
        }
        log.push((header.dseq, hash));
        let seq = log.len() as u64;
        let before = ChainPoint { seq: seq - 1, chain: Hash(self.chain.get()) };
        let chain = before.extend(&hash).chain;
        self.chain.set(chain.0);
        AppendResult::Ok { seq, chain }
    }

    fn tip(&self) -> Tip {
        Tip {
            seq: self.log.borrow().len() as u64,
            chain: Hash(self.chain.get()),
            incarnation: Incarnation([3; 16]),
        }
    }
}

impl Remote for Server {
    async fn have(&self, _: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError> {
        assert!(ids.len() <= limits::HAVE_IDS_MAX && !ids.is_empty());
        self.with(|| {
            let held = ids.iter().map(|id| self.chunks.borrow().contains(id)).collect();
            if let Some(id) = self.forgets.take() {
                self.chunks.borrow_mut().remove(&id);
            }
            Ok(held)
        })
    }

    async fn put_chunks(&self, _: VaultId, batch: &Framed) -> Result<ChunksStored, NetError> {
        let Framed::Bytes(batch) = batch;
        self.with(|| {
            let mut reader = proto::Reader::new(batch);
            let mut stored = 0;
            while !reader.rest().is_empty() {
                let id = ChunkId(reader.array().unwrap());
                let bytes = reader.lp(limits::CHUNK_SEALED_BYTES_MAX).unwrap();
                if id != id_of(bytes) {
                    let refusal = Refusal { code: Code::ChunkMismatch, retry_after_ms: None };
                    return Err(NetError::Refused { status: 400, refusal });
                }
                self.chunk_bytes.set(self.chunk_bytes.get() + bytes.len());
                self.chunks.borrow_mut().insert(id);
                stored += 1;
            }
            assert!(stored > 0 && stored <= limits::CHUNK_BATCH_MAX as u32);
            assert!(batch.len() <= limits::CHUNK_BATCH_BYTES_MAX);
            Ok(ChunksStored { stored })
        })
    }

    async fn append(&self, _: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        self.appends.set(self.appends.get() + 1);
        self.with(|| {
            assert!(entries.len() <= limits::APPEND_BYTES_MAX);
            let entries = proto::decode_append(entries).unwrap();
            let mut failed = false;
            let mut results = Vec::new();
            for entry in entries {
                let result = if failed { AppendResult::Skipped } else { self.append_one(entry) };
                failed |= !matches!(result, AppendResult::Ok { .. } | AppendResult::Dup { .. });
                results.push(result);
            }
            Ok(Appended { tip: self.tip(), results })
        })
    }
}

fn id_of(bytes: &[u8]) -> ChunkId {
    ChunkId(Sha256::digest(bytes).into())
}

/// A device with an outbox.
struct Phone {
    store: MemoryStore,
    chunks: MemoryChunks,
    dseq: Cell<u64>,
    prev: Cell<[u8; 32]>,
}

impl Phone {
    fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            chunks: MemoryChunks::new(),
            dseq: Cell::new(0),
            prev: Cell::new([0; 32]),
        }
    }

    fn keeps_chunk(&self, seed: u32, len: usize) -> ChunkId {
        let mut bytes = vec![0; len];
        bytes[..4].copy_from_slice(&seed.to_be_bytes());
        let id = id_of(&bytes);
        block_on(self.chunks.put(id, &bytes)).unwrap();
        id
    }

    fn writes(&self, chunks: &[ChunkId], body_bytes: usize) {
        self.dseq.set(self.dseq.get() + 1);
        let header = Header {
            kind: EntryKind::Change,
            vault: Some(VAULT),
            device: DEVICE,
            dseq: self.dseq.get(),
            prev: Hash(self.prev.get()),
            seen_seq: 0,
            seen_chain: Hash([0; 32]),
            epoch: 0,
            streams: vec![],
            chunks: chunks.to_vec(),
        };
        let body = vec![self.dseq.get() as u8; body_bytes];
        let entry = Entry { header: header.encode(), signature: [0; 64], body };
        self.prev.set(entry.hash().0);
        let bytes = entry.encode();
        let item = OutboxItem {
            device: DEVICE,
            dseq: self.dseq.get(),
            entry_bytes: bytes.len() as u32,
            chunks: chunks.to_vec(),
            created_ms: 0,
        };
        let mut batch = Batch::new();
        outbox::enqueue(&mut batch, &VAULT, &item, &bytes);
        block_on(self.store.write(batch, Durability::Strict)).unwrap();
    }

    fn pushes(&self, server: &Server) -> Result<Report, PushError> {
        let mut observe = |_: &Step| ControlFlow::Continue(());
        block_on(drain(VAULT, &self.store, &self.chunks, server, &Pace::default(), &mut observe))
    }

    fn waiting(&self) -> u64 {
        block_on(outbox::count_unacknowledged(&self.store, &VAULT)).unwrap()
    }
}

#[test]
fn an_empty_outbox_asks_the_server_nothing() {
    let (phone, server) = (Phone::new(), Server::default());
    let report = phone.pushes(&server).unwrap();
    assert_eq!(report, Report { ended: Ended::Drained, acked: 0, sent_bytes: 0, tip: None });
    assert_eq!(server.calls.get(), 0);
}

#[test]
fn everything_arrives_in_order_and_stays_until_the_log_has_it() {
    let (phone, server) = (Phone::new(), Server::default());
    for number in 0..200 {
        let chunk = phone.keeps_chunk(number, 100);
        phone.writes(&[chunk], 10);
    }
    let report = phone.pushes(&server).unwrap();
    assert_eq!((report.ended, report.acked), (Ended::Drained, 200));
    assert_eq!(report.tip, Some(server.tip()));
    assert_eq!(server.log.borrow().len(), 200);
    assert_eq!(phone.waiting(), 0);
    assert_eq!(block_on(outbox::count(&phone.store, &VAULT)), Ok(200));
    // Four appends of 64 at most, and for each one `have` and one or two batches.
    assert_eq!(server.appends.get(), 4);
    assert!(server.calls.get() <= 16, "{} calls", server.calls.get());
}

#[test]
fn chunks_that_the_server_has_are_not_sent_again() {
    let (phone, server) = (Phone::new(), Server::default());
    let (held, fresh) = (phone.keeps_chunk(1, 50_000), phone.keeps_chunk(2, 100));
    server.chunks.borrow_mut().insert(held);
    phone.writes(&[held, fresh, held], 10);
    phone.pushes(&server).unwrap();
    assert_eq!(server.chunk_bytes.get(), 100);
}

#[test]
fn whatever_call_fails_the_next_push_finishes_and_nothing_is_doubled() {
    for weather in [Weather::Offline, Weather::AnswerLost] {
        for call in 1..=12 {
            let (phone, server) = (Phone::new(), Server::default());
            for number in 0..70 {
                let chunk = phone.keeps_chunk(number, 90_000);
                phone.writes(&[chunk], 10);
            }
            server.weather.borrow_mut().insert(call, weather);
            match phone.pushes(&server) {
                Ok(report) => assert_eq!(report.ended, Ended::Drained),
                Err(PushError::Net(error)) => assert!(error.is_offline()),
                Err(error) => panic!("{error}"),
            }
            assert_eq!(phone.pushes(&server).unwrap().ended, Ended::Drained);
            assert_eq!(phone.waiting(), 0);
            assert_eq!(server.log.borrow().len(), 70, "{weather:?} at call {call}");
        }
    }
}

#[test]
fn an_append_never_exceeds_its_bytes() {
    let (phone, server) = (Phone::new(), Server::default());
    for _ in 0..7 {
        phone.writes(&[], 3 * 1024 * 1024);
    }
    assert_eq!(phone.pushes(&server).unwrap().acked, 7);
    assert_eq!(server.appends.get(), 4);
}

#[test]
fn large_chunks_travel_in_batches_within_the_limit() {
    let (phone, server) = (Phone::new(), Server::default());
    let ids: Vec<_> =
        (0..6).map(|seed| phone.keeps_chunk(seed, limits::CHUNK_SEALED_BYTES_MAX)).collect();
    phone.writes(&ids, 10);
    let report = phone.pushes(&server).unwrap();
    assert!(report.sent_bytes > 6 * 4 * 1024 * 1024);
    assert_eq!(server.chunks.borrow().len(), 6);
}

#[test]
fn a_chunk_that_went_missing_meanwhile_is_sent_again() {
    let (phone, server) = (Phone::new(), Server::default());
    let chunk = phone.keeps_chunk(1, 100);
    server.chunks.borrow_mut().insert(chunk);
    server.forgets.set(Some(chunk));
    phone.writes(&[chunk], 10);
    assert_eq!(phone.pushes(&server).unwrap().ended, Ended::Drained);
    assert_eq!(server.log.borrow().len(), 1);
}

#[test]
fn a_chunk_that_nobody_has_stops_the_push_and_is_named() {
    let (phone, server) = (Phone::new(), Server::default());
    phone.writes(&[], 10);
    let chunk = phone.keeps_chunk(1, 100);
    block_on(phone.chunks.delete(chunk)).unwrap();
    phone.writes(&[chunk], 10);
    phone.writes(&[], 10);
    let ended = phone.pushes(&server).unwrap().ended;
    assert_eq!(ended, Ended::ChunksLost { dseq: Some(2), ids: vec![chunk] });
    assert_eq!(server.log.borrow().len(), 1, "what came before it is not held up");
    assert_eq!(phone.waiting(), 2);
}

#[test]
fn a_torn_chunk_is_refused_and_loses_nothing() {
    let (phone, server) = (Phone::new(), Server::default());
    let chunk = phone.keeps_chunk(1, 100);
    phone.chunks.tear(chunk, 50);
    phone.writes(&[chunk], 10);
    let error = phone.pushes(&server).unwrap_err();
    assert!(matches!(error, PushError::Net(error) if error.code() == Some(Code::ChunkMismatch)));
    assert_eq!(phone.waiting(), 1);
}

#[test]
fn an_entry_that_is_refused_holds_up_those_after_it_and_keeps_those_before() {
    let (phone, server) = (Phone::new(), Server::default());
    phone.writes(&[], 10);
    phone.writes(&[], 10);
    phone.pushes(&server).unwrap();
    server.epoch.set(1);
    phone.writes(&[], 10);
    phone.writes(&[], 10);
    let ended = phone.pushes(&server).unwrap().ended;
    assert_eq!(ended, Ended::Refused { dseq: 3, result: AppendResult::EpochStale });
    assert_eq!(phone.waiting(), 2);
}

#[test]
fn a_store_that_fails_at_the_ack_costs_only_a_repeated_answer() {
    let (phone, server) = (Phone::new(), Server::default());
    phone.writes(&[], 10);
    phone.store.inject(Faults { after_writes: 0, error: Some(StoreError::Full) });
    assert_eq!(phone.pushes(&server), Err(PushError::Store(StoreError::Full)));
    phone.store.inject(Faults::default());
    assert_eq!(phone.pushes(&server).unwrap().acked, 1);
    assert_eq!(server.log.borrow().len(), 1);
}

#[test]
fn the_observer_hears_each_step_and_can_stop_between_them() {
    let (phone, server) = (Phone::new(), Server::default());
    let chunk = phone.keeps_chunk(1, 100);
    phone.writes(&[chunk], 10);
    let mut heard = Vec::new();
    let mut observe = |step: &Step| {
        heard.push(step.clone());
        ControlFlow::Break(())
    };
    let report = block_on(drain(
        VAULT,
        &phone.store,
        &phone.chunks,
        &server,
        &Pace::default(),
        &mut observe,
    ));
    assert_eq!(report.unwrap().ended, Ended::Stopped);
    assert_eq!(heard, [Step::Stored { ids: vec![chunk], sent_bytes: 136 }]);
    assert_eq!(phone.waiting(), 1);
    assert_eq!(phone.pushes(&server).unwrap().ended, Ended::Drained);
}

#[test]
fn chunks_can_go_ahead_of_their_entry() {
    let (phone, server) = (Phone::new(), Server::default());
    let ids: Vec<_> = (0..2_500).map(|seed| phone.keeps_chunk(seed, 64)).collect();
    let mut observe = |_: &Step| ControlFlow::Continue(());
    let ended = block_on(upload(
        VAULT,
        &ids,
        &phone.store,
        &phone.chunks,
        &server,
        &Pace::default(),
        &mut observe,
    ));
    assert_eq!(ended, Ok(Ended::Drained));
    assert_eq!(server.chunks.borrow().len(), 2_500);
}

/// A server that answers what no honest one does.
struct Liar(Appended);

impl Remote for Liar {
    async fn have(&self, _: VaultId, ids: &[ChunkId]) -> Result<Vec<bool>, NetError> {
        Ok(vec![true; ids.len()])
    }

    async fn put_chunks(&self, _: VaultId, _: &Framed) -> Result<ChunksStored, NetError> {
        Ok(ChunksStored { stored: 0 })
    }

    async fn append(&self, _: VaultId, _: &[u8]) -> Result<Appended, NetError> {
        Ok(self.0.clone())
    }
}

#[test]
fn answers_that_make_no_sense_acknowledge_nothing() {
    let tip = Tip { seq: 5, chain: Hash([0; 32]), incarnation: Incarnation([0; 16]) };
    let lies = [
        vec![],
        vec![AppendResult::Dup { seq: 3 }],
        vec![AppendResult::Dup { seq: 3 }, AppendResult::Dup { seq: 3 }],
        vec![AppendResult::Dup { seq: 3 }, AppendResult::Dup { seq: 6 }],
        vec![AppendResult::Dup { seq: 0 }, AppendResult::Dup { seq: 1 }],
        vec![AppendResult::Skipped, AppendResult::Skipped],
        vec![AppendResult::EpochStale, AppendResult::Dup { seq: 1 }],
    ];
    for results in lies {
        let phone = Phone::new();
        phone.writes(&[], 1);
        phone.writes(&[], 1);
        let liar = Liar(Appended { tip, results: results.clone() });
        let mut observe = |_: &Step| ControlFlow::Continue(());
        let report = block_on(drain(
            VAULT,
            &phone.store,
            &phone.chunks,
            &liar,
            &Pace::default(),
            &mut observe,
        ));
        assert_eq!(report, Err(PushError::Net(NetError::Malformed)), "{results:?}");
        assert_eq!(phone.waiting(), 2, "{results:?}");
    }
}
