use offing_core::id::NodeId;
use proptest::prelude::*;

use super::*;
use crate::segment::Builder;

fn index(texts: &[&str]) -> Index {
    let mut index = Index::default();
    // Two files in each segment, so that every search goes over several.
    for (number, texts) in texts.chunks(2).enumerate() {
        let mut builder = Builder::default();
        for (place, text) in texts.iter().enumerate() {
            let node = NodeId([(2 * number + place) as u8; 16]);
            builder.add(File { node, size: 0, modified_ms: 0, words: 0 }, text);
        }
        index.add(builder.finish());
    }
    index
}

fn search(index: &Index, query: &str) -> Vec<u8> {
    let found = find(index, &parse(query), &|_| Some(1.0), 100);
    found.files.iter().map(|file| file.node.0[0]).collect()
}

#[test]
fn a_file_is_found_that_has_all_words() {
    let index = index(&["tide and wind", "tide", "wind", "the wind, and a tide"]);
    let mut found = search(&index, "wind tide");
    found.sort_unstable();
    assert_eq!(found, [0, 3]);
    assert!(search(&index, "tide anchor").is_empty());
    assert!(search(&index, "…").is_empty());
}

#[test]
fn whoever_says_it_more_often_and_in_fewer_words_is_first() {
    let index = index(&[
        "a long story in which among much else a harbour is named once",
        "harbour harbour",
        "harbour",
    ]);
    assert_eq!(search(&index, "harbour"), [1, 2, 0]);
}

#[test]
fn a_beginning_finds_the_word_and_the_word_itself_is_first() {
    let index = index(&["harbours", "harbour", "hard"]);
    assert_eq!(search(&index, "harbour"), [1, 0]);
    assert_eq!(search(&index, "harb").len(), 2);
    assert!(search(&index, "h").is_empty());
}

#[test]
fn a_slip_finds_what_was_meant() {
    let index = index(&["the harbour", "the captain's navigation", "café"]);
    for slip in ["harbor", "harbuor", "hrabour", "harbpur"] {
        assert_eq!(search(&index, slip), [0], "{slip}");
    }
    assert_eq!(search(&index, "navigatoin"), [1]);
    assert_eq!(search(&index, "cafe"), [2]);
    assert!(search(&index, "cat").is_empty());
}

#[test]
fn letters_that_changed_their_places_find_what_begins_with_the_word_too() {
    let index = index(&["harbours", "the harbour", "harbourmaster", "hard"]);
    assert_eq!(search(&index, "harbuor")[0], 1);
    for slip in ["harbuor", "harbuo", "ahrbour"] {
        assert_eq!(search(&index, slip).len(), 3, "{slip}");
    }
    assert_eq!(search(&index, "harbpur"), [1]);
}

#[test]
fn short_words_have_no_slips() {
    let index = index(&["tide", "side"]);
    assert_eq!(search(&index, "tide"), [0]);
}

#[test]
fn numbers_have_no_slips() {
    let index = index(&["invoice 20261", "invoice 20262"]);
    assert_eq!(search(&index, "20261"), [0]);
}

#[test]
fn chinese_and_japanese_are_found_inside_of_a_run() {
    let index = index(&["我在北京大学读书", "北京的大学", "東京タワーに行く", "潮"]);
    assert_eq!(search(&index, "京大"), [0]);
    assert_eq!(search(&index, "北京大学"), [0]);
    assert_eq!(search(&index, "タワー"), [2]);
    assert_eq!(search(&index, "书"), [0]);
    let mut both = search(&index, "大学");
    both.sort_unstable();
    assert_eq!(both, [0, 1]);
}

#[test]
fn what_weighs_nothing_is_not_found_and_a_name_weighs_more() {
    let index = index(&["tide", "tide", "tide"]);
    let weigh = |file: &File| match file.node.0[0] {
        0 => None,
        2 => Some(2.0),
        _ => Some(1.0),
    };
    let found = find(&index, &parse("tide"), &weigh, 100);
    let found: Vec<u8> = found.files.iter().map(|file| file.node.0[0]).collect();
    assert_eq!(found, [2, 1]);
}

#[test]
fn the_words_that_were_found_are_told() {
    let index = index(&["tide", "tides"]);
    let found = find(&index, &parse("tide"), &|_| Some(1.0), 1);
    assert_eq!(found.words, [["tide", "tides"]]);
    assert_eq!(found.files.len(), 1);
}

proptest! {
    /// What is found is what a look at every text finds.
    #[test]
    fn the_index_finds_what_a_look_at_all_texts_finds(
        texts in prop::collection::vec("[a-d潮汐 ]{0,12}", 1..12),
        query in "[a-d潮汐]{1,3}( [a-d]{1,2})?",
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let index = index(&texts);
        let mut found = search(&index, &query);
        found.sort_unstable();
        let asked = parse(&query);
        let stands = |asked: &Asked, word: &str| match asked.script {
            Script::Pair => word == asked.text,
            Script::Spaced if asked.text.len() < PREFIX_CHARS => word == asked.text,
            Script::Single | Script::Spaced => word.starts_with(&asked.text),
        };
        let looked: Vec<u8> = (0..texts.len() as u8)
            .filter(|place| {
                let mut all = Vec::new();
                words::words(texts[usize::from(*place)], |word| all.push(word.text));
                !asked.is_empty()
                    && asked.iter().all(|asked| all.iter().any(|word| stands(asked, word)))
            })
            .collect();
        prop_assert_eq!(found, looked);
    }
}
