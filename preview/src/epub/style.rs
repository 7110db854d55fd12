//! What of a book's styles is followed: bold, italic and their like, sides, and what is hidden.
//!
//! Only rules for elements and classes by themselves (`em`, `.strong`, `p.verse`) are taken,
//! since what else a rule may stand for would need a tree of the text.

use std::collections::HashMap;

use crate::{
    Refusal,
    blocks::{Align, Look},
    package::Package,
};

/// Of a longer part nothing is taken.
const BYTES_MAX: usize = 1 << 20;
/// Further rules are left out.
const RULES_MAX: usize = 10_000;
/// Classes of one element that are looked at.
const CLASSES_MAX: usize = 8;

/// What something says of how it looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// Bits of a look that are set, and those that are spoken of.
    look: u8,
    said: u8,
    pub(super) align: Option<Align>,
    pub(super) is_hidden: Option<bool>,
}

impl Style {
    /// What declarations say, as `font-weight: bold; text-align: center`.
    pub(super) fn read(declarations: &str) -> Self {
        let mut style = Self::default();
        for declaration in declarations.split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let value = value.split('!').next().unwrap_or_default().trim();
            style.declare(name.trim(), value);
        }
        style
    }

    fn declare(&mut self, name: &str, value: &str) {
        let is_heavy = |weight: u16| weight >= 600;
        match (name, value) {
            ("font-weight", "bold" | "bolder") => self.say(Look::BOLD, Look::BOLD),
            ("font-weight", "normal" | "lighter") => self.say(Look::BOLD, 0),
            ("font-weight", number) => {
                if let Ok(weight) = number.parse() {
                    self.say(Look::BOLD, if is_heavy(weight) { Look::BOLD } else { 0 });
                }
            }
            ("font-style", "italic" | "oblique") => self.say(Look::ITALIC, Look::ITALIC),
            ("font-style", "normal") => self.say(Look::ITALIC, 0),
            ("text-decoration" | "text-decoration-line", "underline") => {
                self.say(Look::UNDER, Look::UNDER);
            }
            ("text-decoration" | "text-decoration-line", "line-through") => {
                self.say(Look::STRUCK, Look::STRUCK);
            }
            ("text-decoration" | "text-decoration-line", "none") => {
                self.say(Look::UNDER | Look::STRUCK, 0);
            }
            ("vertical-align", "super") => self.say(Look::ABOVE | Look::BELOW, Look::ABOVE),
            ("vertical-align", "sub") => self.say(Look::ABOVE | Look::BELOW, Look::BELOW),
            ("text-align", side) => self.align = aligned(side).or(self.align),
            ("display", shown) => self.is_hidden = Some(shown == "none"),
            _ => {}
        }
    }

    fn say(&mut self, bits: u8, on: u8) {
        self.look = (self.look & !bits) | on;
        self.said |= bits;
    }

    /// With what comes later and counts more.
    pub(super) fn with(self, later: Self) -> Self {
        Self {
            look: (self.look & !later.said) | later.look,
            said: self.said | later.said,
            align: later.align.or(self.align),
            is_hidden: later.is_hidden.or(self.is_hidden),
        }
    }

    /// Letters of a look in something of this style.
    pub(super) fn over(&self, look: Look) -> Look {
        Look((look.0 & !self.said) | self.look)
    }
}

/// The side that a word for it means.
pub(super) fn aligned(side: &str) -> Option<Align> {
    match side {
        "center" | "middle" => Some(Align::Center),
        // Whether it ends there depends on how the text is read; nearly always it does.
        "right" | "end" => Some(Align::End),
        "left" | "start" | "justify" => Some(Align::Start),
        _ => None,
    }
}

/// The rules of a book.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(package: &mut Package, parts: &[String]) -> Result<Self, Refusal> {
        let mut styles = Self::default();
        for part in parts {
            if !package.has(part) {
                continue;
            }
            match package.bytes(part, BYTES_MAX) {
                Ok(bytes) => styles.take(&String::from_utf8_lossy(&bytes)),
                // It is damaged or long: the text is what matters.
                Err(Refusal::Broken | Refusal::Output) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(styles)
    }

    fn take(&mut self, text: &str) {
        let text = without_comments(text);
        let mut rest = text.as_str();
        while let Some((selectors, behind)) = rest.split_once('{') {
            // What stands before it without rules of its own: `@import …;`
            let selectors = selectors.rsplit(';').next().unwrap_or_default().trim();
            if selectors.starts_with('@') {
                rest = behind_block(behind);
                continue;
            }
            let (declarations, behind) = behind.split_once('}').unwrap_or((behind, ""));
            rest = behind;
            let style = Style::read(declarations);
            if style == Style::default() {
                continue;
            }
            for selector in selectors.split(',').map(str::trim) {
                let is_plain = selector.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_.".contains(&byte)
                });
                if is_plain && selector.matches('.').count() <= 1 && self.0.len() < RULES_MAX {
                    let known = self.0.entry(selector.to_owned()).or_default();
                    *known = known.with(style);
                }
            }
        }
    }

    /// How an element of these classes looks.
    pub(super) fn of(&self, name: &str, classes: &str) -> Style {
        let rule = |selector: &str| self.0.get(selector).copied().unwrap_or_default();
        let mut style = rule(name);
        for class in classes.split_ascii_whitespace().take(CLASSES_MAX) {
            style = style.with(rule(&format!(".{class}"))).with(rule(&format!("{name}.{class}")));
        }
        style
    }
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("/*") {
        kept += before;
        rest = behind.split_once("*/").unwrap_or_default().1;
    }
    kept + rest
}

/// What stands behind a block that may have blocks in it.
fn behind_block(text: &str) -> &str {
    let mut depth = 1usize;
    for (at, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(css: &str, name: &str, classes: &str) -> (u8, Option<Align>, Option<bool>) {
        let mut styles = Styles::default();
        styles.take(css);
        let style = styles.of(name, classes);
        (style.over(Look::default()).0, style.align, style.is_hidden)
    }

    #[test]
    fn rules_for_elements_and_classes_are_taken_and_others_are_not() {
        let css = "@import url(a.css); /* em { font-weight: bold } */ em, .x { font-style: italic }
            @media print { p { display: none } } p.c { text-align: center !important; }
            p.c a { font-weight: bold } a:hover { font-weight: 700 } .b { font-weight: 700 }
            .n { font-style: normal; display: none }";
        assert_eq!(looks(css, "em", ""), (Look::ITALIC, None, None));
        assert_eq!(
            looks(css, "p", "c b x"),
            (Look::BOLD | Look::ITALIC, Some(Align::Center), None)
        );
        assert_eq!(looks(css, "em", "n"), (0, None, Some(true)));
        assert_eq!(looks(css, "a", ""), (0, None, None));
    }

    #[test]
    fn what_never_ends_is_no_loop() {
        for css in ["@media {", "a {", "/*", "}}}", "{", "a{b:c", "@x{{}"] {
            assert_eq!(looks(css, "a", "a"), (0, None, None), "{css}");
        }
    }
}
