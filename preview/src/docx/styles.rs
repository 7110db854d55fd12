//! Styles: what the name of one makes of a paragraph or of letters.

use std::collections::HashMap;

use crate::{
    Refusal,
    blocks::Look,
    package::{Element, Package, Seen},
};

/// Further styles are plain.
const STYLES_MAX: usize = 10_000;
/// A style that stands on more others than this lacks the rest of them.
const BASES_MAX: usize = 16;

/// What a style makes of a paragraph and its letters.
#[derive(Debug, Clone, Default)]
pub(super) struct Style {
    pub(super) heading: Option<u8>,
    pub(super) list: Option<String>,
    pub(super) depth: Option<usize>,
    /// What it says of letters, and which bits it speaks of.
    look: Look,
    said: u8,
    base: Option<String>,
}

/// Styles by their names, each whole.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(package: &mut Package, path: &str) -> Result<Self, Refusal> {
        let mut styles: HashMap<String, Style> = HashMap::new();
        let mut name = String::new();
        package.walk(path, |seen| {
            let element = match seen {
                Seen::Open(element) => element,
                // What stands between styles is of none.
                Seen::Close("style") => {
                    name.clear();
                    return Ok(());
                }
                Seen::Close(_) | Seen::Text(_) => return Ok(()),
            };
            if element.name() == "style" {
                name = element.attribute("styleId").unwrap_or_default().into_owned();
                if styles.len() < STYLES_MAX && !name.is_empty() {
                    styles.insert(name.clone(), Style::default());
                }
            } else if let Some(style) = styles.get_mut(&name) {
                style.take(element);
            }
            Ok(())
        })?;
        let whole = styles.iter().map(|(name, style)| (name.clone(), style.whole(&styles)));
        Ok(Self(whole.collect()))
    }

    /// A style; a plain one where nobody made it.
    pub(super) fn named(&self, name: &str) -> Style {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

impl Style {
    fn take(&mut self, element: &Element<'_>) {
        match element.name() {
            "name" => {
                let called = element.attribute("val").unwrap_or_default().to_lowercase();
                let level = called.strip_prefix("heading ").and_then(|level| level.parse().ok());
                let level = level.map(|level: u8| level.clamp(1, 6));
                self.heading = level.or_else(|| (called == "title").then_some(1));
            }
            "basedOn" => self.base = element.attribute("val").map(|base| base.into_owned()),
            "outlineLvl" => self.heading = heading(element).or(self.heading),
            "numId" => self.list = element.attribute("val").map(|id| id.into_owned()),
            "ilvl" => self.depth = element.number("val"),
            _ => self.said |= self.look.take(element),
        }
    }

    /// With what the styles below it say.
    fn whole(&self, styles: &HashMap<String, Self>) -> Self {
        let mut whole = self.clone();
        let mut base = &self.base;
        for _ in 0..BASES_MAX {
            let Some(below) = base.as_ref().and_then(|base| styles.get(base)) else { break };
            whole.heading = whole.heading.or(below.heading);
            whole.list = whole.list.or_else(|| below.list.clone());
            whole.depth = whole.depth.or(below.depth);
            whole.look.0 |= below.look.0 & !whole.said;
            whole.said |= below.said;
            base = &below.base;
        }
        whole
    }

    /// Letters in this style that otherwise look so.
    pub(super) fn over(&self, look: Look) -> Look {
        Look((look.0 & !self.said) | self.look.0)
    }
}

impl Look {
    /// Hears what an element says of letters. → the bits that it speaks of
    pub(super) fn take(&mut self, element: &Element<'_>) -> u8 {
        let value = element.attribute("val");
        let is_on = !matches!(value.as_deref(), Some("0" | "false" | "none" | "off"));
        let (bits, on) = match element.name() {
            "b" => (Self::BOLD, if is_on { Self::BOLD } else { 0 }),
            "i" => (Self::ITALIC, if is_on { Self::ITALIC } else { 0 }),
            "u" => (Self::UNDER, if is_on { Self::UNDER } else { 0 }),
            "strike" | "dstrike" => (Self::STRUCK, if is_on { Self::STRUCK } else { 0 }),
            "vertAlign" => {
                let on = match value.as_deref() {
                    Some("superscript") => Self::ABOVE,
                    Some("subscript") => Self::BELOW,
                    _ => 0,
                };
                (Self::ABOVE | Self::BELOW, on)
            }
            _ => return 0,
        };
        self.0 = (self.0 & !bits) | on;
        bits
    }
}

/// The heading that an outline's level is; none where it says that this is no heading.
pub(super) fn heading(element: &Element<'_>) -> Option<u8> {
    match element.number::<u8>("val") {
        Some(level @ 0..=8) => Some((level + 1).min(6)),
        Some(_) => Some(0),
        None => None,
    }
}
