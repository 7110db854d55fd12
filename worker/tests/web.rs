//! The browser's side of the worker in headless Chromium, in a dedicated worker: the
//! stores' conformance, WebCrypto, locks, streams.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is a failure")]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Array;
use offing_core::crypto::frames::Span;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::{CryptoError, PublicKey};
use offing_core::id::ChunkId;
use offing_core::limits::FRAME_PLAIN_BYTES;
use offing_core::vectors::check_file;
use offing_worker::platform::locks::{Lock, Mode, Wait};
use offing_worker::platform::stream::{Source, readable};
use offing_worker::platform::webcrypto::WebCrypto;
use offing_worker::platform::{clock, files, js, random, timer};
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::chunks::idb::IdbChunks;
use offing_worker::store::chunks::opfs::OpfsChunks;
use offing_worker::store::idb::IdbStore;
use offing_worker::store::keys::KeyStore;
use offing_worker::store::local::{self, LocalChunks};
use offing_worker::store::{
    Batch, Direction, Durability, Range, Store, StoreError, Table, conformance,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A name that no other test uses.
fn fresh_name() -> String {
    random::array::<8>().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn fresh_store() -> IdbStore {
    IdbStore::open(&fresh_name()).await.unwrap()
}

#[wasm_bindgen_test]
async fn the_indexeddb_store_conforms() {
    let (store, other) = (fresh_store().await, fresh_store().await);
    conformance::run(&store, &other).await;
    store.destroy().await.unwrap();
    other.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn two_connections_are_one_store() {
    let one = fresh_store().await;
    let two = IdbStore::open(one.name()).await.unwrap();
    conformance::shared(&one, &two).await;
    two.close();
    one.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_closed_connection_opens_again_with_everything_in_it() {
    let store = fresh_store().await;
    let mut batch = Batch::new();
    batch.put(Table::Meta, *b"kept", *b"value");
    store.write(batch, Durability::Strict).await.unwrap();
    store.close();
    assert_eq!(store.get(Table::Meta, b"kept").await, Ok(Some(b"value".to_vec())));
    store.destroy().await.unwrap();
}

/// Makes the next call to open a database one that is never answered.
fn leave_the_next_opening_unanswered() {
    let body = "const proto = IDBFactory.prototype;
         const { open } = proto;
         proto.open = () => {
             proto.open = open;
             return new EventTarget();
         };";
    js_sys::Function::new_no_args(body).call0(&JsValue::NULL).unwrap();
}

#[wasm_bindgen_test]
async fn an_opening_that_is_never_answered_is_asked_for_again() {
    leave_the_next_opening_unanswered();
    let store = fresh_store().await;
    assert_eq!(store.count(Table::Meta, &Range::all()).await, Ok(0));
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn an_opening_that_nobody_waits_for_any_more_holds_up_no_other() {
    let name = fresh_name();
    assert!(timer::within_ms(0, IdbStore::open(&name)).await.is_none(), "it is given up");
    let store = IdbStore::open(&name).await.unwrap();
    assert_eq!(store.count(Table::Meta, &Range::all()).await, Ok(0));
    store.destroy().await.unwrap();
}

/// Leaves a database behind as another build would: at a version, with tables of its own.
async fn another_build_was_here(name: &str, version: u32, tables: &[&str]) {
    let tables: Array = tables.iter().map(|table| JsValue::from_str(table)).collect();
    let body = "return new Promise((resolve, reject) => {
         const request = indexedDB.open(name, version);
         request.onupgradeneeded = () => tables.forEach((table) => request.result.createObjectStore(table));
         request.onerror = () => reject(request.error);
         request.onsuccess = () => resolve(request.result.close());
     });";
    let open = js_sys::Function::new_with_args("name, version, tables", body);
    let opened = open.call3(&JsValue::NULL, &name.into(), &version.into(), &tables).unwrap();
    JsFuture::from(opened.unchecked_into::<js_sys::Promise>()).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_that_a_later_build_was_there_for_is_opened_and_keeps_what_is_in_it() {
    let store = fresh_store().await;
    let mut batch = Batch::new();
    batch.put(Table::Meta, *b"kept", *b"value");
    store.write(batch, Durability::Strict).await.unwrap();
    store.close();
    another_build_was_here(store.name(), 1_000, &["of a later build"]).await;
    assert_eq!(store.get(Table::Meta, b"kept").await, Ok(Some(b"value".to_vec())));
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn tables_that_an_earlier_build_did_not_know_are_made() {
    let name = fresh_name();
    another_build_was_here(&name, 7, &[Table::Meta.name()]).await;
    let (store, other_tab) =
        (IdbStore::open(&name).await.unwrap(), IdbStore::open(&name).await.unwrap());
    conformance::shared(&store, &other_tab).await;
    other_tab.close();
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn deleting_the_database_does_not_wait_for_another_tab() {
    let one = fresh_store().await;
    let other_tab = IdbStore::open(one.name()).await.unwrap();
    one.destroy().await.unwrap();
    assert_eq!(other_tab.count(Table::Meta, &Range::all()).await, Ok(0));
    other_tab.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn ten_thousand_rows_come_in_two_requests() {
    let store = fresh_store().await;
    let mut batch = Batch::new();
    for number in 0..10_000_u32 {
        batch.put(Table::Nodes, number.to_be_bytes(), [7; 150]);
    }
    let start = clock::now_ms();
    store.write(batch, Durability::Strict).await.unwrap();
    let written = clock::now_ms();
    let all = Range::all();
    let rows = store.scan(Table::Nodes, &all, 0, 10_000, Direction::Forward).await.unwrap();
    let scanned = clock::now_ms();
    assert_eq!(rows.len(), 10_000);
    let keys: Vec<_> = rows.into_iter().map(|(key, _)| key).step_by(10).collect();
    let found = store.get_many(Table::Nodes, &keys).await.unwrap();
    assert!(found.iter().all(Option::is_some));
    let got = clock::now_ms();
    wasm_bindgen_test::console_log!(
        "10,000 rows: write {} ms, scan {} ms; 1,000 of them by key {} ms",
        written - start,
        scanned - written,
        got - scanned
    );
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn chunks_conform_in_files_and_in_rows() {
    let files = OpfsChunks::open(&fresh_name()).await.unwrap();
    conformance::run_chunks(&files).await;
    let store = fresh_store().await;
    conformance::run_chunks(&IdbChunks::new(store.clone())).await;
    store.destroy().await.unwrap();
}

/// Makes a method that stores fail for want of space, after it wrote what `half` does, or
/// mends it.
fn fill_disk(class: &str, method: &str, half: &str, full: bool) {
    let body = format!(
        "const proto = {class}.prototype;
         proto.mended ??= proto.{method};
         proto.{method} = full ? function (value, option) {{
             {half};
             throw new DOMException('full', 'QuotaExceededError');
         }} : proto.mended;"
    );
    let patch = js_sys::Function::new_with_args("full", &body);
    patch.call1(&JsValue::NULL, &full.into()).unwrap();
}

#[wasm_bindgen_test]
async fn a_put_on_a_full_disk_harms_no_chunk() {
    let files = OpfsChunks::open(&fresh_name()).await.unwrap();
    let half = "this.mended(value.subarray(0, value.length / 2), option)";
    let class = "FileSystemSyncAccessHandle";
    conformance::run_full_chunks(&files, |full| fill_disk(class, "write", half, full)).await;
    let store = fresh_store().await;
    let rows = IdbChunks::new(store.clone());
    let class = "IDBObjectStore";
    conformance::run_full_chunks(&rows, |full| fill_disk(class, "put", "", full)).await;
    store.destroy().await.unwrap();
}

/// Makes the private file system fail as a whole, or mends it.
fn fail_files(fail: bool) {
    let body = "const proto = StorageManager.prototype;
         proto.mended ??= proto.getDirectory;
         proto.getDirectory = fail
             ? () => Promise.reject(new DOMException('fails', 'UnknownError'))
             : proto.mended;";
    let patch = js_sys::Function::new_with_args("fail", body);
    patch.call1(&JsValue::NULL, &fail.into()).unwrap();
}

#[wasm_bindgen_test]
async fn chunks_are_looked_for_where_they_were_put() {
    let name = fresh_name();
    let (store, chunks) = local::open(&name).await.unwrap();
    assert!(matches!(chunks, LocalChunks::Files(_)));
    fail_files(true);
    let (_, chunks) = local::open(&name).await.unwrap();
    assert!(matches!(chunks, LocalChunks::Rows(_)), "a new profile begins with rows");
    let mut batch = Batch::new();
    batch.put(Table::Chunks, [9; 32], vec![1]);
    store.write(batch, Durability::Strict).await.unwrap();
    let failing = local::open(&name).await;
    assert!(failing.is_err(), "chunks that are in files are not looked for in rows");
    IdbChunks::new(store.clone()).put(ChunkId([8; 32]), b"sealed").await.unwrap();
    fail_files(false);
    let (_, chunks) = local::open(&name).await.unwrap();
    assert!(matches!(chunks, LocalChunks::Rows(_)), "those in rows are not looked for in files");
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_chunk_that_two_tabs_write_at_once_is_whole() {
    let name = fresh_name();
    let (one, two) =
        (OpfsChunks::open(&name).await.unwrap(), OpfsChunks::open(&name).await.unwrap());
    let id = ChunkId([9; 32]);
    let bytes = vec![5; 1024 * 1024];
    let (first, second) =
        futures_util::future::join(one.put(id, &bytes), two.put(id, &bytes)).await;
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(one.get_all(id).await, Ok(Some(bytes)));
    assert_eq!(two.get(id, 0..2_000_000).await, Err(StoreError::Lost));
    one.clear().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_device_key_survives_storage_and_signs() {
    let crypto = WebCrypto::new();
    let store = fresh_store().await;
    let keys = KeyStore::new(store.clone());
    let made = crypto.generate_device_key().await.unwrap();
    keys.put("device", made.as_js()).await.unwrap();
    store.close();
    let pair = keys.get("device").await.unwrap().unwrap();
    let kept = crypto.device_key(pair).await.unwrap();
    assert_eq!(kept.public, made.public);
    let signature = crypto.sign(&kept.signing, b"message").await.unwrap();
    assert_eq!(crypto.verify(&made.public, b"message", &signature).await, Ok(true));
    assert_eq!(crypto.verify(&made.public, b"another", &signature).await, Ok(false));
    assert_eq!(crypto.verify(&PublicKey([4; 65]), b"message", &signature).await, Ok(false));
    assert!(keys.get("absent").await.unwrap().is_none());
    keys.delete("device").await.unwrap();
    assert!(keys.get("device").await.unwrap().is_none());
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_private_key_cannot_be_exported() {
    let crypto = WebCrypto::new();
    let made = crypto.generate_device_key().await.unwrap();
    let private = js::property(made.as_js(), "privateKey");
    let subtle = js::property(&js::global("crypto").unwrap(), "subtle");
    let exported = js::call_async(&subtle, "exportKey", &["pkcs8".into(), private]).await;
    assert_eq!(js::error_name(&exported.unwrap_err()), "InvalidAccessError");
}

#[wasm_bindgen_test]
async fn frames_open_as_a_whole_and_in_part_and_not_when_touched() {
    let crypto = WebCrypto::new();
    let secret = crypto.import_secret(&[1; 32]).await.unwrap();
    let key = crypto.derive_aead(&secret, b"salt", b"info").await.unwrap();
    let plain: Vec<u8> = (0..FRAME_PLAIN_BYTES * 2 + 9).map(|byte| byte as u8).collect();
    let mut sealed = crypto.seal_frames(&key, b"aad", &plain).await.unwrap();
    let opened = crypto.open_frames(&key, b"aad", Span::WHOLE, &sealed).await;
    assert_eq!(opened.unwrap(), plain);
    let second = FRAME_PLAIN_BYTES + 16..2 * (FRAME_PLAIN_BYTES + 16);
    let span = Span { first: 1, ends: false };
    let opened = crypto.open_frames(&key, b"aad", span, &sealed[second]).await.unwrap();
    assert_eq!(opened, plain[FRAME_PLAIN_BYTES..2 * FRAME_PLAIN_BYTES]);
    sealed[FRAME_PLAIN_BYTES + 20] ^= 1;
    let opened = crypto.open_frames(&key, b"aad", Span::WHOLE, &sealed).await;
    assert_eq!(opened, Err(CryptoError::CannotOpen));
}

#[wasm_bindgen_test]
async fn webcrypto_agrees_with_every_frozen_vector() {
    let files = [
        include_str!("../../tests/vectors/primitives.json"),
        include_str!("../../tests/vectors/seal.json"),
        include_str!("../../tests/vectors/content.json"),
        include_str!("../../tests/vectors/blocks.json"),
        include_str!("../../tests/vectors/account.json"),
        include_str!("../../tests/vectors/log.json"),
        include_str!("../../tests/vectors/snapshot.json"),
        include_str!("../../tests/vectors/index.json"),
        include_str!("../../tests/vectors/presence.json"),
        include_str!("../../tests/vectors/purge.json"),
        include_str!("../../tests/vectors/label.json"),
        include_str!("../../tests/vectors/thumbs.json"),
    ];
    let mut count = 0;
    for json in files {
        let checked = check_file(&WebCrypto::new(), json).await;
        count += checked.unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(count >= 60, "{count} vectors");
}

#[wasm_bindgen_test]
async fn a_lock_has_one_holder_until_it_is_dropped() {
    let name = fresh_name();
    let held = Lock::acquire(&name, Mode::Exclusive, Wait::IfFree).await.unwrap();
    assert!(Lock::acquire(&name, Mode::Exclusive, Wait::IfFree).await.is_none());
    drop(held);
    let again = Lock::acquire(&name, Mode::Exclusive, Wait::ForIt).await;
    assert!(again.is_some());
}

#[wasm_bindgen_test]
async fn a_shared_lock_is_held_by_several_and_by_nobody_alone() {
    let name = fresh_name();
    let one = Lock::acquire(&name, Mode::Shared, Wait::ForIt).await.unwrap();
    let two = Lock::acquire(&name, Mode::Shared, Wait::ForIt).await.unwrap();
    assert!(Lock::acquire(&name, Mode::Exclusive, Wait::IfFree).await.is_none());
    drop(one);
    assert!(Lock::acquire(&name, Mode::Exclusive, Wait::IfFree).await.is_none());
    drop(two);
    // Releasing is told to the browser, which takes a turn.
    assert!(Lock::acquire(&name, Mode::Exclusive, Wait::ForIt).await.is_some());
}

struct Pieces {
    left: u8,
    dropped: Rc<Cell<bool>>,
}

impl Source for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Ok(None),
        };
        Ok(Some(vec![self.left; 3]))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.dropped.set(true);
    }
}

#[wasm_bindgen_test]
async fn a_stream_gives_all_pieces_and_drops_its_source() {
    let dropped = Rc::new(Cell::new(false));
    let stream = readable(Pieces { left: 2, dropped: Rc::clone(&dropped) }).unwrap();
    let response = web_sys::Response::new_with_opt_readable_stream(Some(&stream)).unwrap();
    let buffer = js::call_async(&response, "arrayBuffer", &[]).await.unwrap();
    assert_eq!(js::to_bytes(&buffer), [1, 1, 1, 0, 0, 0]);
    assert!(dropped.get());
}

#[wasm_bindgen_test]
async fn canceling_a_stream_drops_its_source() {
    let dropped = Rc::new(Cell::new(false));
    let stream = readable(Pieces { left: 200, dropped: Rc::clone(&dropped) }).unwrap();
    js::call_async(&stream, "cancel", &[]).await.unwrap();
    // A piece that was under way comes to its end first.
    timer::sleep_ms(0).await;
    assert!(dropped.get());
}

#[wasm_bindgen_test]
async fn a_slice_of_a_file_is_exact_and_a_shrunken_file_is_told() {
    let parts = Array::of1(&"0123456789".into());
    let blob = web_sys::Blob::new_with_str_sequence(&parts.unchecked_into()).unwrap();
    assert_eq!(files::slice(&blob, 2, 5).await, Ok(b"234".to_vec()));
    assert_eq!(files::slice(&blob, 5, 11).await, Err(files::FileError::Vanished));
}
