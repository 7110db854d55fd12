//! What is found: the files that have all words of a query, the best first.
//!
//! A word stands for itself, for what begins with it, and for what is a letter or two away
//! from it, each for less than the one before. Files are weighed by BM25 over the group of
//! words that a word of the query stands for, so that a rare slip is worth no more than what
//! was meant; the caller weighs a file as a whole (its name, a filter). Every step is bounded,
//! so the time of an answer is too.

use std::collections::{BTreeMap, BinaryHeap};

use fst::automaton::{Automaton, Levenshtein, Str};
use fst::{IntoStreamer as _, Streamer as _};

use crate::index::{Index, Part};
use crate::segment::File;
use crate::words::{self, Script};

/// Most words of a query.
const WORDS_MAX: usize = 16;
/// Most words that one of the query stands for.
const EXPANDED_MAX: usize = 24;
/// Most words that are looked at to find those.
const LOOKED_AT_MAX: usize = 4_096;
/// Shortest beginning of a word that stands for all that begin so.
const PREFIX_CHARS: usize = 2;
/// Shortest words in which one slip, and two, are allowed.
const SLIP_CHARS: [usize; 2] = [5, 9];
/// What a beginning, and a slip, is worth of the word itself.
const PREFIX_WORTH: f32 = 0.6;
const SLIP_WORTH: f32 = 0.3;
/// The parameters of BM25.
const K: f32 = 1.2;
const B: f32 = 0.75;

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The word, folded.
    pub text: String,
    /// What it is made of.
    pub script: Script,
}

/// Takes a query apart.
pub fn parse(query: &str) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    words::words(query, |word| {
        // The end of a run is in the pair before it.
        let paired = word.script == Script::Single
            && asked.last().is_some_and(|last| last.script == Script::Pair);
        let asks = Asked { text: word.text, script: word.script };
        if !paired && asked.len() < WORDS_MAX && !asked.contains(&asks) {
            asked.push(asks);
        }
    });
    asked
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The files, the best first.
    pub files: Vec<File>,
    /// For each word of the query the words that it stood for.
    pub words: Vec<Vec<String>>,
}

/// A word that one of the query stands for: its worth, and where it is in each segment.
#[derive(Debug, Default)]
struct Term {
    worth: f32,
    count: u32,
    at: Vec<(usize, u64)>,
}

/// Finds the best `limit` files. `weigh` says what a file is worth beside its words, or
/// nothing if it is not to be found.
pub fn find(
    index: &Index,
    asked: &[Asked],
    weigh: &dyn Fn(&File) -> Option<f32>,
    limit: usize,
) -> Found {
    let parts = index.parts();
    let groups: Vec<BTreeMap<String, Term>> =
        asked.iter().map(|asked| expand(parts, asked)).collect();
    let words = groups.iter().map(|group| group.keys().cloned().collect()).collect();
    let mut files = Vec::new();
    if groups.is_empty() || groups.iter().any(BTreeMap::is_empty) {
        return Found { files, words };
    }
    let mut best: BinaryHeap<(Worth, usize, u32)> = BinaryHeap::new();
    let all: f32 = index.len() as f32;
    let words_all: u64 = parts.iter().map(|part| part.segment.words).sum();
    let average = (words_all as f32 / all.max(1.0)).max(1.0);
    for (number, part) in parts.iter().enumerate() {
        let scores = score(number, part, &groups, all, average);
        best.extend(scores.into_iter().map(|(file, score)| (Worth(score), number, file)));
    }
    // What is worth most by its words may be worth less as a whole, so some more are looked at.
    let mut weighed: Vec<(Worth, File)> = Vec::new();
    while weighed.len() < 4 * limit
        && let Some((Worth(score), number, file)) = best.pop()
    {
        let file = parts[number].segment.files[file as usize];
        weighed.extend(weigh(&file).map(|worth| (Worth(score * worth), file)));
    }
    weighed.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.node.cmp(&other.node)));
    files.extend(weighed.into_iter().take(limit).map(|(_, file)| file));
    Found { files, words }
}

/// A score, which is never no number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Worth(f32);

impl Eq for Worth {}

impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Worth {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The files of a segment that have a word of each group, with their scores.
fn score(
    number: usize,
    part: &Part,
    groups: &[BTreeMap<String, Term>],
    all: f32,
    average: f32,
) -> Vec<(u32, f32)> {
    let files = &part.segment.files;
    let mut total = vec![0.0f32; files.len()];
    let mut has = vec![0u16; files.len()];
    let mut best = vec![0.0f32; files.len()];
    let mut touched: Vec<u32> = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        let count = group.values().map(|term| term.count as f32).sum::<f32>().min(all);
        let rare = (1.0 + (all - count + 0.5) / (count + 0.5)).ln();
        for term in group.values() {
            let here = term.at.iter().filter(|(part, _)| *part == number);
            for (file, often) in here.flat_map(|(_, at)| part.segment.list(*at)) {
                let at = file as usize;
                // A group counts where all groups before it do.
                if usize::from(has[at]) < place || !part.lives(file) {
                    continue;
                }
                let often = often as f32;
                let long = 1.0 - B + B * files[at].words as f32 / average;
                let score = term.worth * rare * often * (K + 1.0) / (often + K * long);
                if best[at] == 0.0 {
                    touched.push(file);
                }
                best[at] = best[at].max(score);
            }
        }
        for file in touched.drain(..) {
            let at = file as usize;
            total[at] += std::mem::take(&mut best[at]);
            has[at] = place as u16 + 1;
        }
    }
    let whole = groups.len() as u16;
    let found = has.iter().enumerate().filter(|(_, has)| **has == whole);
    found.map(|(at, _)| (at as u32, total[at])).collect()
}

/// The words that a word of the query stands for.
fn expand(parts: &[Part], asked: &Asked) -> BTreeMap<String, Term> {
    let word = asked.text.as_str();
    let mut terms = BTreeMap::new();
    add(parts, &mut terms, word, 1.0);
    let chars = word.chars().count();
    match asked.script {
        Script::Pair => {}
        Script::Single => begins(parts, &mut terms, word, 1.0),
        Script::Spaced if chars >= PREFIX_CHARS => begins(parts, &mut terms, word, PREFIX_WORTH),
        Script::Spaced => {}
    }
    // Digits that differ are other numbers.
    if asked.script == Script::Spaced && !word.contains(|letter: char| letter.is_numeric()) {
        let slips = SLIP_CHARS.iter().filter(|least| chars >= **least).count() as u32;
        slip(parts, &mut terms, word, slips);
    }
    let mut order: Vec<(f32, u32, &String)> =
        terms.iter().map(|(text, term)| (term.worth, term.count, text)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
    let few: Vec<String> = order.into_iter().skip(EXPANDED_MAX).map(|o| o.2.clone()).collect();
    for text in few {
        terms.remove(&text);
    }
    terms
}

fn add(parts: &[Part], terms: &mut BTreeMap<String, Term>, word: &str, worth: f32) {
    for (number, part) in parts.iter().enumerate() {
        if let Some(at) = part.segment.dictionary().get(word) {
            put(terms, word, worth, (number, at), part);
        }
    }
}

fn put(terms: &mut BTreeMap<String, Term>, word: &str, worth: f32, at: (usize, u64), part: &Part) {
    let term = terms.entry(word.to_owned()).or_default();
    term.worth = term.worth.max(worth);
    if !term.at.contains(&at) {
        term.at.push(at);
        term.count = term.count.saturating_add(part.segment.count(at.1));
    }
}

fn begins(parts: &[Part], terms: &mut BTreeMap<String, Term>, word: &str, worth: f32) {
    walk(parts, terms, &Str::new(word).starts_with(), worth);
}

/// Adds the words that an automaton takes.
fn walk<A: Automaton>(
    parts: &[Part],
    terms: &mut BTreeMap<String, Term>,
    automaton: &A,
    worth: f32,
) {
    for (number, part) in parts.iter().enumerate() {
        let mut found = part.segment.dictionary().search(automaton).into_stream();
        let mut left = LOOKED_AT_MAX;
        while let Some((other, at)) = found.next()
            && left > 0
        {
            left -= 1;
            if let Ok(other) = std::str::from_utf8(other) {
                put(terms, other, worth, (number, at), part);
            }
        }
    }
}

/// Adds the words that are so many slips away: a letter more, less or another, and for words
/// that are long enough for one, two letters that changed their places. What begins with those
/// is worth less, as it is without a slip; what begins almost so would be too much.
fn slip(parts: &[Part], terms: &mut BTreeMap<String, Term>, word: &str, slips: u32) {
    if slips == 0 {
        return;
    }
    let letters: Vec<char> = word.chars().collect();
    for place in 1..letters.len() {
        let mut swapped = letters.clone();
        swapped.swap(place - 1, place);
        let swapped = swapped.into_iter().collect::<String>();
        add(parts, terms, &swapped, SLIP_WORTH);
        begins(parts, terms, &swapped, SLIP_WORTH * PREFIX_WORTH);
    }
    // A long word has an automaton of too many states for two; one it always gets.
    let near = Levenshtein::new(word, slips).or_else(|_| Levenshtein::new(word, 1));
    let Ok(near) = near else { return };
    walk(parts, terms, &near, SLIP_WORTH / slips as f32);
}

#[cfg(test)]
mod tests;
