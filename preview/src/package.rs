//! Packages: the ZIP around sheets and documents, and the XML of its parts.
//!
//! A part is never held whole: it is unpacked while it is read, within the bounds of
//! expansion. Names of elements and attributes are told without their prefixes. Entities that
//! a part defines for itself are left out, so none of them can grow.

#[cfg(feature = "epub")]
mod entities;

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead, BufReader, Cursor, Read},
};

use quick_xml::{
    Error, Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};
use zip::{ZipArchive, read::ZipFile};

use crate::{Refusal, limits};

/// How a compound file begins: what Office wraps a sealed package in, and what it wrote
/// before there were packages.
const COMPOUND: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];
/// The stream of a compound file that holds a sealed package.
const SEALED: &str = "EncryptedPackage";
/// What is read of a part at once.
const STEP_BYTES: usize = 64 * 1024;

/// An open package.
pub(crate) struct Package {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    /// Where parts are, by their paths in small letters and with slashes: some writers mix them up.
    places: HashMap<String, usize>,
}

impl Package {
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, Refusal> {
        if bytes.starts_with(&COMPOUND) {
            let sealed: Vec<u8> = SEALED.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let is_sealed = bytes.windows(sealed.len()).any(|window| window == sealed);
            return Err(if is_sealed { Refusal::Locked } else { Refusal::Unsupported });
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Refusal::Broken)?;
        if zip.len() > limits::MEMBERS_MAX {
            return Err(Refusal::Members);
        }
        let names = zip.file_names().enumerate();
        let places = names
            .filter_map(|(index, name)| {
                Some((name.ok()?.to_ascii_lowercase().replace('\\', "/"), index))
            })
            .collect();
        Ok(Self { zip, places })
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.places.contains_key(&path.to_ascii_lowercase())
    }

    /// The paths of all parts, in small letters.
    #[cfg(feature = "epub")]
    pub(crate) fn paths(&self) -> std::collections::HashSet<String> {
        self.places.keys().cloned().collect()
    }

    /// A part, to be read; none where there is no such part.
    pub(crate) fn part(&mut self, path: &str) -> Result<Option<Part<'_>>, Refusal> {
        let Some(index) = self.places.get(&path.to_ascii_lowercase()) else { return Ok(None) };
        let file = self.zip.by_index(*index).map_err(|_| Refusal::Broken)?;
        let left = limits::expanded_bytes_max(file.compressed_size());
        Ok(Some(BufReader::with_capacity(STEP_BYTES, Bounded { file, left })))
    }

    /// The bytes of a part, at most so many.
    pub(crate) fn bytes(&mut self, path: &str, max: usize) -> Result<Vec<u8>, Refusal> {
        let part = self.part(path)?.ok_or(Refusal::Broken)?;
        let mut bytes = Vec::new();
        let read = part.take(max as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| refusal(&error))?;
        if bytes.len() > max { Err(Refusal::Output) } else { Ok(bytes) }
    }

    /// Walks over a part; there may be none.
    pub(crate) fn walk(
        &mut self,
        path: &str,
        see: impl FnMut(Seen<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        match self.part(path)? {
            Some(part) => walk(part, Grammar::Strict, see),
            None => Ok(()),
        }
    }

    /// Walks over a part that is a text; there may be none.
    #[cfg(feature = "epub")]
    pub(crate) fn walk_loosely(
        &mut self,
        path: &str,
        see: impl FnMut(Seen<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        match self.part(path)? {
            Some(part) => walk(part, Grammar::Loose, see),
            None => Ok(()),
        }
    }

    /// What a part refers to.
    pub(crate) fn relations(&mut self, path: &str) -> Result<Vec<Relation>, Refusal> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut relations = Vec::new();
        self.walk(&joined(folder, &format!("_rels/{name}.rels")), |seen| {
            if let Seen::Open(element) = seen
                && element.name() == "Relationship"
                && let (Some(id), Some(target)) =
                    (element.attribute("Id"), element.attribute("Target"))
            {
                let is_outside = element.attribute("TargetMode").as_deref() == Some("External");
                let target = if is_outside { target.into_owned() } else { joined(folder, &target) };
                let kind = element.attribute("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.push(Relation { id: id.into_owned(), kind, target });
            }
            Ok(())
        })?;
        Ok(relations)
    }
}

/// A part that is unpacked while it is read.
pub(crate) type Part<'a> = BufReader<Bounded<'a>>;

/// What one part refers to, by a name of its own.
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last word of its type.
    pub(crate) kind: String,
    /// A part's path, or an address outside.
    pub(crate) target: String,
}

/// A path as a part of a folder names it.
pub(crate) fn joined(folder: &str, path: &str) -> String {
    let mut steps: Vec<&str> =
        if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

/// Fails where more comes out than may.
pub(crate) struct Bounded<'a> {
    file: ZipFile<'a, Cursor<Vec<u8>>>,
    left: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

fn refusal(error: &io::Error) -> Refusal {
    if error.kind() == io::ErrorKind::FileTooLarge { Refusal::Expands } else { Refusal::Broken }
}

/// How XML is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// As programs write it: what is amiss ends the walk.
    Strict,
    /// As people write it: elements may be left open, and characters have their names of HTML.
    #[cfg(feature = "epub")]
    Loose,
}

/// What a walk comes across.
pub(crate) enum Seen<'a> {
    /// An element begins.
    Open(&'a Element<'a>),
    /// The element of this name ends.
    Close(&'a str),
    /// A text, in pieces.
    Text(&'a str),
}

/// The beginning of an element.
pub(crate) struct Element<'a>(BytesStart<'a>, Grammar);

impl Element<'_> {
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute, with what stands in it for other characters resolved.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten();
        let found = found.into_iter().find(|one| one.key.local_name().into_inner() == name)?;
        let value =
            found.normalized_value_with(XmlVersion::Implicit1_0, 1, |name| self.1.named(name));
        match (value, self.1) {
            (Ok(value), _) => Some(value),
            (Err(_), Grammar::Strict) => None,
            // With an ampersand that is one.
            #[cfg(feature = "epub")]
            (Err(_), Grammar::Loose) => Some(found.value),
        }
    }

    /// An attribute that is a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.trim().parse().ok()
    }
}

impl Grammar {
    /// What an entity stands for, of those that need no definition.
    fn named(self, name: &str) -> Option<&'static str> {
        match self {
            Self::Strict => resolve_predefined_entity(name),
            #[cfg(feature = "epub")]
            Self::Loose => resolve_predefined_entity(name).or_else(|| entities::named(name)),
        }
    }
}

/// Walks over XML; an element without content opens and closes.
fn walk(
    part: impl BufRead,
    grammar: Grammar,
    mut see: impl FnMut(Seen<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut reader = Reader::from_reader(part);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    if grammar != Grammar::Strict {
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
    }
    let mut buffer = Vec::new();
    let mut depth = 0usize;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| {
            if let Error::Io(error) = error { refusal(&error) } else { Refusal::Broken }
        })?;
        match event {
            Event::Start(element) => {
                depth += 1;
                // Where ends may be missing it says nothing.
                if depth > limits::XML_DEPTH_MAX && grammar == Grammar::Strict {
                    return Err(Refusal::Output);
                }
                see(Seen::Open(&Element(element, grammar)))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                see(Seen::Close(element.local_name().into_inner()))?;
            }
            Event::Text(text) => see(Seen::Text(&text.xml10_content()))?,
            Event::CData(text) => see(Seen::Text(&text.xml10_content()))?,
            Event::GeneralRef(entity) => {
                if let Some(text) = resolved(&entity, grammar) {
                    see(Seen::Text(&text))?;
                }
            }
            Event::Eof => return Ok(()),
            Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

fn resolved(entity: &BytesRef<'_>, grammar: Grammar) -> Option<Cow<'static, str>> {
    match entity.resolve_char_ref() {
        Ok(Some(char)) => Some(char.to_string().into()),
        Ok(None) => grammar.named(entity).map(Cow::Borrowed),
        Err(_) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// A package of these parts.
    pub(crate) fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (path, bytes) in parts {
            zip.start_file(*path, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn text_of(xml: &str) -> Result<String, Refusal> {
        let mut text = String::new();
        walk(xml.as_bytes(), Grammar::Strict, |seen| {
            if let Seen::Text(piece) = seen {
                text += piece;
            }
            Ok(())
        })?;
        Ok(text)
    }

    #[test]
    fn entities_of_a_parts_own_are_left_out_and_cannot_grow() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">
            <!ENTITY d SYSTEM "file:///etc/passwd">]><a>1&c;&d;2 &lt;&#x6d77;</a>"#;
        assert_eq!(text_of(bomb).unwrap().trim(), "12 <海");
    }

    #[test]
    fn a_part_that_grows_beyond_measure_is_stopped_while_it_is_read() {
        let zeros = vec![b' '; 8 << 20];
        let mut package = Package::open(packed(&[("A/b.xml", &zeros)])).unwrap();
        assert_eq!(package.walk("a/B.xml", |_| Ok(())), Err(Refusal::Expands));
    }

    #[test]
    fn paths_are_those_of_the_parts_that_name_them() {
        for (path, whole) in [
            ("b.xml", "a/b.xml"),
            ("/b.xml", "b.xml"),
            ("../../b.xml", "b.xml"),
            ("./c/b", "a/c/b"),
        ] {
            assert_eq!(joined("a", path), whole);
        }
    }

    #[test]
    fn a_sealed_package_is_locked_and_an_older_file_is_not_read() {
        let mut sealed = COMPOUND.to_vec();
        assert_eq!(Package::open(sealed.clone()).err(), Some(Refusal::Unsupported));
        sealed.extend(SEALED.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(Package::open(sealed).err(), Some(Refusal::Locked));
    }
}
