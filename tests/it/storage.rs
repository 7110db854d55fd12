//! Storage that fails at one call after the other, each in turn, of a short story.
//!
//! `tests/e2e/storage.test.js` does the same to a real browser.

use offing_core::id::NodeId;
use offing_core::rpc::{Alarm, Clash, Reply, TransferState, UploadItem};
use offing_tests::World;
use offing_tests::disk::Trouble;
use offing_tests::host::{EPOCH_MS, TestFile};
use offing_worker::store::StoreError;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// More calls than the story makes: with it, nothing fails.
const NEVER: u32 = 1_000_000;

/// What was answered as done, or told as saved.
#[derive(Default)]
struct Claims {
    folder: Option<NodeId>,
    note: Option<NodeId>,
    line: bool,
    file: bool,
    renamed: bool,
}

/// Makes, types, uploads and renames; what fails, fails.
fn story(world: &World, photo: &[u8]) -> Claims {
    let phone = world.device("phone");
    let mut claims = Claims::default();
    let created = |reply| match reply {
        Ok(Reply::Created { node, .. }) => Some(node),
        _ => None,
    };
    let replica = phone.replica();
    claims.folder =
        created(phone.run(async move { replica.create_folder(NodeId::ROOT, "a").await }));
    let replica = phone.replica();
    claims.note =
        created(phone.run(async move { replica.create_text(NodeId::ROOT, "note.md").await }));
    if let Some(note) = claims.note
        && phone.tries_open_text(note).is_ok()
    {
        phone.types(note, |text| format!("{text}a line"));
        claims.line = phone.flushes(note).is_ok();
    }
    let size = photo.len() as u64;
    let path = vec!["photo.jpg".to_owned()];
    let items = vec![UploadItem { path, size, modified_ms: EPOCH_MS }];
    let (replica, source) = (phone.replica(), TestFile::new(photo));
    let begun = phone
        .run(async move { replica.upload(NodeId::ROOT, items, vec![source], Clash::Ask).await });
    world.passes(3_000);
    if let Ok(Reply::Uploading(ids)) = begun {
        let transfers = phone.page.transfers.borrow();
        let state = ids.first().and_then(|id| transfers.get(id)).map(|line| &line.state);
        claims.file = matches!(state, Some(TransferState::Here | TransferState::Done));
    }
    if let Some(folder) = claims.folder {
        let replica = phone.replica();
        claims.renamed = phone.run(async move { replica.rename(folder, "b").await }).is_ok();
    }
    world.passes(3_000);
    claims
}

/// The story over storage that fails from its `after`th call on; says whether it failed at all.
fn fails_at(after: u32, calls: u32, error: StoreError) -> bool {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let what = format!("{error:?} {calls} times after {after} calls");
    let photo = crate::noise(3, 300_000);
    let temper = &phone.profile.temper;
    temper.begins(world.executor.clone(), StdRng::seed_from_u64(1), 0);
    temper.troubles(Some(Trouble { after, calls, reads: error != StoreError::Full, error }));
    let claims = story(&world, &photo);
    let struck = !temper.is_troubled();
    if calls == NEVER {
        is_told(&world, &what);
    }
    temper.troubles(None);
    phone.crashes();
    phone.opens();
    world.sync_all();
    world.assert_converged();
    let nodes = phone.walk();
    let has = |node| nodes.iter().any(|(_, row)| Some(row.node) == node);
    assert!(claims.folder.is_none() || has(claims.folder), "{what}: the folder is there");
    assert!(claims.note.is_none() || has(claims.note), "{what}: the note is there");
    if claims.line {
        let text = phone.reads_node(claims.note.unwrap()).unwrap();
        assert_eq!(text, b"a line", "{what}: the line is there");
    }
    if claims.file {
        assert_eq!(laptop.reads("/photo.jpg").as_ref(), Ok(&photo), "{what}: the file is there");
    }
    assert!(!claims.renamed || phone.shows("/b"), "{what}: it has its new name");
    phone.creates_folder("/still works");
    world.sync_all();
    world.assert_converged();
    struck
}

/// Storage that goes on failing is told, and taken back when it works again in the same tab.
fn is_told(world: &World, what: &str) {
    let phone = world.device("phone");
    let (page, temper) = (&phone.page, &phone.profile.temper);
    // What fails first may be tried again in silence; then the log is read, each minute.
    world.passes(140_000);
    if temper.has_struck() {
        assert_eq!(*page.standing.borrow(), [Alarm::StorageFailing], "{what}: it is told");
    }
    temper.troubles(None);
    phone.nudges();
    world.passes(10_000);
    assert_eq!(*page.standing.borrow(), [], "{what}: it works again");
}

/// Each call fails once, in a story of its own; there are at least so many.
fn sweeps(calls_min: u32, error: &StoreError) {
    let mut after = 0;
    while fails_at(after, 1, error.clone()) {
        after += 1;
        assert!(after < 1_000, "the story ends");
    }
    assert!(after >= calls_min, "only {after} calls failed");
}

#[test]
fn a_call_that_fails_once_loses_nothing_whichever_it_is() {
    sweeps(40, &StoreError::Failed { name: "UnknownError".to_owned() });
}

#[test]
fn storage_that_is_full_for_one_call_loses_nothing_whichever_it_is() {
    sweeps(15, &StoreError::Full);
}

#[test]
fn storage_that_fails_until_the_tab_is_closed_loses_nothing_from_whichever_call_on() {
    for after in (0..200).step_by(9) {
        fails_at(after, NEVER, StoreError::Failed { name: "UnknownError".to_owned() });
        fails_at(after, NEVER, StoreError::Full);
    }
}
