//! Tables of fields between commas, semicolons or tabs (CSV, TSV).
//!
//! When a table is opened its records are counted and the place of every so many is noted;
//! a window of rows is read from the place before it. So a million rows take a few bytes
//! each, and any window is there at once. Whatever the bytes, there is a table: quotes that
//! do not match and records of different lengths are taken as they come.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};

use crate::{Answer, Format, Refusal, limits};

/// Records between two noted places.
const STRIDE: usize = 64;
/// Records that the widths of columns are told by.
const MEASURED: usize = 200;

/// An open table.
pub struct Table {
    text: String,
    delimiter: u8,
    rows: usize,
    /// Where every `STRIDE`th record begins.
    places: Vec<usize>,
}

/// What can be asked of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Reads rows. → a list of lists of fields
    Rows {
        /// The first.
        start: usize,
        /// One past the last.
        end: usize,
    },
}

#[derive(Serialize)]
struct About {
    rows: usize,
    columns: usize,
    /// Characters of the longest of the first fields, by column.
    widths: Vec<usize>,
}

impl Format for Table {
    type Request = Request;

    fn open(bytes: Vec<u8>, name: &str) -> Result<(Self, Answer), Refusal> {
        let text = decode(bytes);
        let delimiter = delimiter(&text, name);
        let mut records = Records::new(&text, delimiter);
        let (mut rows, mut places, mut widths) = (0, Vec::new(), Vec::new());
        loop {
            let place = records.at;
            let Some(fields) = records.next() else { break };
            if rows % STRIDE == 0 {
                places.push(place);
            }
            for (column, field) in fields.take(limits::COLUMNS_MAX).enumerate() {
                if column == widths.len() {
                    widths.push(0);
                }
                if rows < MEASURED {
                    widths[column] = widths[column].max(shown(field).chars().count());
                }
            }
            rows += 1;
        }
        let about = Answer::of(&About { rows, columns: widths.len(), widths })?;
        Ok((Self { text, delimiter, rows, places }, about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        let Request::Rows { start, end } = request;
        let end = end.min(self.rows);
        if start > end || end - start > limits::ROWS_MAX {
            return Err(Refusal::Unknown);
        }
        let place = self.places.get(start / STRIDE).copied().unwrap_or(self.text.len());
        let mut records = Records::new(&self.text[place..], self.delimiter);
        for _ in 0..start % STRIDE {
            records.next();
        }
        let mut rows = Vec::with_capacity(end - start);
        for _ in start..end {
            let Some(fields) = records.next() else { break };
            rows.push(fields.take(limits::COLUMNS_MAX).map(shown).collect::<Vec<_>>());
        }
        Answer::of(&rows)
    }
}

/// Records one after the other.
struct Records<'a> {
    reader: Reader,
    text: &'a [u8],
    at: usize,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        let (output, ends) = (vec![0; 4096], vec![0; 64]);
        Self { reader, text: text.as_bytes(), at: 0, output, ends }
    }

    /// The fields of the next record.
    fn next(&mut self) -> Option<impl Iterator<Item = &[u8]>> {
        let (mut written, mut fields) = (0, 0);
        loop {
            let input = &self.text[self.at..];
            let (result, read, wrote, ended) = self.reader.read_record(
                input,
                &mut self.output[written..],
                &mut self.ends[fields..],
            );
            self.at += read;
            written += wrote;
            fields += ended;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                // All of the text was given: an empty piece says that it ends.
                ReadRecordResult::InputEmpty => {}
            }
        }
        let mut start = 0;
        let output = &self.output;
        Some(self.ends[..fields].iter().map(move |end| {
            let field = &output[start..*end];
            start = *end;
            field
        }))
    }
}

/// A field as far as it is shown.
fn shown(field: &[u8]) -> String {
    limits::shortened(&String::from_utf8_lossy(field)).into_owned()
}

/// The text of a table: UTF-16 where it is marked so, UTF-8 where it is that, else each
/// byte a character, as old exports have it.
fn decode(bytes: Vec<u8>) -> String {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes[2..].chunks_exact(2).map(|two| unit([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            text
        }
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    }
}

/// What stands between fields: tabs by name, else what the first line has most of.
fn delimiter(text: &str, name: &str) -> u8 {
    let name = name.to_ascii_lowercase();
    if name.ends_with(".tsv") || name.ends_with(".tab") {
        return b'\t';
    }
    let line = text.lines().next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == *delimiter);
        }
    }
    // The first of those that are as frequent.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(bytes: &[u8], name: &str) -> (Table, String) {
        let (table, about) = Table::open(bytes.to_vec(), name).unwrap();
        (table, about.json().to_owned())
    }

    fn rows(table: &mut Table, start: usize, end: usize) -> String {
        table.ask(Request::Rows { start, end }).unwrap().json().to_owned()
    }

    #[test]
    fn fields_are_split_and_quotes_are_taken_off() {
        let (mut table, about) =
            open(b"name,note\r\nAda,\"one, two\nand \"\"three\"\"\"\r\n", "a.csv");
        assert_eq!(about, r#"{"rows":2,"columns":2,"widths":[4,20]}"#);
        assert_eq!(rows(&mut table, 1, 9), r#"[["Ada","one, two\nand \"three\""]]"#);
    }

    #[test]
    fn a_last_line_without_an_end_is_a_row() {
        let (mut table, _) = open(b"a;b\n1;2", "x.csv");
        assert_eq!(rows(&mut table, 0, 2), r#"[["a","b"],["1","2"]]"#);
    }

    #[test]
    fn any_window_is_what_is_there_however_the_records_lie() {
        let text: String =
            (0..1000).map(|n| format!("{n}\t\"line\nof {n}\"\t{}\n", "x".repeat(n % 90))).collect();
        let (mut table, _) = open(text.as_bytes(), "a.tsv");
        assert_eq!(table.rows, 1000);
        for start in [0, 1, 63, 64, 65, 511, 999] {
            let window = rows(&mut table, start, start + 1);
            assert!(
                window.starts_with(&format!("[[\"{start}\",\"line\\nof {start}\"")),
                "{window}"
            );
        }
        assert_eq!(rows(&mut table, 1000, 1000), "[]");
        assert_eq!(table.ask(Request::Rows { start: 0, end: 1000 }), Err(Refusal::Unknown));
        assert_eq!(table.ask(Request::Rows { start: 9, end: 3 }), Err(Refusal::Unknown));
    }

    #[test]
    fn texts_of_other_systems_are_read() {
        let wide: Vec<u8> = "\u{feff}é;海".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, row) in [
            (wide.as_slice(), r#"[["é","海"]]"#),
            ("\u{feff}é|海".as_bytes(), r#"[["é","海"]]"#),
            (&b"caf\xe9,1"[..], r#"[["café","1"]]"#),
        ] {
            let (mut table, _) = open(bytes, "a.csv");
            assert_eq!(rows(&mut table, 0, 1), row);
        }
    }

    #[test]
    fn long_and_many_fields_are_cut() {
        let text = format!("{}\n{}", "海".repeat(2000), ",".repeat(2000));
        let (mut table, about) = open(text.as_bytes(), "a.csv");
        assert!(about.contains("\"columns\":500"), "{about}");
        assert!(rows(&mut table, 0, 1).len() < 1100);
    }

    #[test]
    fn nothing_at_all_is_a_table_of_nothing() {
        let (mut table, about) = open(b"", "a.csv");
        assert_eq!(about, r#"{"rows":0,"columns":0,"widths":[]}"#);
        assert_eq!(rows(&mut table, 0, 5), "[]");
    }
}
