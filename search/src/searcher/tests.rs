use std::collections::BTreeMap;

use offing_core::rpc::Kind;

use super::*;
use crate::known::tests::{node, row};

/// An engine in memory.
#[derive(Default)]
struct Engine {
    nodes: Vec<(NodeId, Row)>,
    contents: BTreeMap<NodeId, String>,
    blobs: BTreeMap<u64, Vec<u8>>,
    asked: Vec<NodeId>,
    /// What is shared: what its searcher says, and the blobs.
    shared: Option<(Vec<u8>, Vec<Vec<u8>>)>,
    taken: Vec<u32>,
}

impl Engine {
    fn write(&mut self, number: u8, name: &str, text: &str) {
        self.nodes.retain(|(_, row)| row.node != node(number));
        let mut row = row(number, name, Kind::Text);
        row.size = Some(text.len() as u64);
        self.nodes.push((NodeId::ROOT, row));
        self.contents.insert(node(number), text.into());
    }

    fn trash(&mut self, number: u8) {
        for (parent, row) in &mut self.nodes {
            if row.node == node(number) {
                *parent = NodeId::TRASH;
            }
        }
    }

    fn answer(&mut self, ask: &[u8]) -> Option<Vec<u8>> {
        match rpc::decode(ask).unwrap() {
            Ask::Nodes { after } => {
                // Two on a page.
                let start = after.first().map_or(0, |at| usize::from(*at));
                let end = (start + 2).min(self.nodes.len());
                let page = NodePage {
                    nodes: self.nodes[start..end].to_vec(),
                    end: if end < self.nodes.len() { vec![end as u8] } else { vec![] },
                };
                return Some(rpc::encode(&page));
            }
            Ask::Load { place } => return self.blobs.get(&place).cloned(),
            Ask::Keep { place, blob } => drop(self.blobs.insert(place, blob.to_vec())),
            Ask::Drop { from, to } => self.blobs.retain(|place, _| !(from..to).contains(place)),
            Ask::Newest => {
                let shared = self.shared.as_ref();
                return Some(shared.map_or(Vec::new(), |(about, _)| about.clone()));
            }
            Ask::Take { blob } => {
                self.taken.push(blob);
                let (_, blobs) = self.shared.as_ref()?;
                return blobs.get(blob as usize).filter(|blob| !blob.is_empty()).cloned();
            }
            Ask::Share { about, places } => {
                let blobs = places.iter().map(|place| self.blobs[place].clone()).collect();
                self.shared = Some((about.to_vec(), blobs));
            }
            Ask::Mark => return Some(vec![self.nodes.len() as u8]),
        }
        Some(Vec::new())
    }

    fn reads(&mut self, node: NodeId) -> Option<Vec<u8>> {
        self.asked.push(node);
        self.contents.get(&node).map(|text| text.clone().into_bytes())
    }

    fn opens(&mut self) -> Searcher {
        let mut searcher = self.loads();
        self.looks(&mut searcher);
        searcher
    }

    fn loads(&mut self) -> Searcher {
        let mut searcher = Searcher::default();
        let mut ask = Some(searcher.open());
        while let Some(question) = ask {
            ask = searcher.loaded(self.answer(&question).as_deref());
        }
        searcher
    }

    /// Looks at a time, takes what is shared, reads, and shares; says whether it did.
    fn looks_at(&mut self, searcher: &mut Searcher, now_ms: u64) -> bool {
        let mut ask = Some(searcher.begin());
        while let Some(question) = ask {
            ask = searcher.told(&self.answer(&question).unwrap());
        }
        let mut ask = searcher.seek(now_ms);
        while let Some(question) = ask {
            ask = searcher.found(self.answer(&question).as_deref());
        }
        self.looks(searcher);
        let Some(question) = searcher.share(now_ms) else { return false };
        searcher.shared(self.answer(&question).as_deref(), now_ms);
        self.looks(searcher);
        true
    }

    /// Another device with the same files, none of which is there.
    fn joined(&self) -> Self {
        let mut nodes = self.nodes.clone();
        nodes.iter_mut().for_each(|(_, row)| row.local = false);
        Self { nodes, shared: self.shared.clone(), ..Self::default() }
    }

    fn looks(&mut self, searcher: &mut Searcher) {
        let mut ask = Some(searcher.begin());
        while let Some(question) = ask {
            ask = searcher.told(&self.answer(&question).unwrap());
        }
        while let Some(node) = searcher.next() {
            let content = self.reads(node);
            searcher.take(content.as_deref());
        }
        for question in searcher.keep() {
            self.answer(&question).unwrap();
        }
        searcher.kept();
    }
}

fn found(searcher: &mut Searcher, query: &str) -> Vec<String> {
    let hits = searcher.find(query, &Filter::default(), 10);
    hits.into_iter().map(|hit| hit.row.name).collect()
}

#[test]
fn what_was_read_is_found_after_a_start_without_reading_it_again() {
    let mut engine = Engine::default();
    engine.write(20, "log.md", "the tide turns at noon");
    engine.write(21, "list.md", "rope, lamp");
    engine.write(22, "letter.md", "dear keeper");
    assert_eq!(found(&mut engine.opens(), "tide"), ["log.md"]);
    engine.asked.clear();
    let mut again = engine.opens();
    assert_eq!(found(&mut again, "tide"), ["log.md"]);
    assert_eq!((engine.asked.len(), again.progress()), (0, (3, 3)));
    let text = b"the tide turns";
    assert_eq!(again.snippet(text)[1], ("tide".to_owned(), true));
}

#[test]
fn what_changed_is_read_again_and_what_was_deleted_is_not_found() {
    let mut engine = Engine::default();
    engine.write(20, "log.md", "the tide turns");
    engine.write(21, "list.md", "the tide table");
    let mut searcher = engine.opens();
    engine.write(20, "log.md", "the wind turns now");
    engine.trash(21);
    engine.looks(&mut searcher);
    assert_eq!(found(&mut searcher, "tide"), [""; 0]);
    assert_eq!(found(&mut searcher, "wind"), ["log.md"]);
    assert_eq!(found(&mut engine.opens(), "wind"), ["log.md"]);
}

#[test]
fn what_is_away_is_not_asked_for_and_counts_as_not_read() {
    let mut engine = Engine::default();
    engine.write(20, "here.md", "tide");
    engine.write(21, "away.md", "tide");
    engine.nodes[1].1.local = false;
    let mut searcher = engine.opens();
    assert_eq!(engine.asked, [node(20)]);
    assert_eq!(searcher.progress(), (1, 2));
    engine.nodes[1].1.local = true;
    engine.looks(&mut searcher);
    assert_eq!(searcher.progress(), (2, 2));
}

#[test]
fn what_is_no_text_by_itself_is_told_by_its_name_and_its_kind_of_file() {
    let mut engine = Engine::default();
    engine.write(20, "plan.PDF", "tide");
    engine.write(21, "film.mp4", "tide");
    for (_, row) in &mut engine.nodes {
        row.kind = Kind::File;
    }
    engine.write(22, "log.md", "tide");
    let mut searcher = Searcher::default();
    let mut ask = Some(searcher.begin());
    while let Some(question) = ask {
        ask = searcher.told(&engine.answer(&question).unwrap());
    }
    assert_eq!((searcher.progress(), searcher.foreign()), ((0, 2), None));
    searcher.take(Some(b"tide"));
    assert_eq!(searcher.foreign(), Some("plan.PDF"));
    searcher.take(Some(b"what its module says"));
    assert_eq!(found(&mut searcher, "module"), ["plan.PDF"]);
}

#[test]
fn a_word_in_the_name_and_filters_count() {
    let mut engine = Engine::default();
    engine.write(20, "a.md", "tide");
    engine.write(21, "tide.md", "tide");
    engine.nodes.push((NodeId::ROOT, row(40, "trips", Kind::Folder)));
    engine.write(22, "c.md", "tide");
    engine.nodes.last_mut().unwrap().0 = node(40);
    let mut searcher = engine.opens();
    assert_eq!(found(&mut searcher, "tide")[0], "tide.md");
    let below = Filter { folder: Some(node(40)), ..Filter::default() };
    let hits = searcher.find("tide", &below, 10);
    assert_eq!((hits.len(), hits[0].path.join("/").as_str()), (1, "trips"));
    let late = Filter { since_ms: Some(21), ..Filter::default() };
    assert_eq!(searcher.find("tide", &late, 10).len(), 2);
    let within = Filter { within: Some([node(20), node(22)].into()), ..Filter::default() };
    assert_eq!(searcher.find("tide", &within, 10).len(), 2);
    let within = Filter { within: Some([node(22)].into()), ..late };
    assert_eq!(searcher.find("tide", &within, 10)[0].row.name, "c.md");
}

#[test]
fn a_name_is_found_with_a_slip_as_it_is_now_and_not_when_it_was_deleted() {
    let mut engine = Engine::default();
    engine.nodes.push((NodeId::ROOT, row(40, "Invoices", Kind::Folder)));
    engine.write(20, "invoice-2024.pdf", "");
    engine.nodes.last_mut().unwrap().0 = node(40);
    engine.write(21, "letter.md", "invoice");
    let mut searcher = engine.opens();
    let named = |searcher: &Searcher, within| {
        let hits = searcher.names("invioce", within, 10);
        hits.into_iter().map(|hit| [hit.path, vec![hit.row.name]].concat().join("/")).collect()
    };
    let both: Vec<String> = named(&searcher, None);
    assert_eq!(both, ["Invoices/invoice-2024.pdf", "Invoices"]);
    let within = [node(20), node(21)].into();
    let one: Vec<String> = named(&searcher, Some(&within));
    assert_eq!(one, ["Invoices/invoice-2024.pdf"]);
    engine.write(21, "invoise.md", "");
    engine.trash(40);
    engine.looks(&mut searcher);
    let renamed: Vec<String> = named(&searcher, None);
    assert_eq!(renamed, [""; 0], "two letters are wrong in a short word");
    let hits = searcher.names("invoice", None, 10);
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].row.name, "invoise.md");
}

#[test]
fn files_are_found_by_their_kind_and_by_their_size() {
    let mut engine = Engine::default();
    engine.write(20, "log.md", "tide");
    engine.write(21, "counts.CSV", "tide and wind");
    engine.write(22, "plan.pdf", "tide");
    engine.nodes[2].1.kind = Kind::File;
    let mut searcher = engine.opens();
    let mut finds = |kind, bytes| {
        let filter = Filter { kind: FileKind::named(kind), bytes, ..Filter::default() };
        let hits = searcher.find("tide", &filter, 10);
        hits.into_iter().map(|hit| hit.row.name).collect::<Vec<_>>()
    };
    assert_eq!(finds("text", None), ["log.md"]);
    assert_eq!(finds("sheet", None), ["counts.CSV"]);
    assert_eq!(finds("pdf", None), ["plan.pdf"]);
    assert_eq!(finds("document", None), [""; 0]);
    assert_eq!(finds("all", Some(5..u64::MAX)), ["counts.CSV"]);
    assert_eq!(finds("sheet", Some(0..5)), [""; 0]);
}

#[test]
fn whatever_is_kept_damaged_is_made_again() {
    let mut engine = Engine::default();
    engine.write(20, "a.md", "tide");
    engine.opens();
    for place in engine.blobs.keys().copied().collect::<Vec<_>>() {
        let whole = engine.blobs.clone();
        engine.blobs.get_mut(&place).unwrap().truncate(3);
        engine.blobs.insert(77_777, vec![1]);
        assert_eq!(found(&mut engine.opens(), "tide"), ["a.md"]);
        assert_eq!(engine.blobs.len(), whole.len(), "nothing is left of what was damaged");
        assert_eq!(found(&mut engine.opens(), "tide"), ["a.md"]);
    }
}

#[test]
fn no_more_is_kept_than_the_segments_need() {
    let mut engine = Engine::default();
    let mut searcher = engine.opens();
    for number in 20..120 {
        engine.write(number, &format!("{number}.md"), "tide");
        engine.looks(&mut searcher);
    }
    assert!(engine.blobs.len() <= 17, "{}", engine.blobs.len());
    assert_eq!(engine.opens().progress(), (100, 100));
}

#[test]
fn whoever_is_killed_while_keeping_has_what_was_kept_before() {
    let mut engine = Engine::default();
    for number in 20..27 {
        engine.write(number, "a.md", "tide");
        engine.opens();
    }
    engine.write(27, "b.md", "tide");
    let kept = engine.blobs.clone();
    let mut killed_after = 0;
    loop {
        engine.blobs = kept.clone();
        let mut searcher = Searcher::default();
        let mut ask = Some(searcher.open());
        while let Some(question) = ask {
            ask = searcher.loaded(engine.answer(&question).as_deref());
        }
        let mut ask = Some(searcher.begin());
        while let Some(question) = ask {
            ask = searcher.told(&engine.answer(&question).unwrap());
        }
        searcher.take(Some(b"tide"));
        let asks = searcher.keep();
        for question in &asks[..killed_after] {
            engine.answer(question);
        }
        engine.asked.clear();
        assert_eq!(found(&mut engine.opens(), "tide").len(), 8);
        assert!(engine.asked.len() <= 1, "what was kept is not read again");
        assert_eq!(engine.blobs.len(), 2, "eight became one");
        killed_after += 1;
        if killed_after > asks.len() {
            break;
        }
    }
}

/// Is told what the engine has if its mark says so, as the worker does; tells in how many pages.
fn learns(engine: &mut Engine, searcher: &mut Searcher, now_ms: u64) -> usize {
    let mark = engine.answer(&Searcher::mark());
    let mut pages = 0;
    let mut ask = searcher.begin_if_changed(mark.as_deref(), now_ms);
    while let Some(question) = ask {
        pages += 1;
        ask = searcher.told(&engine.answer(&question).unwrap());
    }
    pages
}

#[test]
fn nodes_are_told_again_when_their_mark_changed_and_now_and_then() {
    let mut engine = Engine::default();
    engine.write(20, "a.md", "tide");
    engine.write(21, "b.md", "tide");
    engine.write(22, "c.md", "tide");
    let mut searcher = engine.loads();
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS), 2);
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 1), 0);
    engine.write(23, "d.md", "wind");
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 2), 2);
    assert_eq!(searcher.progress(), (0, 4));
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 3), 0);
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 2 + MARK_MS), 2);
    // A clock that was set back says nothing.
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS), 2);
    // What was kept is loaded anew: which of it counts is to be found out.
    let mut ask = Some(searcher.open());
    while let Some(question) = ask {
        ask = searcher.loaded(engine.answer(&question).as_deref());
    }
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 1), 2);
}

#[test]
fn a_mark_counts_when_all_was_told() {
    let mut engine = Engine::default();
    for number in 20..23 {
        engine.write(number, "a.md", "tide");
    }
    let mut searcher = engine.loads();
    let mark = engine.answer(&Searcher::mark());
    let question = searcher.begin_if_changed(mark.as_deref(), NOON_MS).unwrap();
    assert!(searcher.told(&engine.answer(&question).unwrap()).is_some());
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS + 1), 2);
    assert!(searcher.begin_if_changed(None, NOON_MS + 2).is_some(), "the engine says nothing");
}

#[test]
fn what_was_read_so_far_is_found_where_nothing_else_changed() {
    let mut engine = Engine::default();
    engine.write(20, "a.md", "tide");
    engine.write(21, "b.md", "tide");
    let mut searcher = engine.loads();
    learns(&mut engine, &mut searcher, NOON_MS);
    searcher.take(Some(b"tide"));
    assert_eq!(found(&mut searcher, "tide"), [""; 0]);
    assert_eq!(learns(&mut engine, &mut searcher, NOON_MS), 0);
    assert_eq!((found(&mut searcher, "tide").len(), searcher.progress()), (1, (1, 2)));
}

const NOON_MS: u64 = 1_700_000_000_000;
const HOUR_MS: u64 = 3_600_000;

/// A laptop that read and shared.
fn laptop() -> Engine {
    let mut laptop = Engine::default();
    laptop.write(1, "a.md", "the tide turns");
    laptop.write(2, "b.md", "a harbour");
    assert!(laptop.looks_at(&mut Searcher::default(), NOON_MS));
    laptop
}

#[test]
fn what_another_device_read_is_found_without_reading_it() {
    let mut phone = laptop().joined();
    let mut searcher = Searcher::default();
    assert!(!phone.looks_at(&mut searcher, NOON_MS), "it has nothing of its own to share");
    assert_eq!(
        (found(&mut searcher, "harbour"), searcher.progress()),
        (vec!["b.md".into()], (2, 2))
    );
    assert_eq!((phone.asked.len(), phone.taken.len()), (0, 1));
    // It is kept as what was read here.
    phone.shared = None;
    assert_eq!(found(&mut phone.opens(), "tide"), ["a.md"]);
}

#[test]
fn what_changed_since_it_was_shared_is_read_again() {
    let mut phone = laptop().joined();
    phone.write(1, "a.md", "the tide has turned");
    let mut searcher = Searcher::default();
    phone.looks_at(&mut searcher, NOON_MS);
    assert_eq!(phone.asked, [node(1)]);
    assert_eq!(
        (found(&mut searcher, "turned"), found(&mut searcher, "turns")),
        (vec!["a.md".into()], vec![])
    );
    // However often the older one comes.
    phone.looks_at(&mut searcher, NOON_MS + HOUR_MS);
    assert_eq!(found(&mut phone.opens(), "turned"), ["a.md"]);
    assert_eq!(phone.asked, [node(1)]);
}

#[test]
fn what_is_damaged_or_missing_is_left_out() {
    for damage in [Vec::new(), b"ofs\x01 torn".to_vec()] {
        let mut phone = laptop().joined();
        phone.write(3, "c.md", "a whale");
        let (_, blobs) = phone.shared.as_mut().unwrap();
        blobs[0] = damage;
        let mut searcher = Searcher::default();
        phone.looks_at(&mut searcher, NOON_MS);
        assert_eq!(
            (found(&mut searcher, "harbour"), found(&mut searcher, "whale")),
            (vec![], vec!["c.md".to_owned()])
        );
    }
    for about in [&b""[..], &[2, 0], &[1, 1, 9, 0], &[1, 1, 9, 2]] {
        let mut phone = laptop().joined();
        phone.shared.as_mut().unwrap().0 = about.to_vec();
        let mut searcher = Searcher::default();
        phone.looks_at(&mut searcher, NOON_MS);
        assert_eq!(searcher.progress(), (0, 2));
    }
}

#[test]
fn an_older_index_takes_nothing_away_and_what_it_lacks_is_shared_again() {
    let mut laptop = laptop();
    let older = laptop.shared.clone();
    laptop.write(3, "c.md", "a whale");
    let mut searcher = laptop.loads();
    assert!(laptop.looks_at(&mut searcher, NOON_MS + HOUR_MS));
    let newer = laptop.shared.clone();
    for shown in [older, None] {
        let mut phone = laptop.joined();
        let mut searcher = Searcher::default();
        phone.shared = newer.clone();
        phone.looks_at(&mut searcher, NOON_MS);
        phone.shared = shown;
        assert!(phone.looks_at(&mut searcher, NOON_MS + HOUR_MS));
        assert_eq!(found(&mut searcher, "whale"), ["c.md"]);
        assert_eq!(phone.shared.unwrap().1.len(), newer.as_ref().unwrap().1.len());
    }
}

#[test]
fn it_is_shared_once_an_hour_when_enough_is_new() {
    let mut laptop = laptop();
    let mut searcher = laptop.loads();
    laptop.write(3, "c.md", "a whale");
    assert!(!laptop.looks_at(&mut searcher, NOON_MS + HOUR_MS - 1));
    assert!(laptop.looks_at(&mut searcher, NOON_MS + HOUR_MS));
    assert!(!laptop.looks_at(&mut searcher, NOON_MS + 9 * HOUR_MS), "nothing is new");
    for number in 4..40 {
        laptop.write(number, &format!("{number}.md"), "gulls");
    }
    assert!(laptop.looks_at(&mut searcher, NOON_MS + 9 * HOUR_MS));
    laptop.write(40, "e.md", "one of forty");
    assert!(!laptop.looks_at(&mut searcher, NOON_MS + 20 * HOUR_MS), "too little is new");
    laptop.write(41, "f.md", "two of forty");
    assert!(laptop.looks_at(&mut searcher, NOON_MS + 20 * HOUR_MS));
}

#[test]
fn devices_that_share_come_to_the_same_segments() {
    let mut laptop = laptop();
    let mut phone = laptop.joined();
    let (mut here, mut there) = (laptop.loads(), Searcher::default());
    for hour in 1..30_u64 {
        let at = NOON_MS + hour * HOUR_MS;
        let (device, other, searcher) = match hour % 2 {
            0 => (&mut laptop, &mut phone, &mut here),
            _ => (&mut phone, &mut laptop, &mut there),
        };
        let number = hour as u8 + 10;
        device.write(number, &format!("{number}.md"), "gulls over the harbour");
        let mut row = device.nodes.last().unwrap().clone();
        row.1.local = false;
        other.nodes.push(row);
        device.looks_at(searcher, at);
        other.shared = device.shared.clone();
    }
    let at = NOON_MS + 40 * HOUR_MS;
    laptop.looks_at(&mut here, at);
    phone.shared = laptop.shared.clone();
    phone.looks_at(&mut there, at);
    laptop.shared = phone.shared.clone();
    for (device, searcher) in [(&mut laptop, &mut here), (&mut phone, &mut there)] {
        device.looks_at(searcher, at + HOUR_MS);
        assert_eq!(searcher.progress(), (31, 31));
        assert_eq!(found(searcher, "gulls").len(), 10);
    }
    assert!(laptop.shared.unwrap().1.len() < 20, "not a segment for each file");
}
