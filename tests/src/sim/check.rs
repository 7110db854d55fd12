//! What must be so when nothing moves any more.
//!
//! A device that only now joins the vault sees nothing but what the server has: it is the
//! one that all others are compared with, byte by byte, and on which promises are looked
//! for. A device that was stopped by an alarm has to have what it promised itself.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use offing_core::id::{ChunkId, DeviceId, Hash, NodeId};
use offing_core::label::Label;
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::proto::Code;
use offing_core::rpc::{Fault, Kind};
use offing_core::tree;
use offing_worker::store::Table;
use sha2::{Digest as _, Sha256};

use super::acts::words_of;
use super::life::Life;
use super::model::{Promise, Thing};
use super::picture::{Picture, chunks, hashes, table};
use super::plan::Harm;
use super::seat::Seat;
use crate::device::Device;

impl Life {
    /// Looks at everything.
    pub(super) fn checks(&mut self) {
        self.notes("world", "is looked at");
        if self.plan.seed % 2 == 1 {
            self.somebody_writes_a_snapshot();
        }
        self.everybody_names_what_is_dead();
        self.tally.entries = self.the_log_is_one_chain();
        self.everything_declared_is_there();
        let auditor = match self.world.tries_to_add("auditor") {
            Ok(auditor) => auditor,
            Err(fault) => panic!("nobody can join any more: {fault:?}"),
        };
        self.world.passes(5_000);
        for seat in self.seats.iter().filter(|seat| self.goes_on(seat)) {
            // The auditor's own introduction is no op; nothing else has been written since.
            self.is_the_same(seat, &auditor);
        }
        a_tree_is_shown(&auditor);
        self.everything_named_is_there(&auditor);
        let (contents, ended) = self.reads_everything(&auditor);
        self.promises_are_kept(&contents, &ended);
    }

    /// The auditor of every other life begins with a snapshot.
    fn somebody_writes_a_snapshot(&self) {
        let mut seats = self.seats.iter().filter(|seat| self.goes_on(seat));
        let tab = seats.find_map(|seat| seat.open_tabs().into_iter().next());
        if let Some(tab) = tab
            && tab.device.writes_snapshot()
        {
            self.notes("world", format!("{} wrote a snapshot", tab.name));
            self.world.passes(5_000);
        }
    }

    /// A seat that was neither lost nor stopped.
    fn goes_on(&self, seat: &Seat) -> bool {
        !seat.lost.get() && seat.stopped.borrow().is_none()
    }

    /// Recomputes the whole log; returns its length.
    fn the_log_is_one_chain(&self) -> u64 {
        let (entries, tip) = self.world.reads_the_log();
        let mut at = ChainPoint::START;
        let mut devices: BTreeMap<DeviceId, (u64, Hash)> = BTreeMap::new();
        for wire in &entries {
            let entry = Entry::decode(wire).unwrap();
            let header = Header::decode(&entry.header).unwrap();
            let (dseq, prev) = devices.get(&header.device).copied().unwrap_or((0, Hash([0; 32])));
            assert_eq!(header.dseq, dseq + 1, "the counter of a device is dense");
            assert_eq!(header.prev, prev, "an entry names the one before");
            devices.insert(header.device, (header.dseq, entry.hash()));
            at = at.extend(&entry.hash());
        }
        assert_eq!(at.seq, tip.seq, "the log is as long as its tip says");
        assert_eq!(at.chain, tip.chain, "the log is one chain");
        at.seq
    }

    /// Whatever was removed, nothing is that a change has declared and nobody called dead.
    fn everything_declared_is_there(&mut self) {
        self.collects();
        if self.set_back_ms.is_some() {
            // What is given back may name chunks that nobody has any more.
            return;
        }
        let dead = self.world.buried();
        let called: Vec<ChunkId> = dead.iter().copied().collect();
        self.tally.ended = self.world.has(&called).iter().filter(|has| !**has).count() as u64;
        let named = self.world.named_by(EntryKind::Change);
        let named: Vec<ChunkId> = named.difference(&dead).copied().collect();
        let lacking = self.world.has(&named).iter().filter(|has| !**has).count();
        assert_eq!(lacking, 0, "the server removed what is needed");
    }

    /// Nothing was removed that a file has or had which is not gone, nor of a text.
    fn everything_named_is_there(&mut self, auditor: &Device) {
        if self.set_back_ms.is_some() {
            return;
        }
        let named: Vec<ChunkId> = Picture::of(&auditor.profile).named(&auditor.profile);
        let has = self.world.has(&named);
        let lacking: Vec<_> = named.iter().zip(has).filter(|(_, has)| !has).collect();
        assert!(lacking.is_empty(), "the server removed what is named: {lacking:?}");
    }

    fn is_the_same(&self, seat: &Seat, auditor: &Device) {
        for what in [Table::Nodes, Table::Listing] {
            let (own, other) = (table(&seat.profile, what), table(&auditor.profile, what));
            if own == other {
                continue;
            }
            let (own, other): (BTreeSet<_>, BTreeSet<_>) =
                (own.into_iter().collect(), other.into_iter().collect());
            let describe = |rows: Vec<&(Vec<u8>, Vec<u8>)>| {
                let nodes = rows.iter().map(|(_, bytes)| tree::NodeRow::decode(bytes));
                match nodes.collect::<Result<Vec<_>, _>>() {
                    Ok(nodes) => format!("{nodes:?}"),
                    Err(_) => format!("{rows:?}"),
                }
            };
            panic!(
                "{} has other {} than the log: {} instead of {}",
                seat.name,
                what.name(),
                describe(own.difference(&other).collect()),
                describe(other.difference(&own).collect())
            );
        }
        assert_eq!(table(&seat.profile, Table::Transfers), [], "{} still uploads", seat.name);
        let refuses = seat.harms.borrow().contains(&Harm::ServerSetBack);
        let set_aside = table(&seat.profile, Table::Quarantine).len();
        assert!(refuses || set_aside == 0, "{} set {set_aside} entries aside", seat.name);
    }

    /// The contents of all files, as they come from the server, and the hashes of those that are
    /// not there any more. Every version is there.
    fn reads_everything(&self, auditor: &Rc<Device>) -> (Vec<Vec<u8>>, BTreeSet<Hash>) {
        let two = Picture::of(&auditor.profile);
        let gone: BTreeSet<NodeId> = two.gone().into_iter().collect();
        let purged = self.told.model.purged.borrow();
        let not_meant: Vec<&NodeId> = gone.difference(&purged).collect();
        assert!(not_meant.is_empty(), "nobody deleted {not_meant:?} for good");
        let there = |row: &&tree::NodeRow| !gone.contains(&row.node);
        for row in two.rows.values().filter(there).filter(|row| row.two_versions()) {
            let (node, replica) = (row.node, auditor.replica());
            // In the trash nothing can be made; versions are settled where the file was.
            auditor.run(async move { replica.restore(&[node]).await }).unwrap();
            auditor.keeps_all_versions(node);
        }
        let picture = Picture::of(&auditor.profile);
        let files = picture.rows.values().filter(|row| row.kind() != Kind::Folder);
        let (mut contents, mut ended) = (Vec::new(), BTreeSet::new());
        for row in files {
            match auditor.reads_node(row.node) {
                Ok(bytes) => contents.push(bytes),
                Err(_) if gone.contains(&row.node) => ended.extend(hashes(row)),
                Err(Fault::Server(Code::ChunkUnknown)) if self.went_with_its_disk(row) => {
                    ended.extend(hashes(row));
                }
                Err(fault) => panic!("{} cannot be read: {fault:?}", picture.path(row.node)),
            }
        }
        (contents, ended)
    }

    /// What of a file was on the server alone when it was set back: each chunk that is missing
    /// was let go of by a device.
    fn went_with_its_disk(&self, row: &tree::NodeRow) -> bool {
        let chunks: Vec<ChunkId> = chunks(row).collect();
        let has = self.world.has(&chunks);
        let mut missing = chunks.iter().zip(has).filter(|(_, has)| !has);
        let was_let_go =
            |id: ChunkId| self.seats.iter().any(|seat| seat.profile.shelf.has_removed(id));
        self.set_back_ms.is_some() && missing.all(|(id, _)| was_let_go(*id))
    }

    fn promises_are_kept(&self, contents: &[Vec<u8>], ended: &BTreeSet<Hash>) {
        let picture = Picture::of(&self.world.device("auditor").profile);
        let texts: Vec<String> =
            contents.iter().filter_map(|bytes| String::from_utf8(bytes.clone()).ok()).collect();
        let words: BTreeSet<&str> = texts.iter().flat_map(|text| words_of(text)).collect();
        let typed_twice = self.told.model.typed_twice.borrow();
        for text in &texts {
            let mut seen = BTreeSet::new();
            let mut again = words_of(text).filter(|word| !seen.insert(*word));
            let twice = again.find(|word| !typed_twice.contains(*word));
            assert_eq!(twice, None, "a word is twice in one text: {text}");
        }
        for promise in &*self.told.model.promises.borrow() {
            let kept = match &promise.thing {
                Thing::Node(node) => picture.rows.contains_key(node),
                Thing::Label(node, label) => has_label(&picture, node, label),
                Thing::Word(word) => words.contains(word.as_str()),
                Thing::File(token) if token.noise_bytes == 0 => {
                    texts.iter().any(|text| text.contains(&token.head))
                }
                Thing::File(token) => {
                    let bytes = token.bytes();
                    contents.contains(&bytes) || ended.contains(&Hash(Sha256::digest(bytes).into()))
                }
            };
            if !kept && !self.may_be_gone(promise) {
                panic!("{} promised {:?}, and it is lost: {promise:?}", self.who(promise), promise);
            }
        }
    }

    fn who(&self, promise: &Promise) -> String {
        self.seats[promise.seat].name.clone()
    }

    /// Says whether a promise was released, or is kept on a device that was stopped.
    fn may_be_gone(&self, promise: &Promise) -> bool {
        if self.told.model.given_up.borrow().contains(&promise.thing) {
            return true;
        }
        let seat = &self.seats[promise.seat];
        if seat.lost.get() {
            // On the server, and not set back since: the others have it.
            let set_back_ms = self.set_back_ms.unwrap_or(0);
            return promise.on_server_ms.is_none_or(|at_ms| at_ms <= set_back_ms);
        }
        let was_on_server = promise.on_server_ms.is_some();
        seat.stopped.borrow().is_some()
            && (holds(seat, &promise.thing) || was_on_server && has_let_go(seat, &promise.thing))
    }
}

/// Every node is shown once, where the definition of the tree says.
fn a_tree_is_shown(auditor: &Device) {
    let picture = Picture::of(&auditor.profile);
    let shown = tree::resolve_all(picture.rows.values());
    for (node, row) in &picture.rows {
        let expected = (shown[node].parent, shown[node].suffix, shown[node].fallback);
        let actual = (row.shown_parent, row.suffix, row.fallback);
        assert_eq!(actual, expected, "{} is shown elsewhere", picture.path(*node));
    }
    // Walking asserts that nothing is shown twice and no two siblings have one name.
    let listed: BTreeSet<NodeId> = auditor.walk().into_iter().map(|(_, row)| row.node).collect();
    let gone: BTreeSet<NodeId> = picture.gone().into_iter().collect();
    for node in picture.rows.keys() {
        let (is_listed, is_gone) = (listed.contains(node), gone.contains(node));
        assert!(is_listed != is_gone, "{} is in no list, or gone", picture.path(*node));
    }
}

fn has_label(picture: &Picture, node: &NodeId, label: &Label) -> bool {
    picture.rows.get(node).is_some_and(|row| row.labels().contains(&label))
}

/// Says whether a device let go of a file that was on the server, since somebody wanted the room. What was
/// set back without a word then went with the server's disk.
fn has_let_go(seat: &Seat, thing: &Thing) -> bool {
    let Thing::File(token) = thing else { return false };
    let hash = Hash(Sha256::digest(token.bytes()).into());
    let picture = Picture::of(&seat.profile);
    let mut rows = picture.rows.values().filter(|row| hashes(row).any(|other| other == hash));
    rows.any(|row| chunks(row).all(|id| seat.profile.shelf.has_removed(id)))
}

/// Says whether a stopped device still has what it promised, without any network.
fn holds(seat: &Seat, thing: &Thing) -> bool {
    let picture = Picture::of(&seat.profile);
    match thing {
        Thing::Node(node) => return picture.rows.contains_key(node),
        Thing::Label(node, label) => return has_label(&picture, node, label),
        Thing::Word(_) | Thing::File(_) => {}
    }
    let tabs = seat.open_tabs();
    let Some(tab) = tabs.first() else {
        return false;
    };
    seat.line.offline.set(true);
    let files = picture.rows.values().filter(|row| row.kind() != Kind::Folder);
    let mut contents = files.filter_map(|row| tab.device.reads_node(row.node).ok());
    match thing {
        Thing::Node(_) | Thing::Label(..) => false,
        Thing::Word(word) => {
            contents.any(|bytes| String::from_utf8_lossy(&bytes).contains(word.as_str()))
        }
        Thing::File(token) if token.noise_bytes == 0 => {
            contents.any(|bytes| String::from_utf8_lossy(&bytes).contains(token.head.as_str()))
        }
        Thing::File(token) => contents.any(|bytes| bytes == token.bytes()),
    }
}
