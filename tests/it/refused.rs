//! Files that the server does not take, for want of space.

use offing_core::proto::Code;
use offing_core::rpc::{Alarm, Clash, Fault, SyncState, TransferControl, TransferState};
use offing_tests::World;

const FILM_BYTES: usize = 3_000_000;

fn refused() -> TransferState {
    TransferState::Failed(Fault::Server(Code::QuotaExceeded))
}

#[test]
fn a_file_that_does_not_fit_fails_by_itself_and_texts_go_on() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.creates_text("/notes.md", "");
    world.sync_all();
    world.leaves_space(Some(200_000));
    let film = crate::noise(1, FILM_BYTES);
    let [id] = phone.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    phone.appends_to("/notes.md", "before, ");
    world.passes(20_000);
    assert_eq!(phone.transfer(id), refused());
    assert!(!phone.shows("/film.mp4"), "it is no file yet");
    assert_ne!(phone.status().state, SyncState::OnServer, "it is not on the server");
    assert_ne!(phone.unsynced(), 0, "signing out would lose it");
    phone.appends_to("/notes.md", "after");
    world.passes(5_000);
    assert_eq!(laptop.reads_text("/notes.md"), "before, after");
    world.restarts("phone");
    world.passes(20_000);
    assert_eq!(phone.transfer(id), refused(), "and it is kept for a later try");
    world.leaves_space(None);
    phone.steers(id, TransferControl::Retry);
    world.sync_all();
    world.assert_converged();
    assert_eq!(phone.transfer(id), TransferState::Done);
    assert_eq!(laptop.reads("/film.mp4").unwrap(), film);
}

#[test]
fn a_file_that_does_not_fit_can_be_given_up() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    world.leaves_space(Some(200_000));
    let film = crate::noise(1, FILM_BYTES);
    let [id] = phone.uploads("/", &[("film.mp4", &film)], Clash::Ask)[..] else { panic!() };
    world.passes(20_000);
    assert_eq!(phone.transfer(id), refused());
    phone.steers(id, TransferControl::Cancel);
    world.sync_all();
    assert_eq!((phone.unsynced(), phone.stored_bytes()), (0, 0));
}

#[test]
fn what_was_made_offline_passes_files_that_do_not_fit() {
    for restart in [false, true] {
        let world = World::with(&["phone", "laptop"]);
        let (phone, laptop) = (world.device("phone"), world.device("laptop"));
        phone.creates_text("/notes.md", "");
        world.sync_all();
        world.goes_offline("phone");
        phone.appends_to("/notes.md", "1");
        let (film, photo) = (crate::noise(1, FILM_BYTES), crate::noise(2, 150_000));
        let files: [(&str, &[u8]); 2] = [("film.mp4", &film), ("photo.jpg", &photo)];
        let ids = phone.uploads("/", &files, Clash::Ask);
        world.passes(20_000);
        assert!(phone.shows("/film.mp4"), "it is saved here");
        phone.appends_to("/notes.md", "2");
        phone.renames("/film.mp4", "summer.mp4");
        phone.creates_folder("/folder");
        phone.moves("/photo.jpg", "/folder");
        phone.appends_to("/notes.md", "3");
        world.leaves_space(Some(60_000));
        world.goes_online("phone");
        world.passes(30_000);
        assert_eq!(laptop.reads_text("/notes.md"), "123");
        assert!(laptop.shows("/folder"));
        assert!(!laptop.shows("/summer.mp4") && !laptop.shows("/film.mp4"));
        assert!(ids.iter().all(|id| phone.transfer(*id) == refused()));
        assert_eq!(phone.status().state, SyncState::SavedHere);
        if restart {
            world.restarts("phone");
        }
        // The log goes on, and what is made now passes them too.
        laptop.appends_to("/notes.md", "4");
        world.passes(5_000);
        phone.appends_to("/notes.md", "5");
        world.passes(70_000);
        assert_eq!(laptop.reads_text("/notes.md"), "12345");
        assert_eq!(phone.reads("/summer.mp4").unwrap(), film);
        let chunks_sent = phone.line.chunks_sent.get();
        world.passes(300_000);
        assert_eq!(phone.line.chunks_sent.get(), chunks_sent);
        world.leaves_space(None);
        world.sync_all();
        world.assert_converged();
        assert_eq!(laptop.reads("/summer.mp4").unwrap(), film);
        assert_eq!(laptop.reads("/folder/photo.jpg").unwrap(), photo);
        assert_eq!(*laptop.page.alarms.borrow(), [], "nothing was set aside");
        let told = phone.page.alarms.borrow();
        assert!(told.iter().all(|a| *a == Alarm::ServerRefuses(Code::QuotaExceeded)), "{told:?}");
    }
}

#[test]
fn a_file_that_is_replaced_by_one_that_does_not_fit_loses_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let (old, new) = (crate::noise(1, 300_000), crate::noise(2, FILM_BYTES));
    phone.uploads("/", &[("film.mp4", &old)], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    phone.creates_folder("/before");
    phone.uploads("/", &[("film.mp4", &new)], Clash::Replace);
    world.passes(20_000);
    phone.creates_folder("/after");
    world.leaves_space(Some(60_000));
    world.goes_online("phone");
    world.passes(30_000);
    assert!(laptop.shows("/before"), "what came before it is there");
    assert!(laptop.shows("/after"), "and so is what came after it");
    laptop.renames("/film.mp4", "old.mp4");
    world.passes(70_000);
    phone.creates_folder("/later");
    phone.moves("/old.mp4", "/later");
    world.passes(70_000);
    assert!(laptop.shows("/later"), "and what was made when more had been seen");
    assert_eq!(laptop.reads("/old.mp4").unwrap(), old);
    world.leaves_space(None);
    world.sync_all();
    world.assert_converged();
    assert_eq!(laptop.reads("/later/old.mp4").unwrap(), new);
    assert!(!laptop.row("/later/old.mp4").unwrap().two_versions);
    assert_eq!(*laptop.page.alarms.borrow(), [], "nothing was set aside");
}

#[test]
fn what_is_put_in_the_trash_after_it_was_refused_holds_up_nothing() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("film.mp4", &crate::noise(1, 300_000))], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    phone.uploads("/", &[("film.mp4", &crate::noise(2, FILM_BYTES))], Clash::Replace);
    world.passes(20_000);
    world.leaves_space(Some(60_000));
    world.goes_online("phone");
    world.passes(30_000);
    phone.trashes("/film.mp4");
    laptop.creates_folder("/of the laptop");
    world.passes(70_000);
    phone.creates_folder("/after");
    world.passes(30_000);
    assert!(laptop.shows("/after") && laptop.shows("/film.mp4"));
    world.leaves_space(None);
    world.sync_all();
    world.assert_converged();
    assert!(!laptop.shows("/film.mp4"));
}

#[test]
fn what_was_typed_into_a_file_that_is_replaced_is_never_claimed_as_seen() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    phone.uploads("/", &[("notes.txt", b"old")], Clash::Ask);
    world.sync_all();
    world.goes_offline("phone");
    let new = "new ".repeat(150_000);
    phone.uploads("/", &[("notes.txt", new.as_bytes())], Clash::Replace);
    world.passes(20_000);
    world.leaves_space(Some(60_000));
    world.goes_online("phone");
    world.passes(30_000);
    laptop.appends_to("/notes.txt", ", typed");
    world.passes(70_000);
    phone.creates_folder("/after");
    world.passes(70_000);
    assert!(!laptop.shows("/after"), "it is made by who has seen that");
    world.leaves_space(None);
    world.sync_all();
    world.assert_converged();
    assert!(laptop.shows("/after"));
    assert!(laptop.row("/notes.txt").unwrap().two_versions, "what was typed is there");
}
