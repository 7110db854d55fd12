//! How long a query takes over 100,000 files, and over as many names: `cargo run --release -p
//! offing-search --example hundred_thousand`. Texts are made of words by Zipf's law, from a seed;
//! with `names` behind the command only names are. As the browser runs it, on the same compiler:
//! `CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings search/examples/wasi.mjs" cargo run
//! --release -p offing-search --example hundred_thousand --target wasm32-wasip1`, which tells the
//! memory too.

#![allow(clippy::print_stdout, reason = "it tells figures")]

use std::time::Instant;

use offing_core::id::NodeId;
use offing_search::index::Index;
use offing_search::names::Names;
use offing_search::query;
use offing_search::segment::{Builder, File};

const FILES: u32 = 100_000;
const WORDS: usize = 60_000;
const TEXT_WORDS: usize = 200;
const RUNS: usize = 40;

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
    if std::env::args().nth(1).as_deref() != Some("names") {
        texts(&words);
    }
    names(&words);
}

/// Any of the words, the earlier the likelier.
fn any<'a>(words: &'a [String], state: &mut u64) -> &'a str {
    let rank = (words.len() as f64).powf(random(state)) - 1.0;
    &words[rank as usize]
}

fn node(number: u32) -> NodeId {
    let mut node = [9; 16];
    node[..4].copy_from_slice(&number.to_be_bytes());
    NodeId(node)
}

fn texts(words: &[String]) {
    let mut state = 0x5eed_u64;
    let begin = Instant::now();
    let mut index = Index::default();
    let mut builder = Builder::default();
    for number in 0..FILES {
        let mut text = String::new();
        for _ in 0..TEXT_WORDS {
            text.push_str(any(words, &mut state));
            text.push(' ');
        }
        let size = text.len() as u64;
        builder.add(File { node: node(number), size, modified_ms: 0, words: 0 }, &text);
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
    memory("when the texts are read");
    let [common, medium, rare] = [3, 900, 30_000].map(|rank| words[rank].clone());
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
        let query = || query::find(&index, &query::parse(&query), &|_| Some(1.0), 20).files.len();
        time(name, query);
    }
}

/// Names of three words, a number and an end, as `Baderi_tolu 4711 kime.pdf`.
fn names(words: &[String]) {
    let mut state = 0x5eed_u64;
    let begin = Instant::now();
    let mut names = Names::default();
    for number in 0..FILES {
        let [one, two, three] = [(); 3].map(|()| any(words, &mut state));
        let end = ["pdf", "md", "jpg", "docx"][number as usize % 4];
        names.add(node(number), &format!("{one}_{two} {number} {three}.{end}"));
    }
    names.finish();
    println!("{FILES} names: made in {:.2} s", begin.elapsed().as_secs_f64());
    memory("when the names are there");
    let [common, rare] = [3, 30_000].map(|rank| words[rank].clone());
    let six = words.iter().find(|word| word.len() == 6).unwrap_or(&rare);
    let long = words.iter().find(|word| word.len() >= 9).unwrap_or(&rare);
    for (name, query) in [
        ("a common word of a name", common.clone()),
        ("a rare word of a name", rare.clone()),
        ("the end of a name", "pdf".to_owned()),
        ("two words of a name", format!("{common} {}", words[0])),
        ("the beginning of a word", words[40][..2].to_owned()),
        ("a name with a slip", slip(six)),
        ("a name with letters swapped", swap(six)),
        ("a long word with a slip", slip(long)),
    ] {
        time(name, || names.find(&query, |_| true, 64).len());
    }
    memory("after all queries");
}

fn slip(word: &str) -> String {
    format!("{}x{}", &word[..2], &word[3..])
}

fn swap(word: &str) -> String {
    format!("{}{}{}{}", &word[..2], &word[3..4], &word[2..3], &word[4..])
}

fn time(name: &str, query: impl Fn() -> usize) {
    let mut times: Vec<f64> = Vec::new();
    let mut found = 0;
    for _ in 0..RUNS {
        let begin = Instant::now();
        found = query();
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{name:<28}{:>8.2} ms   19 of 20 within {:>7.2} ms   {found} shown",
        times[RUNS / 2],
        times[RUNS * 19 / 20]
    );
}

/// What all that was made so far has taken, where that can be told: memory of wasm never shrinks.
fn memory(when: &str) {
    #[cfg(target_family = "wasm")]
    println!("{:.1} MiB of memory, {when}", core::arch::wasm32::memory_size(0) as f64 / 16.0);
    #[cfg(not(target_family = "wasm"))]
    let _ = when;
}
