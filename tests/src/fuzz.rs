//! Every decoder that reads what others wrote, as functions of arbitrary bytes.
//!
//! A target panics when a promise is broken, and does nothing else: what decodes is written as
//! the same bytes or as equal ones, what is merged is a tree, what a server answers is an
//! answer. Where a seal, a signature, a checksum or compression would keep arbitrary bytes out,
//! the target puts it on, as a device of the account that lies would.
//!
//! Three things run targets: `tests/it/corpus.rs` replays `tests/fuzz/<target>/`, whole, cut and
//! altered; `src/bin/fuzz.rs` is libFuzzer over one of them (`cargo xtask fuzz`); and
//! `src/bin/fuzz_seeds.rs` writes what [`seeds`] makes of the vectors and of a session.

mod content;
mod log;
mod passkey;
mod presence;
mod previews;
mod requests;
mod search;
pub mod seeds;
mod text;
mod tree;
mod wire;

/// A decoder, with what must hold of it.
#[derive(Clone, Copy)]
pub struct Target {
    /// Names it, and its folder of the corpus.
    pub name: &'static str,
    /// Reads bytes; panics when a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 36] = [
    Target { name: "append", run: wire::append },
    Target { name: "certificate", run: log::certificate },
    Target { name: "change", run: log::change },
    Target { name: "change_plain", run: log::change_plain },
    Target { name: "change_set", run: text::change_set },
    Target { name: "chunk", run: content::chunk },
    Target { name: "command", run: wire::command },
    Target { name: "entry", run: log::entry },
    Target { name: "epoch", run: log::epoch },
    Target { name: "event", run: wire::event },
    Target { name: "have", run: wire::have },
    Target { name: "intro", run: log::intro },
    Target { name: "json", run: wire::json },
    Target { name: "manifest", run: content::manifest },
    Target { name: "markdown", run: text::markdown },
    Target { name: "name", run: tree::name },
    Target { name: "page", run: log::page },
    Target { name: "passkey", run: passkey::passkey },
    Target { name: "piece", run: tree::piece },
    Target { name: "presence", run: presence::presence },
    Target { name: "preview_archive", run: previews::archive },
    Target { name: "preview_docx", run: previews::document },
    Target { name: "preview_epub", run: previews::book },
    Target { name: "preview_pdf", run: previews::pdf },
    Target { name: "preview_picture", run: previews::picture },
    Target { name: "preview_sheet", run: previews::workbook },
    Target { name: "preview_table", run: previews::table },
    Target { name: "recovery", run: content::recovery },
    Target { name: "request", run: requests::request },
    Target { name: "row", run: tree::row },
    Target { name: "seal", run: content::seal },
    Target { name: "segment", run: search::segment },
    Target { name: "signed", run: log::signed },
    Target { name: "steps", run: text::steps },
    Target { name: "text", run: text::text },
    Target { name: "tree", run: tree::tree },
];

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Takes the first byte; 0 where there is none.
fn take_byte(bytes: &mut &[u8]) -> u8 {
    let Some((first, rest)) = bytes.split_first() else {
        return 0;
    };
    *bytes = rest;
    *first
}

/// Takes a piece with its length in two bytes before it, or what there is of it.
fn take_piece<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = usize::from(u16::from_be_bytes([take_byte(bytes), take_byte(bytes)]));
    let (piece, rest) = bytes.split_at(len.min(bytes.len()));
    *bytes = rest;
    piece
}

/// Writes pieces as [`take_piece`] takes them.
fn put_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        let len = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&piece[..usize::from(len)]);
    }
    out
}

/// The frame of a change or a piece of a snapshot around what it unfolds to, hardly compressed.
fn fold(version: u8, plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = vec![version];
    out.extend_from_slice(&u32::try_from(plain.len()).unwrap().to_be_bytes());
    let mut encoder = flate2::write::DeflateEncoder::new(out, flate2::Compression::none());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
