//! Where the references of a book's parts lead.

use std::borrow::Cow;

use crate::{blocks::Target, limits, package::joined};

/// What a reference of a part leads to; places are named as [`place`] does.
pub(super) fn target(part: &str, reference: &str) -> Target {
    let reference = reference.trim();
    let is_address = reference.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if is_address || reference.starts_with("//") {
        return Target::Out(limits::shortened(reference).into_owned());
    }
    let (_, id) = reference.split_once('#').unwrap_or_default();
    Target::Place(place(&path(part, reference), &decoded(id)))
}

/// The part that a reference of another part names; the part itself where it names none.
pub(super) fn path(part: &str, reference: &str) -> String {
    let path = reference.trim().split(['#', '?']).next().unwrap_or_default();
    if path.is_empty() {
        return part.to_owned();
    }
    let (folder, _) = part.rsplit_once('/').unwrap_or_default();
    joined(folder, &decoded(path))
}

/// The name of a place: an id in a part, or the part's beginning where it is empty.
pub(super) fn place(part: &str, id: &str) -> String {
    format!("{}#{}", part.to_ascii_lowercase(), limits::shortened(id))
}

/// A text with `%20` and the like resolved, as far as that gives a text.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (*first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_places_in_the_book_or_out_of_it() {
        for (reference, to) in [
            ("b.xhtml#n1", "text/b.xhtml#n1"),
            ("#n1", "text/a.xhtml#n1"),
            ("../My%20Notes/B.xhtml", "my notes/b.xhtml#"),
            ("../../../etc/passwd#x", "etc/passwd#x"),
            ("b.xhtml?q=1#caf%C3%A9", "text/b.xhtml#café"),
            ("100%.xhtml#%ff", "text/100%.xhtml#%ff"),
        ] {
            assert_eq!(target("Text/a.xhtml", reference), Target::Place(to.to_owned()));
        }
        for reference in
            ["https://example.org/#a", "javascript:alert(1)", "//example.org/", "mailto:a@b"]
        {
            assert_eq!(target("a", reference), Target::Out(reference.to_owned()));
        }
    }
}
