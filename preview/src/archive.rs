//! Archives: ZIP, TAR, what gzip and Zstandard packed, and their members one by one.
//!
//! The kind is told by the bytes, never by the name. Only lists are read when an archive is
//! opened; a member is unpacked when it is asked for, within the bounds of expansion, and
//! all members together within those of the archive: members that overlap, as those of a
//! bomb do, count each time. An archive inside is a member like any other (depth 1).
//!
//! Of a ZIP the directory is read, of a TAR each header, of both a member where it lies, so
//! they may be of any size (`archive/ranges.rs`); what is packed as a whole is read whole.

use std::io::{ErrorKind, Read};

use serde::{Deserialize, Serialize};

use crate::{Answer, Format, InPieces, Refusal, limits};

mod frames;
mod ranges;
mod tarred;
mod zipped;

use self::frames::Frames;
use self::ranges::{Ranges, Stop};
use self::tarred::Tarred;
use self::zipped::Zipped;

/// An archive, opened or about to be.
pub struct Archive {
    name: String,
    ranges: Ranges,
    source: Source,
    kind: &'static str,
    members: Vec<Member>,
    /// Members that were given out already.
    given: Vec<bool>,
    /// What may still be given out.
    budget_bytes: u64,
}

enum Source {
    /// It was not read yet.
    Unknown,
    Zip(Box<Zipped>),
    Tar(Tarred),
}

/// What can be asked of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Opens it. → what it is
    Open,
    /// Lists members. → a list of [`Member`]
    List {
        /// The first.
        start: usize,
        /// One past the last.
        end: usize,
    },
    /// Unpacks a member. → its bytes
    Member {
        /// Its place in the list.
        index: usize,
    },
}

/// A member of an archive, as the archive describes it: nothing of it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its path, with slashes.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its size.
    pub size: u64,
    /// When it was changed, in milliseconds since 1970, of no known zone.
    pub ms: Option<i64>,
    /// It needs a password.
    pub locked: bool,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A link, a device or the like: shown, never followed.
    Other,
}

#[derive(Serialize)]
struct About {
    kind: &'static str,
    members: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Need {
    need: (u64, u64),
}

impl Format for Archive {
    type Request = Request;

    fn open(bytes: Vec<u8>, name: &str) -> Result<(Self, Answer), Refusal> {
        let mut archive = Self::on(Ranges::of(bytes), name);
        let about = archive.ask(Request::Open)?;
        Ok((archive, about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        let answer = match request {
            Request::Open => self.open_on().and_then(|()| Ok(self.about()?)),
            Request::List { start, end } => {
                let rows = self.members.get(start..end.min(self.members.len()));
                Answer::of(&rows.ok_or(Refusal::Unknown)?).map_err(Stop::Refused)
            }
            Request::Member { index } => {
                self.member(index).and_then(|bytes| Ok(Answer::with(&(), bytes)?))
            }
        };
        answer.or_else(|stop| match stop {
            Stop::Refused(refusal) => Err(refusal),
            Stop::Needs(hole) => Answer::of(&Need { need: (hole.start, hole.end) }),
        })
    }
}

impl InPieces for Archive {
    fn begin(size: u64, name: &str) -> Self {
        Self::on(Ranges::of_size(size), name)
    }

    fn give(&mut self, start: u64, bytes: Vec<u8>) {
        self.ranges.give(start, bytes);
    }
}

impl Archive {
    fn on(ranges: Ranges, name: &str) -> Self {
        let budget_bytes = limits::expanded_bytes_max(ranges.size());
        let (members, given) = (Vec::new(), Vec::new());
        Self {
            name: name.to_owned(),
            ranges,
            source: Source::Unknown,
            kind: "",
            members,
            given,
            budget_bytes,
        }
    }

    /// Opens it, or goes on with that.
    fn open_on(&mut self) -> Result<(), Stop> {
        if matches!(self.source, Source::Unknown) {
            self.begin_source()?;
        }
        if let Source::Tar(tar) = &mut self.source {
            tar.list(&mut self.members)?;
        }
        self.given.resize(self.members.len(), false);
        Ok(())
    }

    fn about(&self) -> Result<Answer, Refusal> {
        let bytes = self.members.iter().fold(0u64, |sum, member| sum.saturating_add(member.size));
        Answer::of(&About { kind: self.kind, members: self.members.len(), bytes })
    }

    /// Finds out what it is, and lists it, but for a TAR.
    fn begin_source(&mut self) -> Result<(), Stop> {
        let size = self.ranges.size();
        let first = if size <= limits::SMALL_BYTES_MAX { size } else { limits::NEED_BYTES_MIN };
        self.ranges.want(0..first)?;
        let mut head = Vec::new();
        let read = self.ranges.reader(0, HEAD_BYTES).take(HEAD_BYTES).read_to_end(&mut head);
        read.map_err(|_| self.ranges.stop(Refusal::Broken))?;
        let (is_gzip, is_zstandard) =
            (head.starts_with(&[0x1f, 0x8b]), head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
        if is_gzip || is_zstandard {
            if size > limits::PACKED_BYTES_MAX {
                return Err(Refusal::Large.into());
            }
            let packed = self.ranges.whole()?;
            let max = limits::UNPACKED_BYTES_MAX;
            // How much it becomes nobody knows: room for all of it at once is never moved, and what is not
            // written to costs nothing.
            let (mut plain, ending, [many, single]) = if is_gzip {
                let reader = flate2::read::MultiGzDecoder::new(packed.as_slice());
                (unpack(reader, size, max, max)?, ".gz", ["tar.gz", "gz"])
            } else {
                (unpack(Frames::new(&packed), size, max, max)?, ".zst", ["tar.zst", "zst"])
            };
            plain.shrink_to_fit();
            if tarred::is_tar(&plain) {
                self.kind = many;
                self.source = Source::Tar(Tarred::new(Ranges::of(plain)));
            } else {
                let name = self.name.strip_suffix(ending).unwrap_or(&self.name);
                let (one, members) = Tarred::of_one(plain, name);
                (self.kind, self.source, self.members) = (single, Source::Tar(one), members);
            }
        } else if tarred::is_tar(&head) {
            (self.kind, self.source) = ("tar", Source::Tar(Tarred::new(self.ranges.clone())));
        } else {
            let (zip, members) = Zipped::open(&self.ranges)?;
            (self.kind, self.source, self.members) = ("zip", Source::Zip(Box::new(zip)), members);
        }
        Ok(())
    }

    fn member(&mut self, index: usize) -> Result<Vec<u8>, Stop> {
        let member = self.members.get(index).ok_or(Refusal::Unknown)?;
        match member.kind {
            Kind::Folder | Kind::Other => return Err(Refusal::Unsupported.into()),
            Kind::File if member.locked => return Err(Refusal::Locked.into()),
            Kind::File => {}
        }
        let bytes = match &mut self.source {
            Source::Unknown => return Err(Refusal::Unknown.into()),
            Source::Zip(zip) => zip.member(index)?,
            Source::Tar(tar) => tar.member(index)?,
        };
        // A list that is not whole yet has nothing to count with.
        let given = self.given.get_mut(index).ok_or(Refusal::Unknown)?;
        if !*given {
            let left = self.budget_bytes.checked_sub(bytes.len() as u64);
            self.budget_bytes = left.ok_or(Refusal::Expands)?;
            *given = true;
        }
        Ok(bytes)
    }
}

/// Reads all that so many packed bytes become, `hint` bytes or so, at most `max`.
fn unpack(mut reader: impl Read, packed: u64, hint: u64, max: u64) -> Result<Vec<u8>, Refusal> {
    let ratio_max = limits::expanded_bytes_max(packed);
    let most = ratio_max.min(max);
    let mut plain = Vec::new();
    loop {
        // In steps of its own: doubling would ask for twice what there may be.
        let step = if plain.is_empty() { hint.clamp(STEP_BYTES, most) + 1 } else { STEP_BYTES };
        plain.reserve_exact(step as usize);
        let read = reader.by_ref().take(step).read_to_end(&mut plain);
        let read = read.map_err(|error| refusal(error.kind()))? as u64;
        if plain.len() as u64 > most {
            return Err(if most == ratio_max { Refusal::Expands } else { Refusal::Output });
        }
        if read < step {
            return Ok(plain);
        }
    }
}

fn refusal(kind: ErrorKind) -> Refusal {
    if kind == ErrorKind::Unsupported { Refusal::Unsupported } else { Refusal::Broken }
}

/// What an archive is told by.
const HEAD_BYTES: u64 = 512;

/// Bytes by which what is unpacked grows.
const STEP_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod in_pieces;

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        for (name, bytes) in members {
            if name.ends_with('/') {
                writer.add_directory(*name, options).unwrap();
            } else {
                writer.start_file(*name, options).unwrap();
                writer.write_all(bytes).unwrap();
            }
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mtime(1_700_000_000);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstandard(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn open(bytes: Vec<u8>) -> Archive {
        Archive::open(bytes, "a").unwrap().0
    }

    fn refusal(bytes: Vec<u8>) -> Refusal {
        Archive::open(bytes, "a").err().unwrap()
    }

    const FILES: [(&str, &[u8]); 2] = [("a/letter.txt", b"hello"), ("<script>.html", b"<b>")];

    #[test]
    fn members_of_every_kind_are_listed_and_opened() {
        for bytes in [zip(&FILES), tar(&FILES), gzip(&tar(&FILES)), zstandard(&tar(&FILES))] {
            let mut archive = open(bytes);
            let paths: Vec<_> = archive.members.iter().map(|member| &*member.path).collect();
            assert_eq!(paths, ["a/letter.txt", "<script>.html"]);
            let answer = archive.ask(Request::Member { index: 0 }).unwrap();
            assert_eq!(answer.bytes(), b"hello");
        }
    }

    #[test]
    fn what_gzip_packed_alone_is_one_member() {
        let (mut archive, about) = Archive::open(gzip(b"text"), "notes.txt.gz").unwrap();
        assert!(about.json().contains("\"gz\""), "{}", about.json());
        assert_eq!(archive.members[0].path, "notes.txt");
        assert_eq!(archive.ask(Request::Member { index: 0 }).unwrap().bytes(), b"text");
    }

    #[test]
    fn frames_are_joined_and_what_is_between_them_is_skipped() {
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
        let all = [zstandard(b"te"), skipped, zstandard(b"xt")].concat();
        let (mut archive, about) = Archive::open(all.clone(), "notes.txt.zst").unwrap();
        assert!(about.json().contains("\"zst\""), "{}", about.json());
        assert_eq!(archive.members[0].path, "notes.txt");
        assert_eq!(archive.ask(Request::Member { index: 0 }).unwrap().bytes(), b"text");
        for end in 5..all.len() - 1 {
            if end != all.len() - zstandard(b"xt").len() && end != zstandard(b"te").len() {
                assert_eq!(refusal(all[..end].to_vec()), Refusal::Broken, "{end}");
            }
        }
    }

    #[test]
    fn frames_with_a_wrong_sum_or_a_wide_window_are_refused() {
        let mut damaged = zstandard(&[7; 300]);
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(damaged), Refusal::Broken);
        // A window of 64 MiB, and one block of nothing.
        let wide = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 16 << 3, 1, 0, 0];
        assert_eq!(refusal(wide), Refusal::Unsupported);
    }

    #[test]
    fn long_names_of_tar_are_whole() {
        let name = format!("{}end.txt", "folder/".repeat(40));
        let archive = open(tar(&[(&name, b"x")]));
        assert_eq!(archive.members[0].path, name);
    }

    #[test]
    fn a_tar_of_before_there_were_names_for_it_is_one() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_old();
        header.set_size(5);
        builder.append_data(&mut header, "a", b"hello".as_slice()).unwrap();
        let mut archive = open(builder.into_inner().unwrap());
        assert_eq!(archive.ask(Request::Member { index: 0 }).unwrap().bytes(), b"hello");
    }

    #[test]
    fn a_file_with_holes_is_listed_and_never_opened_and_the_others_are() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(3);
        let holes = header.as_gnu_mut().unwrap();
        holes.set_real_size(1 << 30);
        holes.sparse[0].set_offset((1 << 30) - 3);
        holes.sparse[0].set_length(3);
        builder.append_data(&mut header, "holes", b"end".as_slice()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        builder.append_data(&mut header, "whole", b"hello".as_slice()).unwrap();
        let mut archive = open(builder.into_inner().unwrap());
        assert_eq!(archive.members[0].size, 1 << 30);
        assert_eq!(archive.ask(Request::Member { index: 0 }), Err(Refusal::Unsupported));
        assert_eq!(archive.ask(Request::Member { index: 1 }).unwrap().bytes(), b"hello");
    }

    #[test]
    fn a_folder_is_listed_and_never_opened() {
        let mut archive = open(zip(&[("photos/", b"")]));
        assert_eq!(archive.members[0].kind, Kind::Folder);
        assert_eq!(archive.ask(Request::Member { index: 0 }), Err(Refusal::Unsupported));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_whole() {
        let zeros = vec![0; 8 * 1024 * 1024];
        let mut archive = open(zip(&[("zeros", &zeros)]));
        assert_eq!(archive.ask(Request::Member { index: 0 }), Err(Refusal::Expands));
        assert_eq!(refusal(zstandard(&zeros)), Refusal::Expands);
        assert_eq!(refusal(gzip(&zeros)), Refusal::Expands);
    }

    #[test]
    fn members_that_are_small_each_may_not_be_large_together() {
        let zeros = vec![0; 512 * 1024];
        let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), zeros.as_slice())).collect();
        let mut archive = open(zip(&members));
        let answers: Vec<_> =
            (0..8).map(|index| archive.ask(Request::Member { index }).is_ok()).collect();
        assert!(answers[0] && !answers[7], "{answers:?}");
        assert!(archive.ask(Request::Member { index: 0 }).is_ok(), "what was given is given again");
    }

    #[test]
    fn too_many_members_are_refused() {
        let names: Vec<String> = (0..=limits::MEMBERS_MAX).map(|n| n.to_string()).collect();
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), [].as_slice())).collect();
        assert_eq!(refusal(zip(&members)), Refusal::Members);
        // Headers alone pack so well that some ways of packing them make a bomb of it.
        assert_eq!(refusal(tar(&members)), Refusal::Members);
    }

    #[test]
    fn what_is_no_archive_is_broken() {
        for bytes in [vec![], b"PK\x03\x04".to_vec(), b"hello".repeat(500), vec![0x1f, 0x8b, 8]] {
            assert_eq!(refusal(bytes), Refusal::Broken);
        }
    }

    #[test]
    fn damage_anywhere_is_refused_and_never_a_panic() {
        for whole in [zip(&FILES), tar(&FILES), gzip(&tar(&FILES))] {
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 0xa5;
                for bytes in [bytes, whole[..at].to_vec()] {
                    if let Ok((mut archive, _)) = Archive::open(bytes, "a") {
                        for index in 0..archive.members.len() {
                            archive.ask(Request::Member { index }).ok();
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_list_that_nobody_can_ask_for_is_refused() {
        let mut archive = open(zip(&FILES));
        assert_eq!(archive.ask(Request::List { start: 3, end: 1 }), Err(Refusal::Unknown));
        assert!(
            archive.ask(Request::List { start: 0, end: 99 }).unwrap().json().contains("letter")
        );
        assert!(crate::request::<Archive>("{\"member\":{\"index\":-1}}").is_err());
    }
}
