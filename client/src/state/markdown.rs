//! What the page decides about a rendered document: which blocks stay, and what becomes
//! of an attribute.
//!
//! The steps come from the renderer (`offing_markdown`), a worker of its own. Invariants:
//! attribute names come from this file only; a link goes to http, https, mailto or a
//! relative address, whatever the renderer says.

use offing_markdown::steps::{Attribute, Block};

/// Counts the blocks at the start and at the end that both lists share.
pub fn unchanged(old: &[Block], new: &[Block]) -> (usize, usize) {
    let shared = old.len().min(new.len());
    let head = (0..shared).take_while(|&at| old[at] == new[at]).count();
    let tail = (1..=shared - head)
        .take_while(|back| old[old.len() - back] == new[new.len() - back])
        .count();
    (head, tail)
}

/// Hands over the names and values that an attribute becomes.
pub fn set<E>(
    attribute: &Attribute<'_>,
    mut set: impl FnMut(&'static str, &str) -> Result<(), E>,
) -> Result<(), E> {
    match *attribute {
        Attribute::Class(class) => set("class", class.name()),
        Attribute::Start(first) => set("start", &first.to_string()),
        Attribute::Language(language) => set("data-language", language),
        Attribute::Href(url) if is_harmless(url) => {
            set("href", url)?;
            set("rel", "noopener noreferrer")?;
            match scheme(url) {
                Some(_) => set("target", "_blank"),
                None => Ok(()),
            }
        }
        Attribute::Href(_) => Ok(()),
        Attribute::Title(title) => set("title", title),
        Attribute::Note(label) => {
            set("id", &["md-note-", label].concat())?;
            set("class", "md-note")?;
            set("data-label", label)
        }
        Attribute::NoteLink(label) => set("href", &["#md-note-", label].concat()),
        Attribute::Picture(url) => {
            set("class", "md-image")?;
            // What is elsewhere stays its description: looking at a text tells nobody of it.
            if scheme(url).is_none() { set("data-src", url) } else { Ok(()) }
        }
        Attribute::Done(done) => {
            // The editor ticks it in the text.
            set("type", "checkbox")?;
            if done { set("checked", "") } else { Ok(()) }
        }
    }
}

/// The scheme of an address, as far as anything could take it for one.
fn scheme(url: &str) -> Option<&str> {
    let end = url.find([':', '/', '?', '#'])?;
    url[end..].starts_with(':').then(|| &url[..end])
}

/// Says whether an address is relative, or http, https or mailto.
///
/// Browsers drop tabs, line ends and leading spaces inside a scheme, so what is not
/// letter for letter an allowed scheme is refused, not repaired.
fn is_harmless(url: &str) -> bool {
    scheme(url).is_none_or(|scheme| {
        ["http", "https", "mailto"].iter().any(|allowed| scheme.eq_ignore_ascii_case(allowed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(attribute: Attribute<'_>) -> String {
        let mut found = String::new();
        set(&attribute, |name, value| {
            found.push_str(&format!(" {name}={value}"));
            Ok::<(), ()>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn only_harmless_links_are_links() {
        for url in ["https://a.b", "HTTP://a.b", "mailto:a@b"] {
            let expected = format!(" href={url} rel=noopener noreferrer target=_blank");
            assert_eq!(attributes(Attribute::Href(url)), expected);
        }
        for url in ["notes/x.md", "#a", "/x?y:z", ""] {
            let expected = format!(" href={url} rel=noopener noreferrer");
            assert_eq!(attributes(Attribute::Href(url)), expected);
        }
        for url in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "JaVaScRiPt:x",
            "data:text/html,x",
            "vbscript:x",
            "blob:x",
            "file:///etc/passwd",
        ] {
            assert_eq!(attributes(Attribute::Href(url)), "", "{url:?}");
        }
    }

    #[test]
    fn only_pictures_that_may_be_beside_the_text_say_where_they_are() {
        let beside = " class=md-image data-src=shots/cat.png";
        assert_eq!(attributes(Attribute::Picture("shots/cat.png")), beside);
        for url in ["https://a.b/c.png", "data:image/png;base64,x", "javascript:x"] {
            assert_eq!(attributes(Attribute::Picture(url)), " class=md-image", "{url:?}");
        }
    }

    #[test]
    fn tasks_and_footnotes_have_what_the_style_sheet_looks_for() {
        assert_eq!(attributes(Attribute::Done(false)), " type=checkbox");
        assert_eq!(attributes(Attribute::Done(true)), " type=checkbox checked=");
        assert_eq!(attributes(Attribute::Note("1")), " id=md-note-1 class=md-note data-label=1");
        assert_eq!(attributes(Attribute::NoteLink("1")), " href=#md-note-1");
        assert_eq!(attributes(Attribute::Start(7)), " start=7");
    }

    #[test]
    fn only_what_was_edited_is_made_anew() {
        let blocks = |prints: &[u64]| -> Vec<Block> {
            prints.iter().map(|&fingerprint| Block { fingerprint, bytes: 1 }).collect()
        };
        let old = blocks(&[1, 2, 3, 4]);
        assert_eq!(unchanged(&old, &blocks(&[1, 2, 9, 4])), (2, 1));
        assert_eq!(unchanged(&old, &old), (4, 0));
        assert_eq!(unchanged(&old, &blocks(&[1, 2, 3, 4, 4])), (4, 0));
        assert_eq!(unchanged(&[], &old), (0, 0));
        assert_eq!(unchanged(&old, &[]), (0, 0));
    }
}
