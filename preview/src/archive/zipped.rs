//! ZIP: the directory at the end, and members by it.

use std::io::ErrorKind;

use zip::ZipArchive;
use zip::result::ZipError;

use super::ranges::{Ranges, Reader, Stop};
use super::{Kind, Member, unpack};
use crate::{Refusal, limits};

/// An open ZIP.
pub(super) struct Zipped {
    ranges: Ranges,
    archive: ZipArchive<Reader>,
}

impl Zipped {
    /// Reads the directory, which is at the end; members are not looked at.
    pub(super) fn open(ranges: &Ranges) -> Result<(Self, Vec<Member>), Stop> {
        let size = ranges.size();
        ranges.want(size.saturating_sub(limits::TAIL_BYTES)..size)?;
        let reader = ranges.reader(0, limits::DIRECTORY_BYTES_MAX);
        let archive =
            ZipArchive::new(reader.clone()).map_err(|error| ranges.stop(refusal(error)))?;
        if archive.len() > limits::MEMBERS_MAX {
            return Err(Refusal::Members.into());
        }
        let mut members = Vec::with_capacity(archive.len());
        for index in 0..archive.len() {
            let file = archive.by_index_data(index).map_err(refusal)?;
            let kind = if file.is_dir() {
                Kind::Folder
            } else if file.is_symlink() {
                Kind::Other
            } else {
                Kind::File
            };
            members.push(Member {
                path: file.name().map_err(refusal)?.into_owned(),
                kind,
                size: file.size(),
                ms: file.last_modified().map(milliseconds),
                locked: file.encrypted(),
            });
        }
        reader.allow(u64::MAX);
        Ok((Self { ranges: ranges.clone(), archive }, members))
    }

    pub(super) fn member(&mut self, index: usize) -> Result<Vec<u8>, Stop> {
        let file = self.archive.by_index_data(index).map_err(refusal)?;
        let (start, packed, size) = (file.header_start(), file.compressed_size(), file.size());
        if packed > limits::ANSWER_BYTES_MAX as u64 || size > limits::ANSWER_BYTES_MAX as u64 {
            return Err(Refusal::Output.into());
        }
        // Before the member are a header and its name, once more; what a header has beyond that is
        // needed when it is read.
        let head = HEADER_BYTES + file.name_raw().len() as u64;
        self.ranges.want(start..start.saturating_add(head + packed))?;
        let most = limits::ANSWER_BYTES_MAX as u64;
        let Self { ranges, archive } = self;
        let file = archive.by_index(index).map_err(|error| ranges.stop(refusal(error)))?;
        unpack(file, packed, size, most).map_err(|refusal| ranges.stop(refusal))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is wrong, the file is")]
fn refusal(error: ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Refusal::Locked,
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            Refusal::Unsupported
        }
        ZipError::Io(error) if error.kind() == ErrorKind::QuotaExceeded => Refusal::Members,
        _ => Refusal::Broken,
    }
}

/// Milliseconds since 1970, as if the clock had been that of Greenwich.
fn milliseconds(time: zip::DateTime) -> i64 {
    // Days since 1970 of the proleptic Gregorian calendar, with years that begin in March.
    let (year, month) = (i64::from(time.year()), i64::from(time.month()));
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(time.day()) - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    (days * 86_400 + seconds) * 1000
}

/// A member's header, and what most have behind its name.
const HEADER_BYTES: u64 = 30 + 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (date, seconds) in [
            ((1980, 1, 1, 0, 0, 0), 315_532_800),
            ((2000, 2, 29, 12, 0, 0), 951_825_600),
            ((2024, 3, 1, 23, 59, 58), 1_709_337_598),
        ] {
            let (year, month, day, hour, minute, second) = date;
            let time =
                zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap();
            assert_eq!(milliseconds(time), seconds * 1000, "{date:?}");
        }
    }
}
