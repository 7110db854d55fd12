//! Texts outside of pages: UTF-16 or UTF-8 with a mark, else the format's own one-byte set.

use hayro::hayro_syntax::object::DateTime;

/// Longer texts are cut.
const CHARS_MAX: usize = 1000;

/// What the one-byte set has where Latin-1 has control characters: 0x18..=0x1f, 0x80..=0xa0.
const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
const HIGH: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™',
    'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
];

/// A text, without control characters.
pub(super) fn read(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| one_byte(*byte)).collect(),
    };
    let shown: String = text.chars().filter(|char| !char.is_control()).take(CHARS_MAX).collect();
    shown.trim().to_owned()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn one_byte(byte: u8) -> char {
    match byte {
        0x18..=0x1f => LOW[usize::from(byte - 0x18)],
        0x80..=0xa0 => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// A time as it stands in the file, to the minute.
pub(super) fn date(date: &DateTime) -> String {
    let DateTime { year, month, day, hour, minute, .. } = date;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_each_of_their_encodings() {
        assert_eq!(read(b"\xfe\xff\x4f\x60\x59\x7d"), "你好");
        assert_eq!(read(b"\xff\xfe\x60\x4f"), "你");
        assert_eq!(read(b"\xef\xbb\xbf\xc3\xa9"), "é");
        assert_eq!(read(b"caf\xe9 \x80 \xa0"), "café • €");
    }

    #[test]
    fn a_broken_text_is_shown_as_far_as_it_goes() {
        assert_eq!(read(b"\xfe\xff\xd8\x00\x00a\x00"), "\u{fffd}a");
        assert_eq!(read(b"a\x00b\nc\x1b"), "abc˝".replace('˝', "˙"));
        assert_eq!(read(&[b'x'; 5000]).len(), CHARS_MAX);
    }
}
