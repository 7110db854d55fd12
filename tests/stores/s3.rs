//! Chunk bytes in S3.

use std::io;
use std::io::Read as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use offing_core::id::{ChunkId, VaultId};
use offing_server::store::blob::{BlobError, BlobStore, PIECE_BYTES, Remote};
use offing_server::store::conformance::BLOB_CLAIMS;
use offing_server::store::meta::Location;
use offing_server::store::s3::{S3Address, S3Options, S3Store};
use offing_tests::engines::s3::S3;

const VAULT: VaultId = VaultId([2; 32]);

fn small() -> S3Options {
    S3Options { rotate_bytes: 1500 }
}

/// A line to the server that can be put out of order.
struct Line {
    address: S3Address,
    fault: Arc<Mutex<Fault>>,
    /// Connections that were made.
    made: Arc<AtomicUsize>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Each connection ends after so many bytes of answers.
    Breaks { after_bytes: u64 },
    /// On the next connection nothing ever comes.
    StallsOnce,
}

const NONE: Fault = Fault::Breaks { after_bytes: u64::MAX };
const CUT: Fault = Fault::Breaks { after_bytes: 0 };

impl Line {
    fn to(far: &S3Address, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (scheme, rest) = far.url.split_once("//").unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let url = format!("{scheme}//{}/{path}", listener.local_addr().unwrap());
        let address = S3Address { url, ..far.clone() };
        let line = Self { address, fault: Arc::new(Mutex::new(fault)), made: Arc::default() };
        let (server, fault, made) = (server.to_owned(), line.fault.clone(), line.made.clone());
        thread::spawn(move || {
            let mut stalled = Vec::new();
            for near in listener.incoming() {
                let near = near.unwrap();
                made.fetch_add(1, Ordering::SeqCst);
                let mut fault = fault.lock().unwrap();
                match *fault {
                    Fault::Breaks { after_bytes } => {
                        // The server goes when the test is done.
                        let Ok(far) = TcpStream::connect(&server) else { return };
                        thread::spawn(move || join(&near, far, after_bytes));
                    }
                    Fault::StallsOnce => {
                        *fault = NONE;
                        stalled.push(near);
                    }
                }
            }
        });
        line
    }

    /// Connections from now on are like this.
    fn becomes(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

/// Carries questions to the server, and so many bytes of its answers back.
fn join(near: &TcpStream, far: TcpStream, after_bytes: u64) {
    let (questions, answers) = (near.try_clone(), far.try_clone());
    thread::spawn(move || io::copy(&mut questions.unwrap(), &mut &far));
    let answers = answers.unwrap();
    io::copy(&mut (&answers).take(after_bytes), &mut &*near).ok();
    near.shutdown(Shutdown::Both).ok();
    answers.shutdown(Shutdown::Both).ok();
}

/// The pieces of a chunk, as a task reads them.
fn pieces(store: &S3Store, at: Location) -> Result<Vec<Bytes>, BlobError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let range = at.offset..at.offset + u64::from(at.len);
    runtime.block_on(store.reader().pieces(at.segment, range).try_collect())
}

#[test]
fn a_read_that_breaks_off_goes_on_from_there_and_not_for_ever() {
    let server = S3::start();
    let address = server.address("breaking");
    let mut store = S3Store::open(&address, S3Options::default()).unwrap();
    let chunk: Vec<u8> = (0..900_000_u32).map(|at| (at % 251) as u8).collect();
    let at = store.write(&VAULT, &ChunkId([1; 32]), &chunk).unwrap();
    store.sync().unwrap();
    for after_bytes in [u64::MAX, 150_000] {
        let line = Line::to(&address, Fault::Breaks { after_bytes });
        let read = pieces(&S3Store::open(&line.address, small()).unwrap(), at).unwrap();
        let lengths: Vec<usize> = read.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 900_000 - 3 * PIECE_BYTES]);
        assert_eq!(read.concat(), chunk);
    }
    let hopeless = Line::to(&address, Fault::Breaks { after_bytes: 20_000 });
    let refused = pieces(&S3Store::open(&hopeless.address, small()).unwrap(), at);
    assert!(matches!(refused, Err(BlobError::Io(_))), "{refused:?}");
}

#[test]
fn a_read_whose_first_call_stalls_is_answered_by_a_second_soon() {
    let server = S3::start();
    let line = Line::to(&server.address("stalling"), NONE);
    let mut store = S3Store::open(&line.address, small()).unwrap();
    let at = store.write(&VAULT, &ChunkId([1; 32]), &[1; 100]).unwrap();
    store.sync().unwrap();
    line.becomes(Fault::StallsOnce);
    assert_eq!(pieces(&store, at).unwrap(), [vec![1; 100]]);
    let expected = Remote { second_asks: 1, second_firsts: 1, is_away: false };
    assert_eq!(store.reader().remote(), expected);
}

#[test]
fn a_store_that_is_away_is_not_asked_after_some_failures_and_found_again() {
    let server = S3::start();
    let line = Line::to(&server.address("away"), NONE);
    let mut store = S3Store::open(&line.address, small()).unwrap();
    let kept = store.write(&VAULT, &ChunkId([1; 32]), &[1; 100]).unwrap();
    store.sync().unwrap();
    line.becomes(CUT);
    let refused = pieces(&store, kept);
    assert!(matches!(refused, Err(BlobError::Away { .. })), "{refused:?}");
    assert!(store.reader().remote().is_away);
    let connections = line.connections();
    let refused = pieces(&store, kept);
    assert!(matches!(refused, Err(BlobError::Away { .. })), "{refused:?}");
    // What is put now is not there, and whoever waits for it hears that.
    let lost = store.write(&VAULT, &ChunkId([2; 32]), &[2; 100]).unwrap();
    let refused = store.sync();
    assert!(matches!(refused, Err(BlobError::Away { .. })), "{refused:?}");
    assert_eq!(line.connections(), connections);
    line.becomes(NONE);
    // Who may block waits until it is asked again.
    let mut bytes = [0; 100];
    store.reader().read_at(kept.segment, kept.offset, &mut bytes).unwrap();
    assert_eq!(bytes, [1; 100]);
    assert!(!store.reader().remote().is_away);
    let next = store.write(&VAULT, &ChunkId([2; 32]), &[2; 100]).unwrap();
    store.sync().unwrap();
    assert_ne!(next.segment, lost.segment);
    assert_eq!(pieces(&store, next).unwrap(), [vec![2; 100]]);
    let gone = pieces(&store, lost);
    assert!(matches!(gone, Err(BlobError::SegmentGone { .. })), "{gone:?}");
}

#[test]
fn s3_blobs_conform() {
    let server = S3::start();
    for (number, claim) in BLOB_CLAIMS.iter().enumerate() {
        let address = server.address(&format!("claim-{number}"));
        claim(&mut S3Store::open(&address, small()).unwrap());
    }
}

#[test]
fn two_processes_never_write_one_segment_and_are_one_store() {
    let server = S3::start();
    let address = server.address("shared");
    let open = || S3Store::open(&address, small()).unwrap();
    let (mut one, mut other) = (open(), open());
    assert_eq!(one.id(), other.id());
    let mut written = Vec::new();
    for byte in 0..20 {
        for store in [&mut one, &mut other] {
            let at = store.write(&VAULT, &ChunkId([byte; 32]), &[byte; 100]).unwrap();
            store.sync().unwrap();
            written.push((at, byte));
        }
    }
    let mut segments: Vec<u32> = written.iter().map(|(at, _)| at.segment).collect();
    segments.sort_unstable();
    segments.dedup();
    assert_eq!(segments.len(), written.len());
    assert_eq!(other.segments().unwrap(), segments);
    for (at, byte) in written {
        let mut bytes = [0; 100];
        other.reader().read_at(at.segment, at.offset, &mut bytes).unwrap();
        assert_eq!(bytes, [byte; 100]);
    }
    // What is removed twice is gone once.
    one.remove(segments[0]).unwrap();
    other.remove(segments[0]).unwrap();
    let gone = other.reader().read_at(segments[0], 20, &mut [0; 4]);
    assert!(matches!(gone, Err(BlobError::SegmentGone { .. })));
}

#[test]
fn a_put_that_fails_loses_what_it_put_and_nothing_else() {
    let server = S3::start();
    let mut store = S3Store::open(&server.address("failing"), small()).unwrap();
    let first = store.write(&VAULT, &ChunkId([1; 32]), &[1; 100]).unwrap();
    store.sync().unwrap();
    // Somebody who keeps no rules has put another object there.
    let lost = store.write(&VAULT, &ChunkId([2; 32]), &[2; 100]).unwrap();
    let name = format!("failing/segments/{:010}", lost.segment);
    std::fs::write(server.file(&name), b"not ours").unwrap();
    assert!(matches!(store.sync(), Err(BlobError::NotOurs { .. })));
    assert_eq!(std::fs::read(server.file(&name)).unwrap(), b"not ours");
    let next = store.write(&VAULT, &ChunkId([2; 32]), &[2; 100]).unwrap();
    store.sync().unwrap();
    assert_ne!(next.segment, lost.segment);
    for (at, byte) in [(first, 1), (next, 2)] {
        let mut bytes = [0; 100];
        store.reader().read_at(at.segment, at.offset, &mut bytes).unwrap();
        assert_eq!(bytes, [byte; 100]);
    }
}

#[test]
fn a_wrong_key_and_a_wrong_address_are_refused_at_the_start() {
    let server = S3::start();
    let address = server.address("refused");
    let wrong = S3Address { secret_key: "another".to_owned(), ..address.clone() };
    let refused = S3Store::open(&wrong, small()).map(drop);
    assert!(matches!(refused, Err(BlobError::Refused { .. })), "{refused:?}");
    let nowhere = S3Address { url: "bucket".to_owned(), ..address };
    let refused = S3Store::open(&nowhere, small()).map(drop);
    assert!(matches!(refused, Err(BlobError::Address { .. })), "{refused:?}");
}
