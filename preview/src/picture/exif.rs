//! EXIF: fields in lists, by numbers, and what of them is shown and kept.
//!
//! The lists are read by a crate, which follows every pointer that it meets. So what it is given
//! is counted before: a block in which a thousand pointers lead to one list of a thousand fields
//! is none.

use std::io::Cursor;

use exif::{DateTime, Error, Field, In, Reader, Tag, Value};

use super::{Facts, Place, Taken};
use crate::limits;

/// A block of EXIF.
pub(super) struct Exif(exif::Exif);

/// What a copy keeps: what was taken with what, how it is to be shown, whose it is. Nothing of it
/// tells a place, neither by its meaning nor by what makers hide in it.
const KEPT: [Tag; 33] = [
    Tag::Make,
    Tag::Model,
    Tag::Orientation,
    Tag::XResolution,
    Tag::YResolution,
    Tag::ResolutionUnit,
    Tag::Software,
    Tag::DateTime,
    Tag::Artist,
    Tag::YCbCrPositioning,
    Tag::Copyright,
    Tag::ExposureTime,
    Tag::FNumber,
    Tag::ExposureProgram,
    Tag::PhotographicSensitivity,
    Tag::ExifVersion,
    Tag::DateTimeOriginal,
    Tag::DateTimeDigitized,
    Tag::ShutterSpeedValue,
    Tag::ApertureValue,
    Tag::ExposureBiasValue,
    Tag::MeteringMode,
    Tag::Flash,
    Tag::FocalLength,
    Tag::ColorSpace,
    Tag::PixelXDimension,
    Tag::PixelYDimension,
    Tag::ExposureMode,
    Tag::WhiteBalance,
    Tag::FocalLengthIn35mmFilm,
    Tag::SceneCaptureType,
    Tag::LensMake,
    Tag::LensModel,
];

/// What is read beside: of the latter each tells a place.
const READ: [Tag; 7] = [
    Tag::OffsetTimeOriginal,
    Tag::ImageWidth,
    Tag::ImageLength,
    Tag::GPSLatitudeRef,
    Tag::GPSLongitudeRef,
    Tag::GPSAltitudeRef,
    SUBFILE,
];
const TELL_PLACE: [Tag; 7] = [
    Tag::GPSLatitude,
    Tag::GPSLongitude,
    Tag::GPSAltitude,
    Tag::GPSDestLatitude,
    Tag::GPSDestLongitude,
    Tag::GPSProcessingMethod,
    Tag::GPSAreaInformation,
];

/// Whether a picture of a TIFF is a smaller one of another.
const SUBFILE: Tag = Tag(exif::Context::Tiff, 0xfe);

/// Most numbers that are kept of one field.
const NUMBERS_MAX: usize = 8;

impl Exif {
    /// Reads a block; `None` where it is none, or more than it may be.
    pub(super) fn read(block: &[u8]) -> Option<Self> {
        if block.len() > limits::EXIF_BYTES_MAX || !is_bounded(block) {
            return None;
        }
        reader().read_raw(block.to_vec()).or_else(forgive).ok().map(Self)
    }

    /// What it says.
    pub(super) fn facts(&self) -> Facts {
        let make = self.text(Tag::Make);
        let model = self.text(Tag::Model);
        // Most makers name themselves in the name, by the first word of theirs.
        let named = |make: &str, model: &str| {
            make.split(' ').next().is_some_and(|first| model.starts_with(first))
        };
        let camera = match (make, model) {
            (Some(make), Some(model)) if !named(&make, &model) => Some(format!("{make} {model}")),
            (make, model) => model.or(make),
        };
        let reduced = self.number(SUBFILE) == Some(1);
        let sides = |wide, high| self.number(wide).zip(self.number(high));
        Facts {
            pixels: sides(Tag::PixelXDimension, Tag::PixelYDimension)
                .or_else(|| sides(Tag::ImageWidth, Tag::ImageLength).filter(|_| !reduced)),
            orientation: self.number(Tag::Orientation).filter(|turn| (1..=8).contains(turn)),
            taken: self.taken(),
            camera,
            lens: self.text(Tag::LensModel),
            exposure: self.ratio(Tag::ExposureTime).filter(|(seconds, _)| *seconds > 0),
            aperture: self.hundredths(Tag::FNumber),
            sensitivity: self.number(Tag::PhotographicSensitivity).filter(|iso| *iso > 0),
            focal: self.hundredths(Tag::FocalLength),
            focal_film: self.number(Tag::FocalLengthIn35mmFilm).filter(|length| *length > 0),
            author: self.text(Tag::Artist),
            copyright: self.text(Tag::Copyright),
            software: self.text(Tag::Software),
            place: self.place(),
            tells_place: self.tells_place(),
        }
    }

    /// Whether any of it tells a place.
    pub(super) fn tells_place(&self) -> bool {
        TELL_PLACE.iter().any(|tag| self.value(*tag).is_some())
    }

    /// A block of what a copy keeps; `None` where that is nothing.
    pub(super) fn kept(&self) -> Option<Vec<u8>> {
        let kept = |tag: &Tag| {
            let value = plain(self.value(*tag)?)?;
            Some(Field { tag: *tag, ifd_num: In::PRIMARY, value })
        };
        let fields: Vec<Field> = KEPT.iter().filter_map(kept).collect();
        if fields.is_empty() {
            return None;
        }
        let mut writer = exif::experimental::Writer::new();
        for field in &fields {
            writer.push_field(field);
        }
        let mut block = Cursor::new(Vec::new());
        writer.write(&mut block, self.0.little_endian()).ok()?;
        Some(block.into_inner())
    }

    fn value(&self, tag: Tag) -> Option<&Value> {
        self.0.get_field(tag, In::PRIMARY).map(|field| &field.value)
    }

    fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        let Value::Ascii(parts) = self.value(tag)? else { return None };
        parts.first().map(Vec::as_slice)
    }

    /// A text in one line, as far as it is shown, without what turns others around it.
    fn text(&self, tag: Tag) -> Option<String> {
        let hides = |letter: char| {
            letter.is_control()
                || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let text = String::from_utf8_lossy(self.bytes(tag)?).replace(hides, " ");
        let text = limits::shortened(text.trim()).into_owned();
        (!text.is_empty()).then_some(text)
    }

    fn number(&self, tag: Tag) -> Option<u32> {
        self.value(tag)?.get_uint(0)
    }

    fn ratio(&self, tag: Tag) -> Option<(u32, u32)> {
        let Value::Rational(all) = self.value(tag)? else { return None };
        all.first().map(|one| (one.num, one.denom)).filter(|(_, below)| *below > 0)
    }

    fn hundredths(&self, tag: Tag) -> Option<u32> {
        let (above, below) = self.ratio(tag)?;
        u32::try_from(rounded(u64::from(above) * 100, u64::from(below))).ok().filter(|all| *all > 0)
    }

    fn taken(&self) -> Option<Taken> {
        let clock = self.bytes(Tag::DateTimeOriginal).or_else(|| self.bytes(Tag::DateTime))?;
        let mut time = DateTime::from_ascii(clock).ok()?;
        if let Some(offset) = self.bytes(Tag::OffsetTimeOriginal) {
            // Without it the clock is still one.
            time.parse_offset(offset).ok();
        }
        let DateTime { year, month, day, hour, minute, second, offset, .. } = time;
        let rest = [month, day, hour, minute, second].map(u16::from);
        let tops = [12, 31, 23, 59, 60];
        let real =
            year > 0 && month > 0 && day > 0 && rest.iter().zip(tops).all(|(n, top)| *n <= top);
        let [month, day, hour, minute, second] = rest;
        real.then_some(Taken { clock: [year, month, day, hour, minute, second], offset })
    }

    fn place(&self) -> Option<Place> {
        let latitude = self.degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, [b'N', b'S'], 90)?;
        let longitude = self.degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, [b'E', b'W'], 180)?;
        let altitude = self.ratio(Tag::GPSAltitude).and_then(|(above, below)| {
            let metres = i32::try_from(rounded(above.into(), below.into())).ok()?;
            let side = self.value(Tag::GPSAltitudeRef);
            let under = matches!(side, Some(Value::Byte(side)) if side.first() == Some(&1));
            Some(if under { -metres } else { metres })
        });
        Some(Place { latitude, longitude, altitude })
    }

    /// Millionths of a degree, from degrees, minutes and seconds, to one of two sides.
    fn degrees(&self, tag: Tag, side: Tag, [plus, minus]: [u8; 2], most: u64) -> Option<i32> {
        let Value::Rational(parts) = self.value(tag)? else { return None };
        let mut sum = 0;
        for (part, unit) in parts.iter().zip([1_u64, 60, 3600]) {
            if part.denom > 0 {
                sum += rounded(u64::from(part.num) * 1_000_000, u64::from(part.denom) * unit);
            } else if unit == 1 {
                return None;
            }
        }
        let sum =
            i32::try_from(sum).ok().filter(|_| !parts.is_empty() && sum <= most * 1_000_000)?;
        match self.bytes(side)?.first()? {
            first if *first == plus => Some(sum),
            first if *first == minus => Some(-sum),
            _ => None,
        }
    }
}

/// Reads a file that is EXIF itself (TIFF, and raw pictures that are built so) or has it in boxes
/// (HEIF, AVIF): what it says, and whether its bytes ended too soon. `None` where it is neither.
pub(super) fn read_whole(bytes: &[u8]) -> Option<(Facts, bool)> {
    let is_tiff = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    if !is_tiff && bytes.get(4..8) != Some(b"ftyp") {
        return None;
    }
    if is_tiff && !is_bounded(bytes) {
        return Some((Facts::default(), false));
    }
    let mut short = false;
    let read = reader().read_from_container(&mut Cursor::new(bytes)).or_else(|error| {
        short = true;
        forgive(error)
    });
    // Boxes bring a block that was not counted.
    let read = read.ok().filter(|exif| is_tiff || is_bounded(exif.buf()));
    Some((read.map(|exif| Exif(exif).facts()).unwrap_or_default(), short))
}

fn reader() -> Reader {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    reader
}

/// What could be read all the same.
fn forgive(error: Error) -> Result<exif::Exif, Error> {
    error.distill_partial_result(|_| {})
}

/// A value as a copy keeps it: nothing behind a text's end, and no more than such a field needs.
fn plain(value: &Value) -> Option<Value> {
    let few = |count: usize| (1..=NUMBERS_MAX).contains(&count);
    if let Value::Ascii(parts) = value {
        let text = parts.first().filter(|text| text.len() <= limits::FIELD_BYTES_MAX)?;
        return Some(Value::Ascii(vec![text.clone()]));
    }
    let keeps = matches!(value, Value::Short(all) if few(all.len()))
        || matches!(value, Value::Long(all) if few(all.len()))
        || matches!(value, Value::Rational(all) if few(all.len()))
        || matches!(value, Value::SRational(all) if few(all.len()))
        || matches!(value, Value::Undefined(all, _) if few(all.len()));
    keeps.then(|| value.clone())
}

fn rounded(above: u64, below: u64) -> u64 {
    (above + below / 2) / below
}

/// Whether a block's lists hold no more fields than may be, pointers followed, and no field that
/// is read is larger than may be. Where it ends too soon the reader sees for itself.
fn is_bounded(block: &[u8]) -> bool {
    let little = block.starts_with(b"II");
    let mut walk = Walk { block, little, left: limits::EXIF_FIELDS_MAX };
    let mut at = walk.number(4, 4);
    // The reader goes through eight.
    for _ in 0..8 {
        let Some(list) = at.filter(|list| *list > 0) else { return true };
        let Some(next) = walk.count(list, 0) else { return false };
        at = next;
    }
    true
}

/// Lists that lead to lists: that of the camera, that of the place, that of other programs.
const POINTERS: [u16; 3] = [0x8769, 0x8825, 0xa005];
const DEPTH_MAX: usize = 3;

struct Walk<'a> {
    block: &'a [u8],
    little: bool,
    left: usize,
}

impl Walk<'_> {
    fn number(&self, at: usize, length: usize) -> Option<usize> {
        let bytes = self.block.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }

    /// Counts the fields of a list and of those it leads to; answers where the next list is, or
    /// `None` where there are too many, or too much in one.
    fn count(&mut self, list: usize, depth: usize) -> Option<Option<usize>> {
        let Some(fields) = self.number(list, 2) else { return Some(None) };
        for field in 0..fields {
            let at = list + 2 + 12 * field;
            let (Some(tag), Some(values), Some(value)) =
                (self.number(at, 2), self.number(at + 4, 4), self.number(at + 8, 4))
            else {
                return Some(None);
            };
            self.left = self.left.checked_sub(1)?;
            let tag = tag as u16;
            if POINTERS.contains(&tag) && depth < DEPTH_MAX {
                self.count(value, depth + 1)?;
            }
            let read = KEPT.iter().chain(&READ).chain(&TELL_PLACE).any(|one| one.number() == tag);
            if read && values > limits::EXIF_VALUES_MAX {
                return None;
            }
        }
        Some(self.number(list + 2 + 12 * fields, 4))
    }
}
