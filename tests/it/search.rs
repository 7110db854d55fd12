//! Search inside files: what the searcher is told by the engine, and where its index lies.

use std::collections::BTreeSet;

use offing_core::id::NodeId;
use offing_core::rpc::index::{Ask, NodePage};
use offing_core::rpc::{self, Clash};
use offing_search::searcher::{Filter, Hit, Searcher};
use offing_tests::{Device, World};
use offing_worker::store::{Batch, Direction, Durability, Range, Store, Table};

/// A searcher that loaded what was kept and read what is new.
fn searcher_of(device: &Device) -> Searcher {
    let replica = device.replica();
    device.run(async move {
        let mut searcher = Searcher::default();
        let mut ask = Some(searcher.open());
        while let Some(question) = ask {
            let blob = replica.answer_index(rpc::decode(&question).unwrap()).await;
            ask = searcher.loaded(blob.as_deref());
        }
        let mut ask = Some(searcher.begin());
        while let Some(question) = ask {
            let page = replica.answer_index(rpc::decode(&question).unwrap()).await.unwrap();
            ask = searcher.told(&page);
        }
        while let Some(node) = searcher.next() {
            let content = replica.open_content(node).await.unwrap();
            searcher.take(content.read(0..u64::MAX).await.ok().as_deref());
        }
        for question in searcher.keep() {
            replica.answer_index(rpc::decode(&question).unwrap()).await.unwrap();
        }
        searcher.kept();
        searcher
    })
}

fn found(searcher: &mut Searcher, query: &str) -> Vec<String> {
    let hits = searcher.find(query, &Filter::default(), 20);
    let path = |hit: Hit| [hit.path, vec![hit.row.name]].concat().join("/");
    hits.into_iter().map(path).collect()
}

#[test]
fn a_word_that_was_typed_offline_is_found_after_a_restart() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    world.goes_offline("phone");
    phone.creates_folder("/trips");
    phone.creates_text("/trips/log.md", "we left the harbour at noon");
    assert_eq!(found(&mut searcher_of(&phone), "harbour"), ["trips/log.md"]);
    phone.crashes();
    phone.opens();
    assert_eq!(found(&mut searcher_of(&phone), "harbour"), ["trips/log.md"]);
    phone.appends_to("/trips/log.md", " and met a whale");
    phone.renames("/trips/log.md", "whales.md");
    assert_eq!(found(&mut searcher_of(&phone), "whale"), ["trips/whales.md"]);
    phone.trashes("/trips");
    assert_eq!(found(&mut searcher_of(&phone), "harbour"), [""; 0]);
}

#[test]
fn what_is_kept_of_the_index_is_sealed() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    phone.creates_text("/log.md", "harbour harbourmaster");
    searcher_of(&phone);
    let store = phone.profile.store.clone();
    let kept = phone.run(async move {
        store.scan(Table::Derived, &Range::all(), 0, u32::MAX, Direction::Forward).await.unwrap()
    });
    assert_eq!(kept.len(), 2);
    for (_, blob) in &kept {
        assert!(!blob.windows(7).any(|bytes| bytes == b"harbour"));
        assert_eq!(&blob[..2], b"of");
    }
    // Each opens at its own place only.
    let replica = phone.replica();
    let store = phone.profile.store.clone();
    let (first, second) = (kept[0].0.clone(), kept[1].1.clone());
    phone.run(async move {
        let mut batch = Batch::new();
        batch.put(Table::Derived, first, second);
        store.write(batch, Durability::Relaxed).await.unwrap();
        assert!(replica.answer_index(Ask::Load { place: 0 }).await.is_none());
    });
    assert_eq!(found(&mut searcher_of(&phone), "harbourmaster"), ["log.md"]);
}

#[test]
fn every_node_is_told_once_however_many_pages_it_takes() {
    let world = World::with(&["phone"]);
    let phone = world.device("phone");
    let replica = phone.replica();
    let told = phone.run(async move {
        let paths: Vec<Vec<String>> =
            (0..1_100).map(|number| vec![format!("folder {number}")]).collect();
        replica.make_folders(NodeId::ROOT, &paths).await.unwrap();
        let (mut told, mut after) = (Vec::new(), Vec::new());
        loop {
            let page = replica.answer_index(Ask::Nodes { after: &after }).await.unwrap();
            let page: NodePage = rpc::decode(&page).unwrap();
            told.extend(page.nodes.into_iter().map(|(parent, row)| (parent, row.node)));
            after = page.end;
            if after.is_empty() {
                return told;
            }
        }
    });
    assert_eq!(told.len(), 1_100);
    assert!(told.iter().all(|(parent, _)| *parent == NodeId::ROOT));
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>().len(), 1_100);
}

fn mark(device: &Device) -> Vec<u8> {
    let replica = device.replica();
    device.run(async move { replica.answer_index(Ask::Mark).await.unwrap() })
}

#[test]
fn the_mark_changes_with_what_is_told_of_nodes_and_stays_otherwise() {
    let world = World::with(&["laptop", "phone"]);
    let (laptop, phone) = (world.device("laptop"), world.device("phone"));
    let mut last = mark(&phone);
    let mut changes = |what: &str| {
        let now = mark(&phone);
        assert_ne!(now, last, "{what}");
        last = now;
        assert_eq!(mark(&phone), last);
    };
    phone.creates_text("/log.md", "we left the harbour");
    changes("a text was made");
    phone.appends_to("/log.md", " at noon");
    changes("it was edited");
    phone.renames("/log.md", "noon.md");
    changes("it was renamed");
    phone.trashes("/noon.md");
    changes("it was deleted");
    world.sync_all();
    let before = mark(&phone);
    laptop.uploads("/", &[("report.pdf", &[7; 70_000])], Clash::Ask);
    world.sync_all();
    assert_ne!(mark(&phone), before, "another device added a file");
    let before = mark(&phone);
    phone.reads("/report.pdf").unwrap();
    assert_ne!(mark(&phone), before, "its content is here");
    searcher_of(&phone);
    let before = mark(&phone);
    searcher_of(&phone);
    assert_eq!(mark(&phone), before, "the searcher changes nothing");
}

#[test]
fn what_is_not_here_is_told_to_be_elsewhere() {
    let world = World::with(&["laptop", "phone"]);
    let (laptop, phone) = (world.device("laptop"), world.device("phone"));
    laptop.uploads("/", &[("report.pdf", &[7; 70_000])], Clash::Ask);
    world.sync_all();
    assert_eq!(searcher_of(&phone).progress(), (0, 1));
    assert_eq!(searcher_of(&laptop).progress(), (1, 1));
}
