//! How long a query takes over 100,000 files: `cargo run --release -p offing-search --example
//! hundred_thousand`. Texts are made of words by Zipf's law, from a seed.

#![allow(clippy::print_stdout, reason = "it tells figures")]

use std::time::Instant;

use offing_core::id::NodeId;
use offing_search::index::Index;
use offing_search::query;
use offing_search::segment::{Builder, File};

const FILES: u32 = 100_000;
const WORDS: usize = 60_000;
const TEXT_WORDS: usize = 200;
const RUNS: usize = 25;

fn random(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// A word that can be spoken, another for each number.
fn word(mut number: usize) -> String {
    let (starts, ends) = ("bdfgklmnprst".as_bytes(), "aeiou".as_bytes());
    let mut word = String::new();
    number += 60;
    while number > 0 {
        word.push(char::from(starts[number % starts.len()]));
        number /= starts.len();
        word.push(char::from(ends[number % ends.len()]));
        number /= ends.len();
    }
    word
}

fn main() {
    let words: Vec<String> = (0..WORDS).map(word).collect();
    let mut state = 0x5eed_u64;
    let begin = Instant::now();
    let mut index = Index::default();
    let mut builder = Builder::default();
    for number in 0..FILES {
        let mut text = String::new();
        for _ in 0..TEXT_WORDS {
            let rank = (WORDS as f64).powf(random(&mut state)) - 1.0;
            text.push_str(&words[rank as usize]);
            text.push(' ');
        }
        let mut node = [9; 16];
        node[..4].copy_from_slice(&number.to_be_bytes());
        let file = File { node: NodeId(node), size: text.len() as u64, modified_ms: 0, words: 0 };
        builder.add(file, &text);
        if builder.len() == 1_024 {
            index.add(std::mem::take(&mut builder).finish());
            index.tidy(|_| true);
        }
    }
    index.add(builder.finish());
    let bytes: usize = index.parts().iter().map(|part| part.segment.encode().len()).sum();
    println!(
        "{FILES} files of {TEXT_WORDS} words: {} segments, {:.1} MiB, made in {:.1} s",
        index.parts().len(),
        bytes as f64 / 1048576.0,
        begin.elapsed().as_secs_f64()
    );
    let [common, medium, rare] = [3, 900, 30_000].map(|rank| words[rank].clone());
    let slip = |word: &str| format!("{}x{}", &word[..2], &word[3..]);
    let long = words.iter().find(|word| word.len() >= 9).map_or(rare.clone(), String::clone);
    for (name, query) in [
        ("a common word", common.clone()),
        ("a rare word", rare.clone()),
        ("three words", format!("{common} {medium} {rare}")),
        ("five common words", words[..5].join(" ")),
        ("a beginning", words[40][..2].to_owned()),
        ("a word with a slip", slip(words.iter().find(|word| word.len() == 6).unwrap_or(&rare))),
        ("a long word with a slip", slip(&long)),
    ] {
        let mut times: Vec<f64> = Vec::new();
        let mut found = 0;
        for _ in 0..RUNS {
            let begin = Instant::now();
            found = query::find(&index, &query::parse(&query), |_| Some(1.0), 20).files.len();
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{name:<28}{:>8.2} ms   slowest {:>7.2} ms   {found} shown",
            times[RUNS / 2],
            times[RUNS - 1]
        );
    }
}
