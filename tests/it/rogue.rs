//! A device of the account that is no honest one: what it writes deceives nobody.

use offing_core::crypto::native::ready;
use offing_core::log::change::ChangeBody;
use offing_core::proto::AppendResult;
use offing_core::rpc::{Clash, Fault};
use offing_core::tree::{NodeRow, Value};
use offing_tests::World;
use offing_tests::rogue::Rogue;
use offing_worker::store::{Store, Table};

#[test]
fn an_inline_manifest_of_another_file_is_not_taken_for_this_one_s() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("mine.bin", b"what I signed"), ("other.bin", b"another")], Clash::Ask);
    world.sync_all();
    let (mine, other) = (phone.node("/mine.bin"), phone.node("/other.bin"));
    let row = ready(phone.profile.store.get(Table::Nodes, &other.0)).unwrap().unwrap();
    let content = NodeRow::decode(&row).unwrap().contents[0].value.clone();
    // The content is genuine, and so is the signature; only the file is not its own.
    Rogue::joins(&world).sets(&world, mine, Value::Content(content));
    world.sync_all();
    for device in [&phone, &laptop] {
        let corrupt = Err(Fault::Corrupt { name: "mine.bin".to_owned() });
        assert_eq!(device.reads("/mine.bin"), corrupt, "{}", device.name);
        assert_eq!(device.reads("/other.bin").unwrap(), b"another");
    }
}

#[test]
fn what_was_sealed_in_an_epoch_that_ended_is_refused_by_the_server() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let mut rogue = Rogue::joins(&world);
    world.sync_all();
    laptop.takes_off(&phone).unwrap();
    let late = ChangeBody::default();
    assert_eq!(rogue.writes(&world, &late), AppendResult::EpochStale);
}
