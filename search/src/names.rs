//! The names of the nodes, found with slips: an index of the words in them, as of those in files.
//!
//! The engine finds names by what stands in them, at once; here those are found that a person
//! meant. Made anew with each telling of the nodes, segment by segment so that the making takes
//! little memory, and kept nowhere. Where small and capital letters or letters and digits meet
//! inside a word, its parts are words too: few people write spaces into names.

use offing_core::id::NodeId;

use crate::index::Index;
use crate::query;
use crate::segment::{Builder, File};

/// Names that are a segment together.
const SEGMENT_NAMES: usize = 16_384;

/// The names.
#[derive(Debug, Default)]
pub struct Names {
    index: Index,
    coming: Builder,
}

impl Names {
    /// Adds a name.
    pub fn add(&mut self, node: NodeId, name: &str) {
        let file = File { node, size: 0, modified_ms: 0, words: 0 };
        self.coming.add(file, &with_parts(name));
        if self.coming.len() == SEGMENT_NAMES {
            self.finish();
        }
    }

    /// Has all that were added be found.
    pub fn finish(&mut self) {
        let coming = std::mem::take(&mut self.coming);
        if !coming.is_empty() {
            self.index.add(coming.finish());
        }
    }

    /// The nodes whose names have all words of a query, the best `limit` of those that are wanted.
    pub fn find(&self, query: &str, wants: impl Fn(&NodeId) -> bool, limit: usize) -> Vec<NodeId> {
        let weigh = |file: &File| wants(&file.node).then_some(1.0);
        let found = query::find(&self.index, &query::parse(query), &weigh, limit);
        found.files.iter().map(|file| file.node).collect()
    }
}

/// A name, and behind it its parts if it has some that no space parts.
fn with_parts(name: &str) -> String {
    let mut parted = String::with_capacity(2 * name.len() + 8);
    let mut before = ' ';
    for letter in name.chars() {
        let meets = (is_small(before) && is_capital(letter))
            || (before.is_alphabetic() && letter.is_numeric())
            || (before.is_numeric() && letter.is_alphabetic());
        if meets {
            parted.push(' ');
        }
        parted.push(letter);
        before = letter;
    }
    if parted.len() == name.len() { parted } else { format!("{name} {parted}") }
}

// By the tables that folding has; those of what is small and what is capital would be two more.
fn is_small(letter: char) -> bool {
    letter.to_uppercase().next() != Some(letter)
}

fn is_capital(letter: char) -> bool {
    letter.to_lowercase().next() != Some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], query: &str) -> Vec<String> {
        let mut index = Names::default();
        for (number, name) in names.iter().enumerate() {
            index.add(NodeId([number as u8; 16]), name);
        }
        index.finish();
        let nodes = index.find(query, |_| true, 10);
        nodes.iter().map(|node| names[usize::from(node.0[0])].to_owned()).collect()
    }

    #[test]
    fn a_name_is_found_with_a_slip_and_after_those_that_have_the_word() {
        let names = ["invoices", "invoice-2024.pdf", "invioce.txt", "letter.md"];
        assert_eq!(found(&names, "invioce"), ["invioce.txt", "invoice-2024.pdf", "invoices"]);
        assert_eq!(found(&names, "invoice"), ["invoice-2024.pdf", "invoices", "invioce.txt"]);
        assert_eq!(found(&names, "invioce 2024"), ["invoice-2024.pdf"]);
        assert_eq!(found(&names, "invioce 2025"), [""; 0]);
    }

    #[test]
    fn words_that_no_space_parts_are_words_too() {
        let names = ["InvoiceLisbon2026.txt", "my_invoice.pdf", "scan0042.png"];
        assert_eq!(found(&names, "lisbno"), ["InvoiceLisbon2026.txt"]);
        assert_eq!(found(&names, "invioce").len(), 2);
        assert_eq!(found(&names, "invoicelisbon2026"), ["InvoiceLisbon2026.txt"]);
        assert_eq!(found(&names, "scan 0042"), ["scan0042.png"]);
    }

    #[test]
    fn names_are_folded_and_segmented_as_contents_are() {
        let names = ["Café Straße.md", "ﾎﾃﾙ.txt", "我在北京大学.txt"];
        assert_eq!(found(&names, "cafe STRASSE"), ["Café Straße.md"]);
        assert_eq!(found(&names, "ホテル"), ["ﾎﾃﾙ.txt"]);
        assert_eq!(found(&names, "大学 北京"), ["我在北京大学.txt"]);
        assert_eq!(found(&names, "京北"), [""; 0]);
    }

    #[test]
    fn only_those_that_are_wanted_are_found_however_many_segments_there_are() {
        let mut index = Names::default();
        let node = |number: u32| {
            let mut node = [7; 16];
            node[..4].copy_from_slice(&number.to_be_bytes());
            NodeId(node)
        };
        let all = SEGMENT_NAMES as u32 + 3;
        for number in 0..all {
            index.add(node(number), &format!("harbour {number}"));
        }
        index.finish();
        assert_eq!(index.index.parts().len(), 2);
        let late = index.find("harbuor", |one| *one >= node(all - 2), 10);
        assert_eq!(late, [node(all - 2), node(all - 1)]);
        assert_eq!(index.find("harbuor", |_| true, 10).len(), 10);
    }
}
