//! One text, edited on several devices.

use offing_tests::World;

#[test]
fn edits_made_offline_on_both_are_merged() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "one\ntwo\nthree\n");
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.edits(phone.node("/notes.md"), |text| text.replace("one", "ONE"));
    laptop.edits(laptop.node("/notes.md"), |text| text.replace("three", "THREE"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/notes.md"), "ONE\ntwo\nTHREE\n");
}

#[test]
fn an_open_editor_sees_the_other_devices_typing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "a\n");
    world.sync_all();
    phone.opens_text("/notes.md");
    laptop.opens_text("/notes.md");
    for i in 0..5 {
        phone.types(node, |text| format!("phone {i}\n{text}"));
        laptop.types(node, |text| format!("{text}laptop {i}\n"));
        world.passes(300);
    }
    world.passes(20_000);
    assert_eq!(phone.sees(node), laptop.sees(node));
    assert_eq!(phone.sees(node).lines().count(), 11);
    assert!(phone.page.merged_from.borrow().contains(&"laptop".to_owned()));
    phone.closes_text(node);
    laptop.closes_text(node);
    world.sync_all();
    world.assert_converged();
}

#[test]
fn what_arrives_while_someone_types_loses_nothing_of_either() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    laptop.opens_text("/notes.md");
    for i in 0..20 {
        phone.edits(node, |text| format!("p{i} {text}"));
        for _ in 0..4 {
            laptop.types(node, |text| format!("{text}x"));
            world.passes(97);
        }
    }
    laptop.closes_text(node);
    world.sync_all();
    world.assert_converged();
    let text = phone.reads_text("/notes.md");
    assert_eq!(text.matches('x').count(), 80);
    assert!((0..20).all(|i| text.contains(&format!("p{i} "))), "{text}");
}

#[test]
fn characters_outside_the_basic_plane_survive_a_merge() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let node = phone.creates_text("/notes.md", "👩‍👧 größe 𝄞\n");
    world.sync_all();
    world.goes_offline("laptop");
    phone.edits(node, |text| text.replace("𝄞", "𝄞𝄢"));
    laptop.edits(node, |text| text.replace("👩‍👧", "👨‍👧😀"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads_text("/notes.md"), "👨‍👧😀 größe 𝄞𝄢\n");
}

#[test]
fn a_text_with_many_increments_opens_the_same_after_a_restart() {
    let world = World::with(&["phone", "laptop"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "");
    for i in 0..150 {
        phone.edits(node, |text| format!("{text}{i} "));
    }
    world.sync_all();
    let text = phone.reads_text("/notes.md");
    for name in ["phone", "laptop"] {
        world.device(name).edits(node, |text| text.to_owned());
        world.restarts(name);
        assert_eq!(world.device(name).reads_text("/notes.md"), text);
    }
    world.sync_all();
    world.assert_converged();
}

#[test]
fn an_uploaded_text_is_edited_from_what_was_uploaded() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let upload: &[u8] = "eins\nzwei\n".as_bytes();
    phone.uploads("/", &[("plan.txt", upload)], offing_core::rpc::Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    world.goes_offline("laptop");
    phone.appends_to("/plan.txt", "drei\n");
    laptop.edits(laptop.node("/plan.txt"), |text| format!("null\n{text}"));
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.reads_text("/plan.txt"), "null\neins\nzwei\ndrei\n");
}
