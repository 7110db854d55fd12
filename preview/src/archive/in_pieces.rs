//! Tests: archives of which only pieces are ever in memory, of any size.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;

const GIB: u64 = 1 << 30;

/// A file of zeros in which something stands here and there, and what was read of it.
#[derive(Default)]
struct Sparse {
    size: u64,
    written: BTreeMap<u64, Vec<u8>>,
    readings: usize,
    bytes_read: u64,
}

impl Sparse {
    fn write(&mut self, at: u64, bytes: Vec<u8>) {
        self.size = self.size.max(at + bytes.len() as u64);
        self.written.insert(at, bytes);
    }

    fn read(&mut self, range: Range<u64>) -> Vec<u8> {
        self.readings += 1;
        self.bytes_read += range.end - range.start;
        let mut bytes = vec![0; (range.end - range.start) as usize];
        for (&start, written) in &self.written {
            let end = start + written.len() as u64;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                let here = &written[(from - start) as usize..(to - start) as usize];
                bytes[(from - range.start) as usize..(to - range.start) as usize]
                    .copy_from_slice(here);
            }
        }
        bytes
    }

    /// Asks as the frame does: gives what is needed, until there is an answer.
    fn ask(&mut self, archive: &mut Archive, request: Request) -> Result<Answer, Refusal> {
        for _ in 0..50_000 {
            let answer = archive.ask(request)?;
            let data: serde_json::Value = serde_json::from_str(answer.json()).unwrap();
            let Some([start, end]) =
                data.get("need").and_then(|need| need.as_array()).map(Vec::as_slice)
            else {
                return Ok(answer);
            };
            let (start, end) = (start.as_u64().unwrap(), end.as_u64().unwrap());
            assert!(start < end && end <= self.size, "{start}..{end} of {}", self.size);
            archive.give(start, self.read(start..end));
        }
        panic!("it needs more and more");
    }

    fn open(&mut self) -> (Archive, Result<Answer, Refusal>) {
        let mut archive = Archive::begin(self.size, "a");
        let about = self.ask(&mut archive, Request::Open);
        (archive, about)
    }
}

/// A ZIP of stored members where they are said to be, with the directory that large ones have.
fn zip_of(members: &[(&str, u64, &[u8])]) -> Sparse {
    let mut file = Sparse::default();
    let mut directory = Vec::new();
    let mut end = 0;
    for (name, at, bytes) in members {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        // From the version that is needed to the length of the name.
        let mut facts = vec![45, 0, 0, 8, 0, 0, 0, 0, 0x21, 0x58];
        facts.extend(sum.sum().to_le_bytes());
        facts.extend([(bytes.len() as u32).to_le_bytes(); 2].concat());
        facts.extend((name.len() as u16).to_le_bytes());
        let header = [b"PK\x03\x04".as_slice(), &facts, &[0, 0], name.as_bytes(), bytes].concat();
        end = at + header.len() as u64;
        file.write(*at, header);
        directory.extend([b"PK\x01\x02\x2d\x03".as_slice(), &facts, &[12, 0]].concat());
        directory.extend([0; 10]);
        directory.extend(u32::MAX.to_le_bytes());
        directory.extend([name.as_bytes(), &[1, 0, 8, 0], &at.to_le_bytes()].concat());
    }
    let count = (members.len() as u64).to_le_bytes();
    let (size, start) = ((directory.len() as u64).to_le_bytes(), end.to_le_bytes());
    let end64 = end + directory.len() as u64;
    directory.extend(b"PK\x06\x06");
    directory.extend([44u64.to_le_bytes().as_slice(), &[45, 0, 45, 0], &[0; 8]].concat());
    directory.extend([count, count, size, start].concat());
    directory
        .extend([b"PK\x06\x07".as_slice(), &[0; 4], &end64.to_le_bytes(), &[1, 0, 0, 0]].concat());
    directory.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[0xff; 12], &[0, 0]].concat());
    file.write(end, directory);
    file
}

/// Writes a header of a TAR and answers where its member begins.
fn header_at(file: &mut Sparse, at: u64, name: &str, size: u64) -> u64 {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_cksum();
    file.write(at, header.as_bytes().to_vec());
    at + 512
}

#[test]
fn of_a_large_zip_its_end_is_read_and_a_member_where_it_lies() {
    let mut file =
        zip_of(&[("first", 0, b"one"), ("middle", 5 * GIB, b"two"), ("last", 9 * GIB, b"three")]);
    let (mut archive, about) = file.open();
    assert!(about.unwrap().json().contains("\"members\":3"));
    assert!(
        file.readings <= 4 && file.bytes_read < 200_000,
        "{} of {}",
        file.bytes_read,
        file.readings
    );
    for (index, bytes) in [(1, b"two".as_slice()), (0, b"one"), (2, b"three"), (1, b"two")] {
        assert_eq!(file.ask(&mut archive, Request::Member { index }).unwrap().bytes(), bytes);
    }
    assert!(file.bytes_read < 400_000, "{}", file.bytes_read);
}

#[test]
fn a_large_tar_is_listed_from_header_to_header() {
    let mut file = Sparse::default();
    let first = header_at(&mut file, 0, "first", 3 * GIB);
    let second = header_at(&mut file, first + 3 * GIB, "second", 3);
    file.write(second, b"two".to_vec());
    let third = header_at(&mut file, second + 512, "third", 100 * GIB);
    file.size = third + 100 * GIB + 1024;
    let (mut archive, about) = file.open();
    assert!(about.unwrap().json().contains("\"members\":3"));
    assert!(file.bytes_read < 100_000, "{}", file.bytes_read);
    assert_eq!(file.ask(&mut archive, Request::Member { index: 1 }).unwrap().bytes(), b"two");
    assert_eq!(file.ask(&mut archive, Request::Member { index: 0 }), Err(Refusal::Output));
    file.size -= 2048;
    assert_eq!(file.open().1, Err(Refusal::Broken), "it breaks off");
}

#[test]
fn many_small_members_of_a_tar_come_many_at_a_time() {
    let mut file = Sparse::default();
    let mut headers = Vec::new();
    for n in 0..10_000u32 {
        let mut header = tar::Header::new_gnu();
        header.set_path(format!("{n}")).unwrap();
        header.set_size(700);
        header.set_cksum();
        headers.extend_from_slice(header.as_bytes());
        headers.extend([7; 1024]);
    }
    file.write(0, headers);
    let (mut archive, about) = file.open();
    assert!(about.unwrap().json().contains("\"members\":10000"));
    assert!(file.readings < 20, "{}", file.readings);
    assert_eq!(file.ask(&mut archive, Request::Member { index: 9_999 }).unwrap().bytes(), [7; 700]);
}

#[test]
fn what_is_packed_as_a_whole_and_large_is_refused_after_its_first_bytes() {
    for magic in [[0x1f, 0x8b, 8, 0], [0x28, 0xb5, 0x2f, 0xfd]] {
        let mut file = Sparse::default();
        file.write(0, magic.to_vec());
        file.size = limits::PACKED_BYTES_MAX + 1;
        assert_eq!(file.open().1, Err(Refusal::Large));
        assert!(file.bytes_read < 20_000);
    }
}

#[test]
fn a_directory_without_end_is_given_up() {
    let name = "n".repeat(60_000);
    let members: Vec<_> = (0..700).map(|n| (&*name, n * 100_000, b"".as_slice())).collect();
    assert_eq!(zip_of(&members).open().1, Err(Refusal::Members));
}

#[test]
fn a_name_of_a_tar_without_end_is_broken() {
    let mut file = Sparse::default();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(4 * GIB);
    header.set_cksum();
    file.write(0, header.as_bytes().to_vec());
    file.size = 5 * GIB;
    assert_eq!(file.open().1, Err(Refusal::Broken));
    assert!(file.bytes_read < 8 * limits::HEADER_BYTES_MAX, "{}", file.bytes_read);
}
