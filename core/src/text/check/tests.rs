use automerge::ExpandedChange;
use automerge::ObjId;
use automerge::transaction::Transactable;
use automerge::{ObjType, ROOT};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::text::{Actor, ChangeSet, KEY, LineEnds, TextDoc};

const NODE: NodeId = NodeId([5; 16]);
const BASE: Hash = Hash([6; 32]);

fn actor(n: u8) -> Actor {
    Actor { device: DeviceId([n; 16]), slot: 0 }
}

fn doc(n: u8, text: &str) -> TextDoc {
    TextDoc::seeded(&NODE, &BASE, text, actor(n)).unwrap()
}

fn type_in(doc: &mut TextDoc, json: &str) -> Vec<u8> {
    doc.splice(&ChangeSet::from_json(json).unwrap()).unwrap();
    doc.commit(1_000).unwrap()
}

fn check(bytes: &[u8], n: u8) -> Result<(), TextError> {
    check_changes(&[bytes.to_vec()], &DeviceId([n; 16]), &NODE, &BASE)
}

type Forge = Box<dyn FnOnce(&mut ExpandedChange)>;

/// Writes a change of Mallory's by hand, as her own program could.
fn forged(change: &[u8], forge: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut expanded = Change::from_bytes(change.to_vec()).unwrap().decode();
    expanded.hash = None;
    forge(&mut expanded);
    Change::from(expanded).raw_bytes().to_vec()
}

fn element(counter: u64, actor: &ActorId) -> Key {
    Key::Seq(ElementId::Id(OpId::new(counter, actor)))
}

/// Neither step may panic, and whatever passes both keeps replicas equal.
fn is_taken(bob: &mut TextDoc, change: &[u8]) -> bool {
    if check(change, 1).is_err() {
        return false;
    }
    bob.merge(&[change.to_vec()]).refused.is_none()
}

#[test]
fn changes_of_another_device_and_other_than_typing_are_refused() {
    let mut alice = doc(1, "abc");
    let typed = type_in(&mut alice, r#"[3,[0,"d"]]"#);
    assert!(check(&typed, 1).is_ok());
    assert!(matches!(check(&typed, 2), Err(TextError::WrongActor)));
    let other_base =
        check_changes(std::slice::from_ref(&typed), &DeviceId([1; 16]), &NODE, &Hash([9; 32]));
    assert!(matches!(other_base, Err(TextError::NotTyping)));
    for vandalism in [
        &|doc: &mut AutoCommit, _: &ObjId| doc.put(ROOT, KEY, "gone").unwrap(),
        &|doc: &mut AutoCommit, text: &ObjId| doc.put(text, 0, "two").unwrap(),
        &|doc: &mut AutoCommit, text: &ObjId| doc.insert(text, 0, "two").unwrap(),
        &|doc: &mut AutoCommit, text: &ObjId| doc.insert(text, 0, "\r").unwrap(),
        &|doc: &mut AutoCommit, text: &ObjId| doc.insert(text, 0, "").unwrap(),
        &|doc: &mut AutoCommit, text: &ObjId| {
            doc.insert_object(text, 0, ObjType::Map).map(drop).unwrap();
        },
    ] as [&dyn Fn(&mut AutoCommit, &ObjId); 6]
    {
        let mut alice = alice.clone();
        vandalism(&mut alice.doc, &alice.text);
        let change = alice.commit(0).unwrap();
        assert!(matches!(check(&change, 1), Err(TextError::NotTyping | TextError::Malformed)));
    }
    for end in 0..typed.len() {
        assert!(check(&typed[..end], 1).is_err(), "cut at {end}");
    }
    for at in 0..typed.len() {
        let mut bytes = typed.clone();
        bytes[at] ^= 0x10;
        assert!(check(&bytes, 1).is_err(), "flipped {at}");
    }
}

#[test]
fn a_change_that_names_what_does_not_exist_is_refused_and_stops_nothing() {
    let mut mallory = doc(1, "abc");
    let first = type_in(&mut mallory, r#"[1,[1],1,[0,"x"]]"#);
    let next = type_in(&mut mallory, r#"[3,[0,"de"]]"#);
    let seed = seed_actor(&NODE, &BASE);
    let own = decode(&first).unwrap().actor_id().clone();
    let stranger = ActorId::from([9_u8; 20]);
    // The text is op 1, its three characters 2 to 4; the first change deleted by op 5 and
    // inserted by op 6; the next one has the ops 7 and 8.
    let forgeries: Vec<(&str, Forge)> = vec![
        ("beyond the text", forge_key(element(99, &seed))),
        ("the text itself", forge_key(element(1, &seed))),
        ("nothing at all", forge_key(element(0, &seed))),
        ("a deletion", forge_key(element(5, &own))),
        ("its own op", forge_key(element(7, &own))),
        ("its later op", forge_key(element(8, &own))),
        ("its far op", forge_key(element(1_000_000, &own))),
        ("one of 32 bits later", forge_key(element((1 << 32) + 2, &seed))),
        ("a stranger's", forge_key(element(3, &stranger))),
        ("a key", forge_key(Key::Map("a".into()))),
        ("ops counted twice", Box::new(|change| change.start_op = 6.try_into().unwrap())),
        ("ops left out", Box::new(|change| change.start_op = 8.try_into().unwrap())),
        (
            "the last op",
            Box::new(|change| change.start_op = u64::from(u32::MAX).try_into().unwrap()),
        ),
        ("a turn left out", Box::new(|change| change.seq = 4)),
        ("a turn used again", Box::new(|change| change.seq = 1)),
        ("no past", Box::new(|change| change.deps = Vec::new())),
        ("another past", Box::new(|change| change.deps = vec![ChangeHash([7; 32])])),
    ];
    for (what, forge) in forgeries {
        let mut bob = doc(2, "abc");
        assert!(is_taken(&mut bob, &first));
        assert!(!is_taken(&mut bob, &forged(&next, forge)), "{what}");
        assert_eq!(bob.text(), "acx", "{what}");
        assert!(is_taken(&mut bob, &next), "{what}: the document goes on");
        assert_eq!(bob.text(), "acxde");
    }
}

fn forge_key(key: Key) -> Forge {
    Box::new(|change| change.operations[0].key = key)
}

#[test]
fn a_deletion_of_what_does_not_exist_is_refused() {
    let mut mallory = doc(1, "abc");
    let change = type_in(&mut mallory, "[[1],2]");
    let seed = seed_actor(&NODE, &BASE);
    for (key, pred) in [(9, 9), (2, 9), (9, 2), (2, 3), (1, 1)] {
        let mut bob = doc(2, "abc");
        let forged = forged(&change, |change| {
            change.operations[0].key = element(key, &seed);
            change.operations[0].pred = vec![OpId::new(pred, &seed)].into();
        });
        assert!(!is_taken(&mut bob, &forged), "{key} {pred}");
        assert_eq!(bob.text(), "abc");
    }
}

#[test]
fn what_only_the_reader_has_cannot_be_named() {
    // Bob has typed and sent nothing. Mallory guesses the name of what he typed; taking her
    // change would make him differ from everybody who does not have it yet.
    let mut bob = doc(2, "abc");
    let typed = type_in(&mut bob, r#"[3,[0,"d"]]"#);
    let bobs = decode(&typed).unwrap().actor_id().clone();
    let mut mallory = doc(1, "abc");
    let honest = type_in(&mut mallory, r#"[3,[0,"x"]]"#);
    let sly = forged(&honest, |change| change.operations[0].key = element(5, &bobs));
    assert!(!is_taken(&mut bob, &sly));
    let mut carol = doc(3, "abc");
    assert!(!is_taken(&mut carol, &sly));
    for reader in [&mut bob, &mut carol] {
        assert!(is_taken(reader, &honest));
    }
}

#[test]
fn what_stands_on_a_refused_change_is_refused_too() {
    let mut mallory = doc(1, "abc");
    let first = type_in(&mut mallory, r#"[3,[0,"x"]]"#);
    let second = type_in(&mut mallory, r#"[4,[0,"y"]]"#);
    let forged = forged(&first, forge_key(element(77, &seed_actor(&NODE, &BASE))));
    let mut bob = doc(2, "abc");
    let merged = bob.merge(&[forged, second]);
    assert!(matches!(merged.refused, Some(TextError::ElementMissing)));
    assert_eq!((merged.changes, bob.text().as_str()), (None, "abc"));
}

/// Puts the right checksum on damaged bytes, as somebody who damages on purpose would.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&bytes[CHUNK_TYPE_AT..]);
    bytes[CHECKSUM].copy_from_slice(&hash[..CHECKSUM.len()]);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_of_a_change_stops_the_reader(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut mallory = doc(1, "one 😀 two\nthree");
        let first = type_in(&mut mallory, r#"[[3,"eins"],7,[2],4,[0,"!"]]"#);
        let mut second = type_in(&mut mallory, r#"[4,[0,"x","y"],12]"#);
        for (place, value) in places {
            let at = CHUNK_TYPE_AT + 1 + place.index(second.len() - CHUNK_TYPE_AT - 1);
            second[at] = value;
        }
        let second = resealed(second);
        let mut readers = [doc(2, "one 😀 two\nthree"), doc(3, "one 😀 two\nthree")];
        type_in(&mut readers[0], r#"[16,[0,"mine"]]"#);
        let taken = readers.each_mut().map(|reader| {
            assert!(is_taken(reader, &first));
            is_taken(reader, &second)
        });
        prop_assert_eq!(taken[0], taken[1]);
        for reader in &mut readers {
            let again = TextDoc::load(&reader.save(), LineEnds::default(), actor(8)).unwrap();
            prop_assert_eq!(again.text(), reader.text());
        }
    }
}

#[test]
fn what_a_change_inserts_is_read_from_its_bytes_as_it_is_decoded() {
    let mut alice = doc(1, "hello");
    for json in [
        r#"[[0,"ab"],5]"#,
        r#"[[3],4]"#,
        r#"[2,[2,"xyz"]]"#,
        r#"[[1],1,[0,"q"],2,[1,"w"]]"#,
        r#"[5]"#,
    ] {
        alice.splice(&ChangeSet::from_json(json).unwrap()).ok();
        let Some(change) = alice.commit(0) else { continue };
        let ops = decode(&change).unwrap().decode().operations;
        let inserts = ops.iter().zip(0..).filter(|(op, _)| op.insert);
        let decoded: Vec<u64> = inserts.map(|(_, at)| at).collect();
        let read: Vec<u64> = columns::inserted(&change).unwrap().into_iter().flatten().collect();
        assert_eq!(read, decoded, "{json}");
        assert_eq!(columns::inserted(&change[..change.len() - 1]), None);
    }
}

#[test]
fn taking_changes_leaves_the_document_that_merging_them_leaves() {
    let (mut alice, mut bob) = (doc(1, "hello"), doc(2, "hello"));
    let first = type_in(&mut alice, r#"[5,[0," world"]]"#);
    let second = type_in(&mut alice, r#"[[5,"bye"],6]"#);
    let mut carol = bob.branch(actor(3));
    assert!(matches!(bob.take(std::slice::from_ref(&second)), Some(TextError::DependencyMissing)));
    assert!(bob.take(&[first.clone(), second.clone(), first.clone()]).is_none());
    assert!(carol.merge(&[first, second]).refused.is_none());
    assert_eq!((bob.text(), bob.heads()), (carol.text(), carol.heads()));
    assert_eq!(bob.text(), alice.text());
}
