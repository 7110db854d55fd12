//! Lists: what stands before an item, counted as Word counts.
//!
//! A list is an instance of a scheme. Lists of one scheme count on together, unless one says
//! that it begins anew. An item ends the counting of all that is deeper.

use std::collections::HashMap;

use super::styles::Styles;
use crate::{
    Refusal,
    blocks::marks::counted,
    package::{Element, Package, Seen},
};

/// Lists go no deeper.
pub(super) const DEPTH_MAX: usize = 9;
/// Further lists and schemes are plain.
const COUNT_MAX: usize = 10_000;
/// A mark that would be longer is cut.
const MARK_BYTES_MAX: usize = 64;

/// All lists of a document, and how far they have counted.
#[derive(Default)]
pub(super) struct Lists {
    schemes: HashMap<String, Scheme>,
    lists: HashMap<String, List>,
}

#[derive(Default)]
struct Scheme {
    levels: [Level; DEPTH_MAX],
    /// A style whose list has the levels.
    link: Option<String>,
    counts: [Option<u32>; DEPTH_MAX],
}

/// What an instance says of its own.
#[derive(Default)]
struct List {
    scheme: String,
    levels: [Option<Level>; DEPTH_MAX],
    /// Where a level begins anew, at the first item of it.
    starts: [Option<u32>; DEPTH_MAX],
}

#[derive(Debug, Clone)]
struct Level {
    format: String,
    text: String,
    start: u32,
    /// Its numbers and those of the levels above are digits.
    is_plain: bool,
    /// The style that its items have.
    style: String,
}

impl Default for Level {
    fn default() -> Self {
        let (format, text, style) = (String::new(), String::new(), String::new());
        Self { format, text, start: 1, is_plain: false, style }
    }
}

impl Level {
    fn take(&mut self, element: &Element<'_>) {
        let val = || element.attribute("val").unwrap_or_default().into_owned();
        match element.name() {
            "numFmt" => self.format = val(),
            "lvlText" => self.text = val(),
            "start" => self.start = element.number("val").unwrap_or(1),
            "isLgl" => self.is_plain = !matches!(&*val(), "0" | "false" | "off"),
            "pStyle" => self.style = val(),
            _ => {}
        }
    }
}

impl Lists {
    pub(super) fn read(
        package: &mut Package,
        path: &str,
        styles: &Styles,
    ) -> Result<Self, Refusal> {
        let mut lists = Self::default();
        let (mut scheme, mut list, mut depth) = (None, None, DEPTH_MAX);
        package.walk(path, |seen| {
            match seen {
                Seen::Open(element) => match element.name() {
                    "abstractNum" if lists.schemes.len() < COUNT_MAX => {
                        scheme = element.attribute("abstractNumId").map(|id| id.into_owned());
                    }
                    "num" if lists.lists.len() < COUNT_MAX => {
                        list = element.attribute("numId").map(|id| id.into_owned());
                    }
                    "lvl" | "lvlOverride" => depth = element.number("ilvl").unwrap_or(DEPTH_MAX),
                    _ => lists.take(element, &scheme, &list, depth),
                },
                Seen::Close("abstractNum") => scheme = None,
                Seen::Close("num") => list = None,
                Seen::Close(_) | Seen::Text(_) => {}
            }
            Ok(())
        })?;
        lists.follow(styles);
        Ok(lists)
    }

    fn take(
        &mut self,
        element: &Element<'_>,
        scheme: &Option<String>,
        list: &Option<String>,
        depth: usize,
    ) {
        if let Some(scheme) = scheme {
            let scheme = self.schemes.entry(scheme.clone()).or_default();
            if element.name() == "numStyleLink" {
                scheme.link = element.attribute("val").map(|link| link.into_owned());
            } else if let Some(level) = scheme.levels.get_mut(depth) {
                level.take(element);
            }
        } else if let Some(list) = list {
            let list = self.lists.entry(list.clone()).or_default();
            if element.name() == "abstractNumId" {
                list.scheme = element.attribute("val").unwrap_or_default().into_owned();
            } else if depth >= DEPTH_MAX {
            } else if element.name() == "startOverride" {
                list.starts[depth] = element.number("val");
            } else {
                list.levels[depth].get_or_insert_default().take(element);
            }
        }
    }

    /// Gives lists whose scheme names a style the scheme of that style's list.
    fn follow(&mut self, styles: &Styles) {
        let mut found = Vec::new();
        for (name, list) in &self.lists {
            let link = self.schemes.get(&list.scheme).and_then(|scheme| scheme.link.as_ref());
            let other = link.and_then(|link| styles.named(link).list);
            if let Some(other) = other.and_then(|other| self.lists.get(&other)) {
                found.push((name.clone(), other.scheme.clone()));
            }
        }
        for (name, scheme) in found {
            self.lists.entry(name).or_default().scheme = scheme;
        }
    }

    /// How deep items of a style stand in a list.
    pub(super) fn depth_of(&self, list: &str, style: &str) -> Option<usize> {
        let list = self.lists.get(list)?;
        let levels = &self.schemes.get(&list.scheme)?.levels;
        levels.iter().position(|level| !style.is_empty() && level.style == style)
    }

    /// What stands before the next item of a list; none where it is no list.
    pub(super) fn mark(&mut self, list: &str, depth: usize) -> Option<String> {
        let depth = depth.min(DEPTH_MAX - 1);
        let list = self.lists.get_mut(list)?;
        let Scheme { levels, counts, .. } = self.schemes.get_mut(&list.scheme)?;
        // A level of an instance's own may be no more than a place where it begins anew.
        let own = |level: &Level| !level.format.is_empty() || !level.text.is_empty();
        let level_at = |depth: usize| {
            list.levels[depth].as_ref().filter(|level| own(level)).unwrap_or(&levels[depth])
        };
        let begin = list.starts[depth].take();
        let count = begin.or_else(|| counts[depth].map(|count| count.saturating_add(1)));
        counts[depth] = Some(count.unwrap_or_else(|| level_at(depth).start));
        counts[depth + 1..].fill(None);
        let level = level_at(depth);
        if level.format == "none" {
            return Some(String::new());
        }
        if level.format == "bullet" {
            return Some(["•", "◦", "▪"][depth % 3].to_owned());
        }
        let mut mark = String::new();
        let mut rest = level.text.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            mark += before;
            let place = after.chars().next().and_then(|digit| digit.to_digit(10));
            rest = after.get(1..).unwrap_or_default();
            match place {
                Some(place @ 1..=9) => {
                    let place = place as usize - 1;
                    let of = level_at(place);
                    let format = if level.is_plain { "decimal" } else { &of.format };
                    mark += &counted(format, counts[place].unwrap_or(of.start));
                }
                _ => (mark, rest) = (mark + "%", after),
            }
        }
        mark += rest;
        mark.truncate(mark.floor_char_boundary(MARK_BYTES_MAX));
        Some(mark)
    }
}
