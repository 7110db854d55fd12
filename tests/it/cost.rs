//! What things cost: requests and waits for the disk, counted.

use offing_core::rpc::Clash;
use offing_tests::World;
use offing_tests::net::Call;

#[test]
fn saving_a_text_edit_waits_for_the_disk_once_and_sends_once() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "a");
    world.sync_all();
    phone.opens_text("/notes.md");
    let writes = phone.profile.store.counts().strict_writes;
    let (appends, sent) = (phone.line.count(Call::Append), phone.line.chunks_sent.get());
    phone.types(node, |text| format!("{text}b"));
    world.passes(3_000);
    assert_eq!(phone.profile.store.counts().strict_writes - writes, 1);
    assert_eq!(phone.line.count(Call::Append) - appends, 1);
    assert_eq!(phone.line.chunks_sent.get(), sent, "an edit of a text has no chunk");
    assert_eq!(phone.status().state, offing_core::rpc::SyncState::OnServer);
}

#[test]
fn continuous_typing_is_saved_in_batches() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let node = phone.creates_text("/notes.md", "");
    world.sync_all();
    phone.opens_text("/notes.md");
    let writes = phone.profile.store.counts().strict_writes;
    for _ in 0..300 {
        phone.types(node, |text| format!("{text}x"));
        world.passes(100);
    }
    world.passes(3_000);
    let batches = phone.profile.store.counts().strict_writes - writes;
    assert!((4..=10).contains(&batches), "{batches} batches in 30 seconds of typing");
}

#[test]
fn two_thousand_photos_cost_few_chunks_entries_requests_and_waits_for_the_disk() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let contents: Vec<Vec<u8>> = (0..2_000).map(|i| crate::noise(i, 8_000)).collect();
    let names: Vec<String> = (0..2_000).map(|i| format!("photos/{i:04}.jpg")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    let calls = phone.line.calls.borrow().values().sum::<u32>();
    let (entries_before, waits_before) = (world.tip(), waits(&world));
    let writes = phone.profile.store.counts().strict_writes;
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    assert_eq!(phone.rows(phone.node("/photos")).len(), 2_000);
    let requests = phone.line.calls.borrow().values().sum::<u32>() - calls;
    let (entries, waits) = (world.tip() - entries_before, waits(&world) - waits_before);
    let writes = phone.profile.store.counts().strict_writes - writes;
    let chunks = phone.line.chunks_sent.get();
    assert!(chunks <= 60 / 2, "{chunks} chunks");
    assert!(entries <= 5, "{entries} entries");
    assert!(requests <= 25, "{requests} requests");
    assert!(waits <= 10, "the server waited {waits} times for its disk");
    assert!(writes <= 5, "this device waited {writes} times for its disk");
}

/// How often the server has waited for its disk.
fn waits(world: &World) -> u64 {
    let stats = world.net.ask(async |services| services.stats());
    stats.chunk_syncs + stats.meta.durable_commits
}

#[test]
fn a_merge_of_scattered_renames_takes_a_handful_of_reads_and_one_write() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let names: Vec<String> = (0..600).map(|i| format!("papers {}/{i:04}.txt", i % 6)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    world.passes(60_000);
    world.goes_offline("laptop");
    for (turn, name) in names.iter().step_by(2).enumerate() {
        phone.renames(&format!("/{name}"), &format!("A {turn}.txt"));
    }
    world.passes(10_000);
    let (counts, asked) = (laptop.profile.store.counts(), laptop.line.count(Call::Log));
    world.goes_online("laptop");
    world.sync_all();
    let after = laptop.profile.store.counts();
    assert!(laptop.shows("/papers 0/A 299.txt") || laptop.shows("/papers 4/A 299.txt"));
    let (reads, writes) = (after.reads - counts.reads, after.writes - counts.writes);
    assert!(reads <= 60, "{reads} reads");
    assert!(writes <= 4, "{writes} writes");
    assert!(laptop.line.count(Call::Log) - asked <= 6);
}

#[test]
fn a_rename_takes_few_reads_and_one_write() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_text("/a.md", "");
    phone.creates_text("/b.md", "");
    world.sync_all();
    world.goes_offline("phone");
    let node = phone.node("/a.md");
    let (replica, before) = (phone.replica(), phone.profile.store.counts());
    phone.run(async move { replica.rename(node, "c.md").await }).unwrap();
    let after = phone.profile.store.counts();
    assert_eq!(after.writes - before.writes, 1);
    let reads = after.reads - before.reads;
    assert!(reads <= 8, "{reads} reads");
}

#[test]
fn a_zip_of_two_thousand_photos_reads_each_chunk_once() {
    let world = World::with(&["phone", "laptop"]);
    let (phone, laptop) = (world.device("phone"), world.device("laptop"));
    let contents: Vec<Vec<u8>> = (0..2_000).map(|i| crate::noise(i, 2_000)).collect();
    // Listed in another order than they were packed in.
    let names: Vec<String> =
        (0..2_000).map(|i| format!("photos/{:04}.jpg", i * 7 % 2_000)).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    phone.uploads("/", &files, Clash::Ask);
    world.sync_all();
    let (reads, asked) = (laptop.profile.store.counts().reads, laptop.line.count(Call::Chunk));
    let zip = laptop.downloads(laptop.node("/photos"), false).unwrap();
    assert!(zip.len() > 4_000_000);
    let reads = laptop.profile.store.counts().reads - reads;
    let asked = laptop.line.count(Call::Chunk) - asked;
    let chunks = phone.line.chunks_sent.get();
    assert!(asked <= chunks, "{asked} requests for {chunks} chunks");
    assert!(reads <= 150, "{reads} reads");
    let again = laptop.profile.store.counts().reads;
    assert_eq!(laptop.downloads(laptop.node("/photos"), false).unwrap(), zip);
    let again = laptop.profile.store.counts().reads - again;
    assert!(again <= 120, "{again} reads when all is here");
}
