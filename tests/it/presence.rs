//! Who else has a text open, told beside the log.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::proto::TOLD_BYTES;
use offing_tests::{Device, World};
use offing_worker::replica::Company;

/// What the server passes on, to all who are online but who said it.
struct Sockets {
    passed: RefCell<Vec<(String, Vec<u8>)>>,
    shown: RefCell<BTreeMap<(String, NodeId), Company>>,
}

impl Sockets {
    fn of(world: &World) -> Rc<Self> {
        let sockets = Rc::new(Self { passed: RefCell::default(), shown: RefCell::default() });
        for device in world.devices() {
            sockets.connects(world, &device);
        }
        sockets
    }

    fn connects(self: &Rc<Self>, world: &World, device: &Rc<Device>) {
        let (telling, showing) = (Rc::clone(self), Rc::clone(self));
        let (teller, others) = (Rc::clone(device), world.devices());
        let (name, executor) = (device.name.clone(), world.executor.clone());
        let tell = move |told: Vec<u8>| {
            if teller.line.offline.get() {
                return;
            }
            telling.passed.borrow_mut().push((teller.name.clone(), told.clone()));
            for other in others.iter().filter(|other| other.name != teller.name) {
                if other.line.offline.get() {
                    continue;
                }
                let (sleeper, told, replica) = (executor.clone(), told.clone(), other.replica());
                executor.spawn(other.tab(), async move {
                    sleeper.sleep(20).await;
                    replica.hear_told(&told).await;
                });
            }
        };
        let show = move |company: Company| {
            let place = (name.clone(), company.node);
            showing.shown.borrow_mut().insert(place, company);
        };
        device.replica().on_presence(tell, show);
    }

    /// Who a device shows in a text, and where.
    fn shows(&self, device: &Device, node: NodeId) -> Vec<(String, Option<(u32, u32)>)> {
        let shown = self.shown.borrow();
        let company = shown.get(&(device.name.clone(), node));
        let visitors = company.into_iter().flat_map(|company| &company.visitors);
        visitors.map(|visitor| (visitor.name.clone(), visitor.cursor)).collect()
    }

    fn told_by(&self, device: &Device) -> usize {
        self.passed.borrow().iter().filter(|(by, _)| *by == device.name).count()
    }
}

/// A device has a text in sight and its cursor there.
fn stands(device: &Device, node: NodeId, anchor: u32, head: u32) {
    let version = device.page.texts.borrow()[&node].version;
    device.replica().attend(node, version, (anchor, head));
}

fn at(name: &str, anchor: u32, head: u32) -> Vec<(String, Option<(u32, u32)>)> {
    vec![(name.to_owned(), Some((anchor, head)))]
}

/// A phone and a laptop that have one text open.
fn in_one_text() -> (World, Rc<Sockets>, NodeId) {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "the tide\n");
    world.sync_all();
    let sockets = Sockets::of(&world);
    phone.opens_text("/notes.md");
    laptop.opens_text("/notes.md");
    stands(&phone, node, 0, 0);
    stands(&laptop, node, 4, 8);
    world.passes(1_000);
    (world, sockets, node)
}

#[test]
fn two_who_have_a_text_open_see_each_other_and_each_move() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    assert_eq!(sockets.shows(&phone, node), at("laptop", 4, 8));
    assert_eq!(sockets.shows(&laptop, node), at("phone", 0, 0));
    stands(&phone, node, 3, 3);
    world.passes(400);
    assert_eq!(sockets.shows(&laptop, node), at("phone", 3, 3));
    assert!(sockets.passed.borrow().iter().all(|(_, told)| told.len() == TOLD_BYTES));
}

#[test]
fn a_cursor_stays_in_its_words_whatever_is_typed_on_both() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.types(node, |text| format!("about {text}"));
    stands(&laptop, node, 10, 14);
    world.passes(400);
    assert_eq!(sockets.shows(&phone, node), at("laptop", 4, 8), "where the typing is not yet");
    world.passes(5_000);
    assert_eq!(phone.sees(node), "about the tide\n");
    assert_eq!(sockets.shows(&phone, node), at("laptop", 10, 14));
    assert_eq!(sockets.shows(&laptop, node), at("phone", 6, 6));
}

#[test]
fn a_cursor_before_what_was_just_typed_is_found_when_the_typing_comes() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.types(node, |text| text.replace("tide", "turning tide"));
    stands(&laptop, node, 6, 6);
    world.passes(400);
    assert_eq!(sockets.shows(&phone, node), [("laptop".to_owned(), None)]);
    world.passes(5_000);
    assert_eq!(sockets.shows(&phone, node), at("laptop", 6, 6));
}

#[test]
fn who_is_alone_greets_and_tells_nothing_more() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "the tide\n");
    let other = laptop.creates_text("/other.md", "elsewhere\n");
    world.sync_all();
    let sockets = Sockets::of(&world);
    phone.opens_text("/notes.md");
    laptop.opens_text("/other.md");
    stands(&laptop, other, 0, 0);
    for head in 0..8 {
        stands(&phone, node, head, head);
        world.passes(1_000);
    }
    assert_eq!((sockets.told_by(&phone), sockets.told_by(&laptop)), (1, 1));
    phone.closes_text(node);
    world.passes(1_000);
    assert_eq!(sockets.told_by(&phone), 1, "nobody is there whom it would leave");
    assert!(sockets.shows(&phone, node).is_empty() && sockets.shows(&laptop, other).is_empty());
}

#[test]
fn who_closes_is_gone_at_once_and_whose_line_is_cut_before_long() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.closes_text(node);
    world.passes(100);
    assert!(sockets.shows(&laptop, node).is_empty());

    phone.opens_text("/notes.md");
    stands(&phone, node, 1, 1);
    world.passes(1_000);
    assert_eq!(sockets.shows(&laptop, node), at("phone", 1, 1));
    assert_eq!(sockets.shows(&phone, node), at("laptop", 4, 8));
    world.goes_offline("phone");
    phone.replica().is_cut_off();
    world.passes(100);
    assert!(sockets.shows(&phone, node).is_empty());
    world.passes(limits::PRESENCE_FADE_MS as u64);
    assert!(sockets.shows(&laptop, node).is_empty());

    let told = sockets.told_by(&phone);
    world.passes(60_000);
    assert_eq!(sockets.told_by(&phone), told, "offline nothing is told");
    world.goes_online("phone");
    phone.replica().greet();
    world.passes(1_000);
    assert_eq!(sockets.shows(&laptop, node), at("phone", 1, 1));
    assert_eq!(sockets.shows(&phone, node), at("laptop", 4, 8));
}

#[test]
fn what_is_altered_repeated_or_noise_shows_nobody() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let before = sockets.passed.borrow().clone();
    phone.closes_text(node);
    world.passes(100);
    let hears = |told: Vec<u8>| {
        let replica = laptop.replica();
        world.executor.block_on(async move { replica.hear_told(&told).await });
    };
    for (_, told) in before {
        hears(told.clone());
        for at in [0, 31, 32, 35, 60, 90, 300, TOLD_BYTES - 1] {
            let mut altered = told.clone();
            altered[at] ^= 1;
            hears(altered);
        }
        hears(told[..TOLD_BYTES - 1].to_vec());
    }
    world.passes(1_000);
    assert!(sockets.shows(&laptop, node).is_empty());
}

#[test]
fn a_device_that_was_taken_off_sees_nobody_and_is_not_seen() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    laptop.takes_off(&phone).unwrap();
    // A server that lies passes on what both say.
    world.passes(limits::PRESENCE_FADE_MS as u64);
    stands(&phone, node, 2, 2);
    stands(&laptop, node, 3, 3);
    world.passes(5_000);
    assert!(sockets.shows(&laptop, node).is_empty());
    assert!(sockets.shows(&phone, node).is_empty());
}

#[test]
fn nothing_of_it_is_in_the_log_or_waits() {
    let (world, sockets, node) = in_one_text();
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let tip = world.tip();
    for head in 0..20 {
        stands(&phone, node, head % 8, head % 8);
        world.passes(500);
    }
    assert!(sockets.told_by(&phone) >= 20);
    assert_eq!(world.tip(), tip);
    assert_eq!((phone.unsynced(), laptop.unsynced()), (0, 0));
}
