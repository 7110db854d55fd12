//! What a row says of itself, and its bytes.

use super::*;

const MINE: DeviceId = DeviceId([1; 16]);
const THEIRS: DeviceId = DeviceId([2; 16]);

fn op<T>(lamport: u64, device: DeviceId, seq: Seq, seen_seq: Seq, value: T) -> Stamped<T> {
    let context = Context { seq: Some(seq), seen_seq, time_ms: lamport as i64 };
    Stamped { id: OpId { lamport, device }, context, value }
}

fn row() -> NodeRow {
    NodeRow {
        node: NodeId([3; 16]),
        created: op(1, MINE, 1, 0, Kind::File),
        parents: vec![op(1, MINE, 1, 0, NodeId::ROOT)],
        name: op(1, MINE, 1, 0, "file".to_owned()),
        contents: Vec::new(),
        texts: Vec::new(),
        trashed: Vec::new(),
        applied: vec![(MINE, 1)],
        shown_parent: NodeId::ROOT,
        suffix: 0,
        fallback: 0,
        purged: Vec::new(),
        labels: Vec::new(),
    }
}

fn content() -> Content {
    Content { manifest: vec![1], size: 1, modified_ms: 1, text: false }
}

fn typed() -> TextEdit {
    TextEdit { base: NO_BASE, size: 1, modified_ms: 1 }
}

#[test]
fn a_row_that_is_cut_too_long_of_a_later_version_or_in_no_folder_is_none() {
    let bytes = row().encode();
    assert_eq!(NodeRow::decode(&bytes), Ok(row()));
    for end in 0..bytes.len() {
        assert_eq!(NodeRow::decode(&bytes[..end]), Err(RowError::Malformed), "cut at {end}");
    }
    assert_eq!(NodeRow::decode(&[&bytes[..], &[0]].concat()), Err(RowError::Malformed));
    let later = [&[VERSION + 1], &bytes[1..]].concat();
    let unknown = Err(RowError::UnknownVersion { version: VERSION + 1 });
    assert_eq!(NodeRow::decode(&later), unknown);
    let claimed = [&[VERSION_UNLABELLED], &bytes[1..], &[EMPTY]].concat();
    assert_eq!(NodeRow::decode(&claimed), Err(RowError::Malformed), "nothing purged");
    let claimed = [&[VERSION], &bytes[1..], &[EMPTY; 2]].concat();
    assert_eq!(NodeRow::decode(&claimed), Err(RowError::Malformed), "no labels");
    let mut purged = row();
    purged.trashed = vec![op(2, MINE, 2, 1, true)];
    purged.purged = vec![op(3, MINE, 3, 2, purged.trashed[0].id)];
    let bytes = purged.encode();
    assert_eq!((bytes[0], NodeRow::decode(&bytes)), (VERSION_UNLABELLED, Ok(purged.clone())));
    for mut labelled in [row(), purged] {
        labelled.labels = vec![op(4, MINE, 4, 3, Labelled { label: Label::STAR, on: true })];
        let bytes = labelled.encode();
        assert_eq!((bytes[0], NodeRow::decode(&bytes)), (VERSION, Ok(labelled)));
    }
    let homeless = NodeRow { parents: Vec::new(), ..row() };
    assert_eq!(NodeRow::decode(&homeless.encode()), Err(RowError::Malformed));
}

#[test]
fn what_an_op_had_seen_is_raised_wherever_it_is_held_and_nowhere_else() {
    let mut row = row();
    row.name = op(2, MINE, 2, 1, "other".to_owned());
    row.contents = vec![op(3, MINE, 3, 2, content())];
    row.texts = vec![op(4, MINE, 4, 3, typed())];
    row.trashed = vec![op(5, MINE, 5, 4, true)];
    row.labels = vec![op(6, MINE, 6, 5, Labelled { label: Label::STAR, on: true })];
    row.raise_seen(row.labels[0].id, 12);
    assert_eq!(row.labels[0].context.seen_seq, 12);
    let (made, named) = (row.created.id, row.name.id);
    row.raise_seen(made, 7);
    assert_eq!((row.created.context.seen_seq, row.parents[0].context.seen_seq), (7, 7));
    assert_eq!(row.name.context.seen_seq, 1);
    for (id, seen) in [(named, 8), (row.contents[0].id, 9), (row.texts[0].id, 10)] {
        row.raise_seen(id, seen);
    }
    row.raise_seen(row.trashed[0].id, 11);
    let seen = [&row.name.context, &row.contents[0].context, &row.texts[0].context];
    assert_eq!(seen.map(|context| context.seen_seq), [8, 9, 10]);
    assert_eq!((row.trashed[0].context.seen_seq, row.created.context.seen_seq), (11, 7));
}

#[test]
fn more_may_be_claimed_as_seen_where_it_changes_nothing() {
    let mine = OpId { lamport: 9, device: MINE };
    let mut row = row();
    row.texts = vec![
        op(8, MINE, 8, 7, typed()),
        op(7, THEIRS, 7, 1, typed()),
        op(6, THEIRS, 6, 1, typed()),
        Stamped { id: OpId { lamport: 5, device: THEIRS }, ..op(5, MINE, 3, 1, typed()) },
    ];
    row.contents = vec![op(4, THEIRS, 5, 1, content())];
    let (new, trash) = (Value::Content(content()), Value::Trashed(true));
    assert_eq!(row.may_claim(&mine, &new, 3), 5, "6 was typed unseen");
    assert_eq!(row.may_claim(&mine, &trash, 3), 4, "5 is new content");
    assert_eq!(row.may_claim(&mine, &new, 6), 6, "7 was typed unseen");
    assert_eq!(row.may_claim(&mine, &new, 7), Seq::MAX, "8 is its own");
    let place = Value::Parent(NodeId::ROOT);
    let star = Value::Label(Labelled { label: Label::STAR, on: true });
    for value in
        [star, Value::Name("n".to_owned()), place, Value::Text(typed()), Value::Trashed(false)]
    {
        assert_eq!(row.may_claim(&mine, &value, 0), Seq::MAX);
    }
    assert_eq!(row.may_claim(&mine, &Value::Purged, 9), 9);
    row.created.value = Kind::Folder;
    assert_eq!(row.may_claim(&mine, &trash, 9), 9, "what is below it is not known here");
}

#[test]
fn a_file_is_what_its_content_is_and_without_one_what_it_was_made_as() {
    let text = Content { text: true, ..content() };
    let mut row = row();
    for made_as in [Kind::File, Kind::Text] {
        row.created.value = made_as;
        row.contents.clear();
        assert_eq!(row.kind(), made_as);
        for (content, kind) in [(content(), Kind::File), (text.clone(), Kind::Text)] {
            row.contents = vec![op(4, MINE, 4, 3, content)];
            assert_eq!(row.kind(), kind);
        }
    }
    row.created.value = Kind::Folder;
    assert_eq!(row.kind(), Kind::Folder);
}

#[test]
fn each_document_that_nobody_had_seen_who_replaced_it_is_one_version() {
    let mut row = row();
    let edit = |lamport, into: u8| {
        let base = Content { manifest: vec![into], ..content() }.base();
        op(lamport, THEIRS, lamport, 4, TextEdit { base, ..typed() })
    };
    let versions = |row: &NodeRow| -> Vec<u64> {
        row.strays().into_iter().map(|stray| stray.id.lamport).collect()
    };
    row.texts = vec![op(4, MINE, 4, 3, typed())];
    assert_eq!((versions(&row), row.two_versions()), (vec![], false), "it has no content");
    row.contents = vec![op(5, MINE, 5, 4, content())];
    row.texts = vec![edit(9, 1), edit(8, 2), edit(7, 3), edit(6, 2)];
    assert_eq!((versions(&row), row.two_versions()), (vec![8, 7], true), "the first is shown");
    row.contents[0].context.seen_seq = 7;
    assert_eq!(versions(&row), [8]);
    row.contents[0].context.seen_seq = 9;
    assert_eq!((versions(&row), row.two_versions()), (vec![], false));
}

#[test]
fn only_an_edit_that_nobody_who_trashed_it_had_seen_keeps_a_file() {
    let mut row = row();
    row.contents = vec![op(4, THEIRS, 5, 2, content())];
    assert_eq!((row.kept_by(), row.self_trashed()), (None, false), "nobody trashed it");
    row.trashed = vec![op(4, MINE, 4, 3, true)];
    assert_eq!((row.kept_by(), row.self_trashed()), (Some(THEIRS), false));
    // Of two that nobody had seen, the later one's.
    row.texts = vec![op(6, MINE, 6, 5, typed())];
    assert_eq!(row.kept_by(), Some(MINE));
    row.trashed = vec![op(7, MINE, 7, 6, true)];
    assert_eq!((row.kept_by(), row.self_trashed()), (None, true), "it was seen");
    row.trashed = vec![op(7, MINE, 7, 3, true), op(4, THEIRS, 4, 3, false)];
    assert_eq!((row.kept_by(), row.self_trashed()), (None, false), "somebody restored it");
}

#[test]
fn whatever_was_done_unseen_escapes_the_trashing_of_the_folder() {
    let mut folder = row();
    folder.trashed = vec![op(9, MINE, 9, 5, true)];
    let seen = row();
    assert!(!seen.escapes(&folder));
    let with = |change: fn(&mut NodeRow)| {
        let mut row = row();
        change(&mut row);
        row.escapes(&folder)
    };
    assert!(with(|row| row.created = op(1, THEIRS, 6, 5, Kind::File)));
    assert!(with(|row| row.parents[0] = op(8, THEIRS, 6, 5, NodeId::ROOT)));
    assert!(with(|row| row.contents = vec![op(8, THEIRS, 6, 5, content())]));
    assert!(with(|row| row.texts = vec![op(8, THEIRS, 6, 5, typed())]));
    assert!(with(|row| row.trashed = vec![op(8, THEIRS, 6, 5, false)]));
    assert!(!with(|row| row.trashed = vec![op(8, THEIRS, 6, 5, true)]));
    assert!(!with(|row| row.name = op(8, THEIRS, 6, 5, "other".to_owned())));
    assert!(!with(|row| row.texts = vec![op(8, THEIRS, 5, 4, typed())]));
}

#[test]
fn a_node_is_deleted_for_good_if_all_that_put_it_in_the_trash_is_and_its_moves_were_known() {
    let mut row = row();
    row.trashed = vec![op(5, THEIRS, 6, 4, true), op(3, MINE, 5, 4, true)];
    let purge = |lamport, seen_seq, trash: &Stamped<bool>| {
        op(lamport, MINE, lamport + 2, seen_seq, trash.id)
    };
    let [theirs, mine] = [row.trashed[0].clone(), row.trashed[1].clone()];
    row.purged = vec![purge(7, 6, &theirs)];
    assert!(!row.is_purged(), "one of them knew nothing of it");
    row.purged.push(purge(6, 5, &mine));
    assert!(row.is_purged());
    row.parents.insert(0, op(6, THEIRS, 7, 4, NodeId::ROOT));
    assert!(!row.is_purged(), "it was moved unseen");
    row.purged = vec![purge(9, 7, &theirs), purge(9, 7, &mine)];
    assert!(row.is_purged());
    row.contents = vec![op(8, THEIRS, 8, 4, content())];
    assert!(!row.is_purged(), "it was edited unseen");
    row.contents.clear();
    row.trashed.push(op(2, THEIRS, 8, 4, false));
    assert!(!row.is_purged(), "it was restored unseen");
}

#[test]
fn whatever_whoever_deletes_a_folder_for_good_did_not_know_of_escapes() {
    let mut folder = row();
    folder.trashed = vec![op(9, MINE, 9, 8, true)];
    let mut moved = row();
    moved.parents.push(op(1, THEIRS, 7, 0, NodeId::ROOT));
    assert!(!moved.escapes(&folder));
    folder.purged = vec![op(10, MINE, 11, 9, folder.trashed[0].id)];
    assert!(!moved.escapes(&folder));
    moved.parents[1].context.seq = Some(10);
    assert!(moved.escapes(&folder), "a move that lost, but was not known");
    let displaced = NodeRow { fallback: 1, ..row() };
    assert!(displaced.escapes(&folder));
}

#[test]
fn a_row_tells_who_and_when_and_how_far_it_is_in_the_log() {
    let mut row = row();
    assert_eq!((row.last_device(), row.last_seq(), row.trashed_ms()), (MINE, Some(1), None));
    row.contents = vec![op(4, THEIRS, 5, 2, content())];
    assert_eq!((row.last_device(), row.last_seq(), row.synced()), (THEIRS, Some(5), true));
    row.texts = vec![op(6, MINE, 8, 5, typed())];
    assert_eq!((row.last_device(), row.last_seq()), (MINE, Some(8)));
    row.trashed = vec![op(9, MINE, 9, 8, true), op(7, THEIRS, 7, 6, true)];
    assert_eq!((row.trashed_ms(), row.last_seq()), (Some(9), Some(9)));
    row.name.context.seq = None;
    assert_eq!((row.synced(), row.last_seq()), (false, None));
}
