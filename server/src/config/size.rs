//! A number of bytes as people write it: `50GiB`, `500 MB`, or digits alone.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// So many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// Reports what is no size.
#[derive(Debug, thiserror::Error)]
#[error("a size is a whole number and a unit, as 50GiB or 500MB, or of bytes alone")]
pub struct SizeError;

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
        let unit = text[digits.len()..].trim();
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(SizeError)?;
        let count: u64 = digits.parse().map_err(|_| SizeError)?;
        count.checked_mul(*bytes).map(Self).ok_or(SizeError)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_people_write_it() {
        for (text, bytes) in [
            ("50GiB", 50 << 30),
            ("500 MB", 500_000_000),
            ("1TiB", 1 << 40),
            ("123", 123),
            ("0", 0),
        ] {
            assert_eq!(text.parse::<Size>().unwrap(), Size(bytes), "{text}");
        }
        for unfit in ["", "GiB", "-1", "1.5GiB", "1gib", "1 KiBB", "99999999999TiB"] {
            assert!(unfit.parse::<Size>().is_err(), "{unfit}");
        }
    }
}
