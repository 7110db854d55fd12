//! What fails: the wrong password, a rotten disk, a program that is killed, bad input.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

use offing_server::admin::Keeper;
use offing_server::store::places::Places;
use tokio::runtime::Runtime;

use crate::harness::{PASSWORD, World, noise};

#[test]
fn a_wrong_password_is_refused_and_leaves_nothing() {
    let world = World::with("alice");
    let laptop = world.device("laptop");
    laptop.logs_in("alice", "another evening").fails(3, "username or password is wrong");
    laptop.logs_in("mallory", PASSWORD).fails(3, "username or password is wrong");
    laptop.runs(&["ls"]).fails(3, "nobody is signed in");
    laptop.logs_in("alice", PASSWORD).succeeds();
    laptop.logs_in("mallory", PASSWORD).fails(1, "is signed in here");
}

#[test]
fn a_chunk_that_rotted_on_the_server_is_found_by_verify_and_named() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    laptop.puts(&world.disk("sea.jpg", &noise(600_000, 3)), "/").succeeds();
    laptop.puts(&world.disk("fine.jpg", &noise(400_000, 4)), "/").succeeds();
    laptop.runs(&["verify"]).succeeds();

    // One bit in the middle of the first chunk that came.
    let segment = world.segments().into_iter().min().unwrap();
    let mut file = fs::File::options().read(true).write(true).open(segment).unwrap();
    let place = SeekFrom::Start(200_000);
    let mut byte = [0];
    file.seek(place).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(place).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();

    let ran = laptop.runs(&["verify"]);
    assert!(ran.out.contains("0 lost, 1 damaged"), "{}", ran.out);
    ran.fails(5, "/sea.jpg is damaged");
    assert!(!ran.err.contains("fine.jpg"), "{}", ran.err);
    let phone = world.signed_in("phone");
    let (_, ran) = phone.exports("export");
    ran.fails(5, "/sea.jpg is missing: sea.jpg is damaged");
    assert_eq!(ran.out, "1 files in 0 folders, 400000 bytes\n");
}

#[test]
fn a_put_that_was_killed_goes_on_where_it_was() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let film = noise(12 * 1024 * 1024, 5);
    let file = world.disk("film.mkv", &film);
    let mut put = laptop.begins(&["put", file.to_str().unwrap()]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while world.stored_bytes() < 2 * 1024 * 1024 {
        assert!(put.try_wait().unwrap().is_none(), "it is not over before it is killed");
        assert!(Instant::now() < deadline, "nothing arrives");
        std::thread::sleep(Duration::from_millis(2));
    }
    put.kill().unwrap();
    put.wait().unwrap();

    laptop.puts(&file, "/").succeeds();
    assert_eq!(laptop.names("/"), ["film.mkv"]);
    assert!(laptop.reads("/film.mkv") == film, "it is what was put");
    let most = film.len() as u64 + 1024 * 1024;
    assert!(world.stored_bytes() < most, "what had arrived is not stored again");
    laptop.runs(&["verify"]).succeeds();
}

#[test]
fn a_server_that_is_away_is_told_with_its_reason() {
    let mut world = World::with("alice");
    let laptop = world.signed_in("laptop");
    laptop.puts(&world.disk("sea.jpg", &noise(600_000, 6)), "/").succeeds();
    let phone = world.signed_in("phone");
    world.stops_server();
    let listed = phone.runs(&["ls"]);
    assert!(
        listed.err.contains("cannot be reached") && listed.err.contains("refused"),
        "{listed:?}"
    );
    assert!(listed.succeeds().contains("sea.jpg"), "what was here before is listed");
    phone.runs(&["get", "/sea.jpg"]).fails(4, "not on this device");
    phone.runs(&["verify"]).fails(4, "cannot be reached");
    assert_eq!(laptop.reads("/sea.jpg"), noise(600_000, 6), "what is here needs no server");
    world.device("tablet").logs_in("alice", PASSWORD).fails(4, "cannot be reached");
}

#[test]
fn a_closed_account_is_told_and_keeps_what_is_put_until_it_is_open_again() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let file = world.disk("sea.jpg", &noise(600_000, 7));
    laptop.puts(&file, "/").succeeds();
    let keeper = Keeper::beside(&Places::from(&world.data())).unwrap();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(keeper.close("alice")).unwrap();
    let closed = "has closed this account";
    world.device("phone").logs_in("alice", PASSWORD).fails(3, closed);
    laptop.puts(&world.disk("more.jpg", &noise(500_000, 8)), "/").fails(1, closed);
    assert_eq!(laptop.reads("/sea.jpg"), noise(600_000, 7), "what is here is here");
    runtime.block_on(keeper.open("alice")).unwrap();
    // A server that runs looks every few seconds.
    let deadline = Instant::now() + Duration::from_secs(60);
    while laptop.runs(&["ls"]).err.contains(closed) {
        assert!(Instant::now() < deadline, "it stays closed");
    }
    assert_eq!(world.signed_in("tablet").reads("/more.jpg"), noise(500_000, 8));
}

#[test]
fn bad_input_is_told_plainly() {
    let world = World::with("alice");
    let laptop = world.signed_in("laptop");
    let file = world.disk("a.txt", b"a");
    laptop.puts(&file, "/").succeeds();
    laptop.runs(&["ls", "/nothing"]).fails(1, "there is no /nothing in the vault");
    laptop.puts(&file, "/a.txt").fails(1, "/a.txt is no folder");
    laptop.runs(&["put", "/nowhere/b.txt"]).fails(1, "/nowhere/b.txt");
    let busy = file.parent().unwrap().to_str().unwrap();
    laptop.runs(&["export", busy]).fails(1, "is not an empty folder");
    let tablet = world.device("tablet");
    let options = ["--username", "alice", "--password-file", file.to_str().unwrap()];
    let login = |url| tablet.runs(&[&["login", url], &options[..]].concat());
    login("drive.example.org").fails(2, "is no address of a server");
    login("http://drive.example.org").fails(2, "is not encrypted on its way");
    let unknown = laptop.runs(&["frobnicate"]);
    assert_eq!(unknown.code, Some(2));
    let help = laptop.runs(&["--help"]).succeeds();
    for word in ["login", "verify", "Exit codes", "--profile", "OFFING_PROFILE"] {
        assert!(help.contains(word), "{word}");
    }
}
