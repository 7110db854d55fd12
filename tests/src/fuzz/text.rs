//! Changes of texts, and texts that are shown.

use offing_core::id::{DeviceId, Hash, NodeId};
use offing_core::text::{Actor, ChangeSet, LineEnds, TextDoc, check_changes};
use offing_markdown::parse::render;
use offing_markdown::steps::{Rendering, Step};
use sha2::{Digest as _, Sha256};

use super::take_piece;

/// Who typed what is merged.
pub(super) const WRITER: DeviceId = DeviceId([2; 16]);
/// The file that is typed into.
pub(super) const NODE: NodeId = NodeId([5; 16]);
/// The revision that its document began with.
pub(super) const BASE: Hash = Hash([6; 32]);
/// Its content.
pub(super) const CONTENT: &str = "one\r\ntwo 😀\n";
/// Most changes that one input holds.
const CHANGES_MAX: usize = 8;
/// Where the checksum of a change is, and where what it covers begins.
const CHECKSUM: std::ops::Range<usize> = 4..8;

/// A document that another device has open.
fn document() -> TextDoc {
    let reader = Actor { device: DeviceId([1; 16]), slot: 0 };
    TextDoc::seeded(&NODE, &BASE, CONTENT, reader).unwrap()
}

/// Changes of a document, with checksums that fit.
pub(super) fn text(mut bytes: &[u8]) {
    let mut doc = document();
    for _ in 0..CHANGES_MAX {
        let mut change = take_piece(&mut bytes).to_vec();
        if change.len() < CHECKSUM.end {
            return;
        }
        let sum = Sha256::digest(&change[CHECKSUM.end..]);
        change[CHECKSUM].copy_from_slice(&sum[..CHECKSUM.len()]);
        let changes = [change];
        if check_changes(&changes, &WRITER, &NODE, &BASE).is_err() {
            return;
        }
        let before = doc.text();
        let merged = doc.merge(&changes);
        let after = doc.text();
        match &merged.changes {
            Some(changes) => assert_eq!(changes.apply(&before).as_ref(), Ok(&after)),
            None => assert_eq!(before, after),
        }
        let saved = doc.save();
        let actor = Actor { device: DeviceId([1; 16]), slot: 1 };
        let (_, ends) = LineEnds::split(CONTENT);
        let loaded = TextDoc::load(&saved, ends, actor).unwrap();
        assert_eq!((loaded.text(), loaded.content()), (after, doc.content()));
    }
}

/// A change set of the page.
pub(super) fn change_set(bytes: &[u8]) {
    let Ok(json) = str::from_utf8(bytes) else { return };
    let Ok(changes) = ChangeSet::from_json(json) else { return };
    assert_eq!(ChangeSet::from_json(&changes.to_json()).as_ref(), Ok(&changes));
    let text = document().text();
    let applied = changes.apply(&text);
    let mut doc = document();
    match (doc.splice(&changes), applied) {
        (Ok(()), Ok(applied)) => assert_eq!(doc.text(), applied),
        (Err(_), _) => assert_eq!(doc.text(), text, "all or nothing"),
        (Ok(()), Err(error)) => panic!("it was taken and cannot be applied: {error}"),
    }
}

/// A file that somebody looks at: whatever it is, its rendering can be read.
pub(super) fn markdown(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(rendered) = render(&text) else { return };
    let rendering = Rendering::read(&rendered).unwrap();
    for block in rendering.steps(0, rendering.blocks.len()) {
        assert!(block.into_iter().all(|step| step.is_ok()), "{text:?}");
    }
}

/// What a renderer hands to the page.
pub(super) fn steps(bytes: &[u8]) {
    let Ok(rendering) = Rendering::read(bytes) else { return };
    for block in rendering.steps(0, rendering.blocks.len()) {
        let mut depth = 0_i32;
        for step in block.map_while(Result::ok) {
            depth += i32::from(matches!(step, Step::Open(_)));
            depth -= i32::from(matches!(step, Step::Close));
            assert!((0..=48).contains(&depth));
        }
    }
}
