//! Pictures: what a file says of itself, and a copy of it that does not say where it was taken.
//!
//! Nothing is decoded. A container is split into pieces: those that make the picture, and those
//! that say something of it. [`Facts`] come from the latter. A copy is made of the former, byte by
//! byte, and of the few fields of EXIF that are known to tell no place; whatever else is there is
//! left out, since of what nobody here can read nobody can say that it tells none. What is made is
//! read again before it is handed out.
//!
//! The beginning of a file may stand for it; the answer says whether there was more to read.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Answer, Format, Refusal, limits};

mod exif;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use self::exif::Exif;

/// A picture, or the beginning of one.
pub struct Picture {
    bytes: Vec<u8>,
    container: Option<&'static Container>,
    facts: Facts,
}

/// What can be asked of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// A copy that does not say where it was taken. → a [`Copied`] and its bytes
    Placeless,
}

/// What a picture says of itself; none of it need be true.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Its width and height as it is stored.
    pub pixels: Option<(u32, u32)>,
    /// How it is to be turned, from 1 (not at all) to 8, as EXIF counts.
    pub orientation: Option<u32>,
    /// When it was taken.
    pub taken: Option<Taken>,
    /// Who made the camera, and what it is called.
    pub camera: Option<String>,
    /// What the lens is called.
    pub lens: Option<String>,
    /// The time of exposure as a fraction of seconds.
    pub exposure: Option<(u32, u32)>,
    /// The aperture's number, in hundredths.
    pub aperture: Option<u32>,
    /// The sensitivity as ISO counts.
    pub sensitivity: Option<u32>,
    /// The focal length, in hundredths of a millimetre.
    pub focal: Option<u32>,
    /// The focal length that shows as much on film, in millimetres.
    pub focal_film: Option<u32>,
    /// Who took it.
    pub author: Option<String>,
    /// Who has the rights.
    pub copyright: Option<String>,
    /// What wrote the file.
    pub software: Option<String>,
    /// Where it was taken.
    pub place: Option<Place>,
    /// Whether anything was met that tells a place, also where no coordinates could be read.
    pub tells_place: bool,
}

/// A time as the camera's clock showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Year, month, day, hour, minute and second.
    pub clock: [u16; 6],
    /// Minutes that it was before UTC, where that is known.
    pub offset: Option<i16>,
}

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Millionths of a degree to the north.
    pub latitude: i32,
    /// Millionths of a degree to the east.
    pub longitude: i32,
    /// Metres above the sea.
    pub altitude: Option<i32>,
}

/// What is said of a file that was opened.
#[derive(Serialize)]
struct About<'a> {
    facts: &'a Facts,
    /// Whether a copy without its place can be made of such a file.
    copies: bool,
    /// Whether the bytes ended before all was read that it says of itself.
    more: bool,
}

/// What is said of a copy.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// What it says of itself, read anew.
    pub facts: Facts,
    /// Whether there was more behind the picture that is left out: a film, another picture.
    pub shortened: bool,
}

/// How pictures of one kind are kept in files.
struct Container {
    /// Whether a file begins like one.
    fits: fn(&[u8]) -> bool,
    split: fn(&[u8]) -> Split,
    /// A piece that holds EXIF.
    wrap: fn(&[u8]) -> Vec<u8>,
    /// Sets what depends on all pieces; the flag says whether there is EXIF.
    finish: fn(&mut [u8], bool),
}

const CONTAINERS: [Container; 3] = [jpeg::CONTAINER, png::CONTAINER, webp::CONTAINER];

/// A file in pieces, as far as it could be followed.
#[derive(Default)]
struct Split {
    pixels: Option<(u32, u32)>,
    pieces: Vec<(What, Range<usize>)>,
    /// Whether all was met that it says of itself.
    heard: bool,
    /// Where the picture ends.
    end: Option<usize>,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A part of the picture, without which it would look different.
    Picture,
    /// A block of EXIF, without what is around it.
    Exif,
    /// Something else in which a place may be told.
    Words,
}

impl Split {
    /// Adds a piece; says whether there may be more.
    fn add(&mut self, what: What, at: Range<usize>) -> bool {
        match self.pieces.last_mut() {
            Some((What::Picture, last)) if what == What::Picture && last.end == at.start => {
                last.end = at.end;
            }
            _ => self.pieces.push((what, at)),
        }
        self.pieces.len() < limits::PIECES_MAX
    }
}

impl Format for Picture {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let container = CONTAINERS.iter().find(|container| (container.fits)(&bytes));
        let (facts, more) = match container {
            Some(container) => {
                let split = (container.split)(&bytes);
                (facts(&bytes, &split), !split.heard)
            }
            None => exif::read_whole(&bytes).ok_or(Refusal::Unsupported)?,
        };
        let about = Answer::of(&About { facts: &facts, copies: container.is_some(), more })?;
        Ok((Self { bytes, container, facts }, about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::Placeless => self.placeless(),
        }
    }
}

impl Picture {
    fn placeless(&self) -> Result<Answer, Refusal> {
        let container = self.container.ok_or(Refusal::Unsupported)?;
        let split = (container.split)(&self.bytes);
        let end = split.end.ok_or(Refusal::Broken)?;
        let mut copy = Vec::with_capacity(end);
        let mut exif = false;
        for (what, at) in &split.pieces {
            match what {
                What::Picture => copy.extend(&self.bytes[at.clone()]),
                What::Exif if !exif => {
                    let kept = Exif::read(&self.bytes[at.clone()]).and_then(|exif| exif.kept());
                    exif = kept.is_some();
                    copy.extend(kept.map(|kept| (container.wrap)(&kept)).unwrap_or_default());
                }
                What::Exif | What::Words => {}
            }
        }
        (container.finish)(&mut copy, exif);

        let split = (container.split)(&copy);
        let facts = facts(&copy, &split);
        let same = facts.pixels == self.facts.pixels
            && facts.orientation == self.facts.orientation
            && split.end == Some(copy.len());
        if facts.tells_place || !same {
            return Err(Refusal::Broken);
        }
        Answer::with(&Copied { facts, shortened: end < self.bytes.len() }, copy)
    }
}

/// What a split file says of itself.
fn facts(bytes: &[u8], split: &Split) -> Facts {
    let mut facts = Facts::default();
    let of = |wanted: What| {
        let pieces = split.pieces.iter().filter(move |(what, _)| *what == wanted);
        pieces.map(|(_, at)| &bytes[at.clone()])
    };
    for (place, block) in of(What::Exif).take(limits::EXIF_BLOCKS_MAX).enumerate() {
        let Some(exif) = Exif::read(block) else { continue };
        if place == 0 {
            facts = exif.facts();
        }
        facts.tells_place |= exif.tells_place();
    }
    facts.pixels = split.pixels.or(facts.pixels);
    facts.tells_place |= of(What::Words).any(tell_place);
    facts
}

/// Whether XMP or IPTC names a place. What is packed is not looked into: this is for people to
/// know, and no copy has any of it.
fn tell_place(words: &[u8]) -> bool {
    let names: [&[u8]; 6] = [
        b"GPSLatitude",
        b"photoshop:City",
        b"photoshop:Country",
        b"Iptc4xmpCore:Location",
        b"LocationCreated",
        b"LocationShown",
    ];
    // Places, cities, states and countries among the datasets of IPTC's second record.
    let places = [26, 27, 90, 92, 95, 101];
    names.iter().any(|name| words.windows(name.len()).any(|window| window == *name))
        || words.windows(3).any(|window| window[..2] == [0x1c, 2] && places.contains(&window[2]))
}
