//! A snippet: the piece of a text that shows best why it was found, with the words marked.

use std::collections::HashSet;
use std::ops::Range;

use crate::words;

/// About how many bytes of a text are shown.
const SNIPPET_BYTES: usize = 160;
/// Bytes that are shown before the first word.
const BEFORE_BYTES: usize = 32;
/// Most places that are looked at.
const PLACES_MAX: usize = 4_096;

/// Takes the snippet of a text: pieces, and of each whether it is one of the words. `wanted`
/// has for each word of the query those that it stands for. Empty where none is in the text.
pub fn snippet(text: &str, wanted: &[Vec<String>]) -> Vec<(String, bool)> {
    let wanted: Vec<HashSet<&str>> =
        wanted.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
    let mut places: Vec<(usize, Range<usize>)> = Vec::new();
    words::words(text, |word| {
        let which = wanted.iter().position(|words| words.contains(word.text.as_str()));
        if let Some(which) = which.filter(|_| places.len() < PLACES_MAX) {
            places.push((which, word.at));
        }
    });
    let Some(first) = best(&places) else { return Vec::new() };
    let start = floor(text, places[first].1.start.saturating_sub(BEFORE_BYTES));
    let start = text[start..places[first].1.start]
        .find(char::is_whitespace)
        .filter(|_| start > 0)
        .map_or(start, |space| start + space);
    let end = floor(text, (start + SNIPPET_BYTES).max(places[first].1.end).min(text.len()));
    let mut pieces: Vec<(String, bool)> = Vec::new();
    let mut at = start;
    if start > 0 {
        pieces.push(("…".into(), false));
    }
    for (_, place) in &places[first..] {
        if place.end > end {
            break;
        }
        // Pairs of one run overlap.
        let from = place.start.max(at);
        push(&mut pieces, &text[at..from], false);
        push(&mut pieces, &text[from..place.end.max(from)], true);
        at = place.end.max(at);
    }
    push(&mut pieces, &text[at..end], false);
    if end < text.len() {
        push(&mut pieces, "…", false);
    }
    pieces
}

/// The place from which a snippet has the most of the words that were asked for.
fn best(places: &[(usize, Range<usize>)]) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (at, (_, first)) in places.iter().enumerate() {
        let near = places[at..]
            .iter()
            .take_while(|(_, place)| place.end <= first.start + (SNIPPET_BYTES - BEFORE_BYTES));
        let words: HashSet<usize> = near.take(64).map(|(which, _)| *which).collect();
        if best.is_none_or(|(count, _)| words.len() > count) {
            best = Some((words.len(), at));
        }
    }
    best.map(|(_, at)| at)
}

/// Adds to the last piece of the same kind; any space is one space.
fn push(pieces: &mut Vec<(String, bool)>, text: &str, marked: bool) {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        let letter = if letter.is_whitespace() || letter.is_control() { ' ' } else { letter };
        if letter != ' ' || !plain.ends_with(' ') {
            plain.push(letter);
        }
    }
    if plain.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some((last, is_marked)) if *is_marked == marked => last.push_str(&plain),
        _ => pieces.push((plain, marked)),
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, wanted: &[&[&str]]) -> String {
        let wanted: Vec<Vec<String>> = wanted
            .iter()
            .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
            .collect();
        let shown = |(text, marked): &(String, bool)| {
            if *marked { format!("[{text}]") } else { text.clone() }
        };
        snippet(text, &wanted).iter().map(shown).collect()
    }

    #[test]
    fn the_words_are_marked_as_they_are_written() {
        assert_eq!(of("At low Tide\n\n  we go.", &[&["tide"]]), "At low [Tide] we go.");
        assert_eq!(of("nothing", &[&["tide"]]), "");
    }

    #[test]
    fn a_long_text_is_shown_where_most_of_the_words_are() {
        let text =
            format!("tide {} the wind turns with the tide {}", "x ".repeat(400), "y ".repeat(400));
        let shown = of(&text, &[&["tide"], &["wind"]]);
        assert!(shown.contains("the [wind] turns with the [tide]"), "{shown}");
        assert!(shown.starts_with('…') && shown.ends_with('…'));
        assert!(shown.len() < 220);
    }

    #[test]
    fn a_run_of_pairs_is_one_mark() {
        assert_eq!(
            of("我在北京大学读书", &[&["北京"], &["京大"], &["大学"]]),
            "我在[北京大学]读书"
        );
    }

    #[test]
    fn letters_of_many_bytes_are_never_cut() {
        let text = "潮汐".repeat(300) + "ebb" + &"🌊".repeat(300);
        assert!(of(&text, &[&["ebb"]]).contains("[ebb]"));
    }
}
