//! The search index that devices share: a word is found in what a device has never fetched, and
//! nobody but a device of the account can say what is found.

use std::rc::Rc;

use offing_core::log::entry::{Entry, EntryKind};
use offing_core::proto::{LogPage, PageItem};
use offing_core::rpc::{self, Clash};
use offing_search::searcher::{Filter, Searcher};
use offing_tests::rogue::Rogue;
use offing_tests::{Device, World};

const HOUR_MS: u64 = 3_600_000;

/// Changes what a server shows.
type Lie = Box<dyn Fn(&mut LogPage)>;

/// A device's searcher.
struct Reader {
    device: Rc<Device>,
    searcher: Searcher,
}

impl Reader {
    /// Loads what the device keeps.
    fn of(device: &Rc<Device>) -> Self {
        let mut reader = Self { device: Rc::clone(device), searcher: Searcher::default() };
        let mut ask = Some(reader.searcher.open());
        while let Some(question) = ask {
            let answer = reader.asks(&question);
            ask = reader.searcher.loaded(answer.as_deref());
        }
        reader
    }

    fn asks(&self, question: &[u8]) -> Option<Vec<u8>> {
        let (replica, question) = (self.device.replica(), question.to_vec());
        self.device.run(async move { replica.answer_index(rpc::decode(&question).unwrap()).await })
    }

    /// Looks an hour later, takes what is shared, reads what is here, and shares; says whether it did.
    fn looks(&mut self) -> bool {
        self.device.run_for(HOUR_MS);
        let now_ms = HOUR_MS + self.device.now_ms();
        let mut ask = Some(self.searcher.begin());
        while let Some(question) = ask {
            let page = self.asks(&question).unwrap();
            ask = self.searcher.told(&page);
        }
        let mut ask = self.searcher.seek(now_ms);
        while let Some(question) = ask {
            let answer = self.asks(&question);
            ask = self.searcher.found(answer.as_deref());
        }
        while let Some(node) = self.searcher.next() {
            let replica = self.device.replica();
            let content = self.device.run(async move {
                replica.open_content(node).await.unwrap().read(0..u64::MAX).await.ok()
            });
            self.searcher.take(content.as_deref());
        }
        self.keeps();
        let Some(question) = self.searcher.share(now_ms) else { return false };
        let answer = self.asks(&question);
        self.searcher.shared(answer.as_deref(), now_ms);
        self.keeps();
        answer.is_some()
    }

    fn keeps(&mut self) {
        for question in self.searcher.keep() {
            self.asks(&question).unwrap();
        }
        self.searcher.kept();
    }

    fn finds(&mut self, query: &str) -> Vec<String> {
        let hits = self.searcher.find(query, &Filter::default(), 20);
        hits.into_iter().map(|hit| hit.row.name).collect()
    }
}

/// A laptop that has a file of its own and shared what it read of it.
fn shared() -> (World, Rc<Device>) {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    laptop.uploads("/", &[("voyage.pdf", b"narwhals in sight")], Clash::Ask);
    world.sync_all();
    assert!(Reader::of(&laptop).looks());
    world.sync_all();
    (world, laptop)
}

#[test]
fn a_newcomer_finds_a_word_of_a_file_that_it_never_fetched_and_goes_on_offline() {
    let (world, _) = shared();
    let phone = world.adds("phone");
    world.sync_all();
    let mut reader = Reader::of(&phone);
    assert!(!reader.looks(), "it has read nothing that is new");
    assert_eq!(reader.finds("narwhal"), ["voyage.pdf"]);
    assert!(!phone.row("/voyage.pdf").unwrap().local);
    world.goes_offline("phone");
    phone.crashes();
    phone.opens();
    let mut reader = Reader::of(&phone);
    reader.looks();
    assert_eq!(reader.finds("narwhal"), ["voyage.pdf"]);
}

#[test]
fn a_newcomer_that_begins_with_a_snapshot_takes_the_index_of_before_it() {
    let (world, laptop) = shared();
    assert!(laptop.writes_snapshot());
    laptop.creates_folder("/later");
    world.sync_all();
    let mut reader = Reader::of(&world.adds("phone"));
    reader.looks();
    assert_eq!(reader.finds("narwhal"), ["voyage.pdf"]);
}

#[test]
fn devices_take_from_each_other_and_send_only_what_is_new() {
    let (world, laptop) = shared();
    let phone = world.adds("phone");
    let mut there = Reader::of(&phone);
    there.looks();
    phone.uploads("/", &[("gulls.pdf", b"gulls over the pier")], Clash::Ask);
    world.sync_all();
    let before = phone.line.chunks_sent.get();
    assert!(there.looks());
    assert_eq!(phone.line.chunks_sent.get() - before, 1, "the laptop's segment is there");
    world.sync_all();
    let mut here = Reader::of(&laptop);
    here.looks();
    assert_eq!(
        (here.finds("gulls"), here.finds("narwhals")),
        (vec!["gulls.pdf".to_owned()], vec!["voyage.pdf".to_owned()])
    );
    world.assert_converged();
}

#[test]
fn what_is_replaced_is_called_dead_and_removed_and_a_newcomer_lacks_nothing() {
    let (world, laptop) = shared();
    let mut reader = Reader::of(&laptop);
    // Eight small segments become one, and those are in no index any more.
    for number in 0..10 {
        laptop.uploads("/", &[(&format!("{number}.pdf"), b"puffins")], Clash::Ask);
        world.sync_all();
        assert!(reader.looks());
        world.sync_all();
    }
    let named = world.counts_about_index(EntryKind::Gc);
    assert!(world.counts_about_index(EntryKind::Heartbeat) == 11 && named > 0, "{named}");
    world.sync_all();
    assert!(world.collects() >= 7);
    let mut newcomer = Reader::of(&world.adds("phone"));
    newcomer.looks();
    assert_eq!((newcomer.finds("puffin").len(), newcomer.finds("narwhal").len()), (10, 1));
    let alarms = laptop.page.alarms.borrow();
    assert!(alarms.is_empty(), "{alarms:?}");
}

#[test]
fn a_persons_own_work_goes_first() {
    let world = World::with(&["laptop"]);
    let laptop = world.device("laptop");
    world.goes_offline("laptop");
    laptop.creates_text("/log.md", "narwhals in sight");
    let mut reader = Reader::of(&laptop);
    assert!(!reader.looks());
    assert!(laptop.pending() > 0 && laptop.line.chunks_sent.get() == 0);
    world.goes_online("laptop");
    world.sync_all();
    assert!(reader.looks());
}

#[test]
fn what_a_device_shared_that_was_taken_off_is_not_taken_and_is_shared_anew() {
    let (world, laptop) = shared();
    let phone = world.adds("phone");
    let mut there = Reader::of(&phone);
    there.looks();
    phone.takes_off(&laptop).unwrap();
    phone.nudges();
    world.passes(60_000);
    let tablet = world.adds("tablet");
    let mut newcomer = Reader::of(&tablet);
    newcomer.looks();
    assert_eq!(newcomer.finds("narwhal"), [""; 0]);
    // What a device keeps of it outlives the epoch.
    let mut there = Reader::of(&phone);
    assert!(there.looks());
    phone.nudges();
    world.passes(60_000);
    tablet.nudges();
    world.passes(60_000);
    newcomer.looks();
    assert_eq!(newcomer.finds("narwhal"), ["voyage.pdf"]);
}

#[test]
fn an_index_of_an_earlier_epoch_by_a_device_that_is_there_is_taken() {
    let (world, laptop) = shared();
    let phone = world.adds("phone");
    world.sync_all();
    laptop.takes_off(&phone).unwrap();
    laptop.nudges();
    world.passes(60_000);
    let mut newcomer = Reader::of(&world.adds("tablet"));
    newcomer.looks();
    assert_eq!(newcomer.finds("narwhal"), ["voyage.pdf"]);
}

#[test]
fn nonsense_by_a_device_of_the_account_is_passed_over_for_the_one_before() {
    let (world, _) = shared();
    let mut rogue = Rogue::joins(&world);
    rogue.tells_of_index(&world, EntryKind::Heartbeat, &[]);
    let mut newcomer = Reader::of(&world.adds("phone"));
    newcomer.looks();
    assert_eq!(newcomer.finds("narwhal"), ["voyage.pdf"]);
    // It calls dead what others share, and it stays.
    let pieces: Vec<_> = world.named_by(EntryKind::Heartbeat).into_iter().collect();
    rogue.tells_of_index(&world, EntryKind::Gc, &pieces);
    world.sync_all();
    world.collects();
    assert!(world.has(&pieces).iter().all(|has| *has));
}

#[test]
fn a_server_that_lies_about_an_index_is_not_believed_and_nobody_is_alarmed() {
    let forged = |page: &mut LogPage| {
        for item in &mut page.items {
            let PageItem::Full(wire) = item else { continue };
            let mut entry = Entry::decode(wire).unwrap();
            entry.body[40] ^= 1;
            *wire = entry.encode();
        }
    };
    let torn = |page: &mut LogPage| page.items = vec![PageItem::Full(vec![1, 2, 3])];
    let hidden = |page: &mut LogPage| page.items.clear();
    let lies: [Lie; 3] = [Box::new(forged), Box::new(torn), Box::new(hidden)];
    for lie in lies {
        let (world, _) = shared();
        let phone = world.adds("phone");
        world.net.index_lie.replace(Some(lie));
        let mut reader = Reader::of(&phone);
        reader.looks();
        assert_eq!(reader.finds("narwhal"), [""; 0]);
        assert!(phone.page.alarms.borrow().is_empty());
        world.net.index_lie.replace(None);
        reader.looks();
        assert_eq!(reader.finds("narwhal"), ["voyage.pdf"]);
    }
}

#[test]
fn a_damaged_piece_is_left_out_until_it_can_be_had() {
    let (world, _) = shared();
    let phone = world.adds("phone");
    world.net.chunk_lie.replace(Some(Box::new(|_, bytes| bytes[30] ^= 1)));
    let mut reader = Reader::of(&phone);
    reader.looks();
    assert_eq!(reader.finds("narwhal"), [""; 0]);
    world.net.chunk_lie.replace(None);
    reader.looks();
    assert_eq!(reader.finds("narwhal"), ["voyage.pdf"]);
}
