//! Rows, pieces of snapshots, names, and the merging of changes.

use offing_core::id::DeviceId;
use offing_core::limits;
use offing_core::log::change::ChangeBody;
use offing_core::log::heartbeat::HeartbeatBody;
use offing_core::log::index::IndexBody;
use offing_core::log::snapshot::{Cutter, Joiner, SnapshotBody};
use offing_core::tree::listing::{
    Listed, entries, label_of_key, listing_key, listing_value, node_of_key,
};
use offing_core::tree::memory::MemoryTree;
use offing_core::tree::{KnownOp, NodeRow, resolve_all};
use offing_core::{name as names, portable};

use super::{fold, take_byte, take_piece};

/// Most entries that one input holds.
const ENTRIES_MAX: usize = 8;

pub(super) fn row(bytes: &[u8]) {
    let Ok(row) = NodeRow::decode(bytes) else { return };
    assert_eq!(NodeRow::decode(&row.encode()).unwrap(), row);
    let (kind, shown) = (row.kind(), row.shown_name());
    assert_eq!(row.is_folder(), kind == offing_core::rpc::Kind::Folder);
    assert!(shown.len() >= row.name.value.len().min(1));
    assert_eq!(node_of_key(&listing_key(&row)), Some(row.node));
    let listed = Listed::decode(&listing_value(&row)).unwrap();
    assert_eq!(listed, Listed::of(&row));
    let fit = row.labels().iter().all(|label| label.check().is_ok());
    for (key, _) in entries(&row) {
        assert_eq!(node_of_key(&key), Some(row.node));
        let label = label_of_key(&key);
        assert!(!fit || label.is_none_or(|label| row.labels().contains(&&label)));
    }
    let _ = (row.strays(), row.two_versions(), row.self_trashed(), row.kept_by());
    let _ = (row.last_seq(), row.trashed_ms(), row.synced(), row.last_device());
}

/// The only piece of a snapshot, past the compression; or a body that names pieces.
pub(super) fn piece(plain: &[u8]) {
    if let Ok(body) = HeartbeatBody::decode(plain) {
        assert_eq!(body.encode(), plain);
    }
    if let Ok(body) = SnapshotBody::decode(plain) {
        assert_eq!(SnapshotBody::decode(&body.encode()), Ok(body));
    }
    if let Ok(body) = IndexBody::decode(plain) {
        assert_eq!(IndexBody::decode(&body.encode()), Ok(body));
    }
    let mut joiner = Joiner::new(1_000);
    let Ok(records) = joiner.feed(&fold(1, plain)) else { return };
    let Ok(tree) = joiner.finish() else { return };
    let mut cutter = Cutter::new(1_000);
    for record in &records {
        cutter.push(record.part, &record.key, &record.value).unwrap();
    }
    let (piece, again) = cutter.finish().unwrap();
    assert_eq!(again, tree);
    assert_eq!(Joiner::new(1_000).feed(&piece), Ok(records));
}

pub(super) fn name(bytes: &[u8]) {
    let Ok(name) = str::from_utf8(bytes) else { return };
    if name.len() > 4 * limits::NAME_BYTES_MAX {
        return;
    }
    let fit = portable::fit(name);
    assert_eq!(portable::problem(&fit), None, "{name:?} becomes {fit:?}");
    if names::check(name).is_err() {
        return;
    }
    let folded = names::fold(name);
    assert_eq!(names::fold(&folded), folded, "folding {name:?} again changes nothing");
    names::sort_key(&folded);
    let numbered = names::with_suffix(name, 2);
    // A number that is shown may make a name longer than one that people give.
    let shown = if numbered.len() > limits::NAME_BYTES_MAX { name } else { numbered.as_str() };
    assert_eq!(names::check(shown), Ok(()), "{numbered:?}");
    assert_ne!(names::fold(&numbered), folded, "a number tells {name:?} from its sibling");
    names::without_suffix(name);
}

/// Changes of several devices, merged one by one and all at once, with what each had seen.
pub(super) fn tree(mut bytes: &[u8]) {
    let mut entries = Vec::new();
    while !bytes.is_empty() && entries.len() < ENTRIES_MAX {
        let who = take_byte(&mut bytes);
        let device = DeviceId([who & 3; 16]);
        let seq = entries.len() as u64 + 1;
        let seen = u64::from(who >> 2).min(seq - 1);
        let plain = take_piece(&mut bytes);
        let of_version = |version| ChangeBody::decode(&fold(version, plain), &device).ok();
        if let Some(body) = (1..=3).find_map(of_version) {
            entries.push(body.known_ops(Some(seq), seen));
        }
    }
    let mut each = MemoryTree::default();
    for ops in &entries {
        each.apply(ops);
        is_a_tree(&each);
    }
    let all: Vec<KnownOp> = entries.concat();
    let mut at_once = MemoryTree::default();
    let changes = at_once.apply(&all);
    assert_eq!(at_once.rows, each.rows, "how ops are batched makes no difference");
    assert_eq!(at_once.listing, each.listing);
    // An op that came before its node was made would now be taken.
    if changes.rejected.is_empty() {
        at_once.apply(&all);
        assert_eq!(at_once.rows, each.rows, "what is merged already changes nothing");
    }
}

/// What is kept up is what is worked out from scratch, and every row can be stored.
fn is_a_tree(tree: &MemoryTree) {
    let shown = resolve_all(tree.rows.values());
    assert_eq!(shown.len(), tree.rows.len());
    for (node, row) in &tree.rows {
        let expected = shown[node];
        let found = (row.shown_parent, row.suffix, row.fallback);
        assert_eq!(found, (expected.parent, expected.suffix, expected.fallback), "{node}");
        assert_eq!(NodeRow::decode(&row.encode()).as_ref(), Ok(row));
        assert!(entries(row).iter().all(|(key, value)| tree.listing.get(key) == Some(value)));
    }
}
