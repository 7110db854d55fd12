//! A ZIP that is written piece by piece, its members stored as they are.
//!
//! Sizes and checksums follow each member's bytes, so nothing is read twice; the directory
//! at the end has them again, and ZIP64 fields wherever 32 bits do not do. Names are UTF-8.
//!
//! ```text
//! member    = local header | bytes | data descriptor       folders: the header alone
//! directory = central header* | [zip64 end | its locator] | end
//! ```

/// Says that sizes follow the bytes (bit 3) and that names are UTF-8 (bit 11).
const FLAGS_FILE: u16 = 0x0808;
const FLAGS_FOLDER: u16 = 0x0800;
/// The version that knows ZIP64, and its maker, Unix.
const VERSION: u16 = 45;
const MADE_BY: u16 = (3 << 8) | VERSION;
/// The first day that the format knows, and midnight: clocks of devices are not to be
/// trusted, and zones are unknown to the format.
const DATE_TIME: [u8; 4] = [0, 0, 0x21, 0];
const MODE_FILE: u32 = 0o100_644 << 16;
const MODE_FOLDER: u32 = (0o040_755 << 16) | 0x10;
/// What a field holds whose value stands in 64 bits elsewhere.
const ELSEWHERE: u32 = u32::MAX;

/// Reports a name that is longer than the format can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name of {bytes} bytes is too long for a ZIP")]
pub(super) struct NameTooLong {
    /// Its length.
    bytes: usize,
}

/// A ZIP under way.
pub(super) struct Archive {
    /// Written and not taken yet.
    out: Vec<u8>,
    /// Bytes that were taken.
    taken: u64,
    member: Option<Member>,
    directory: Vec<u8>,
    members: u64,
    checksum: Checksum,
}

/// The member that is being written.
struct Member {
    path: String,
    start: u64,
    size: u64,
    crc: u32,
}

impl Archive {
    /// Begins a ZIP.
    pub(super) fn new() -> Self {
        Self {
            out: Vec::new(),
            taken: 0,
            member: None,
            directory: Vec::new(),
            members: 0,
            checksum: Checksum::new(),
        }
    }

    /// How many bytes can be taken.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes what was written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken += self.out.len() as u64;
        std::mem::take(&mut self.out)
    }

    /// Adds a folder, whose path ends with a slash.
    pub(super) fn folder(&mut self, path: &str) -> Result<(), NameTooLong> {
        let start = self.offset();
        self.header(path, FLAGS_FOLDER, 0, &[])?;
        let member = Member { path: path.to_owned(), start, size: 0, crc: 0 };
        self.enter(&member, FLAGS_FOLDER, MODE_FOLDER);
        Ok(())
    }

    /// Begins a file; its bytes follow until [`Self::end_file`].
    pub(super) fn begin_file(&mut self, path: String) -> Result<(), NameTooLong> {
        let start = self.offset();
        // The presence of this field gives the descriptor 64-bit sizes.
        let mut extra = Vec::with_capacity(20);
        put16(&mut extra, &[1, 16]);
        extra.extend_from_slice(&[0; 16]);
        self.header(&path, FLAGS_FILE, ELSEWHERE, &extra)?;
        self.member = Some(Member { path, start, size: 0, crc: 0 });
        Ok(())
    }

    /// Adds bytes of the file that was begun.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Some(member) = &mut self.member {
            member.size += bytes.len() as u64;
            member.crc = self.checksum.update(member.crc, bytes);
            self.out.extend_from_slice(bytes);
        }
    }

    /// Ends the file that was begun.
    pub(super) fn end_file(&mut self) {
        if let Some(member) = self.member.take() {
            put32(&mut self.out, &[0x0807_4b50, member.crc]);
            put64(&mut self.out, &[member.size, member.size]);
            self.enter(&member, FLAGS_FILE, MODE_FILE);
        }
    }

    /// Writes the directory.
    pub(super) fn finish(&mut self) {
        let start = self.offset();
        let len = self.directory.len() as u64;
        let directory = std::mem::take(&mut self.directory);
        self.out.extend_from_slice(&directory);
        let count = u16::try_from(self.members).unwrap_or(u16::MAX);
        let (short_len, short_start) = (short(len), short(start));
        if count == u16::MAX || short_len == ELSEWHERE || short_start == ELSEWHERE {
            let end = self.offset();
            put32(&mut self.out, &[0x0606_4b50]);
            put64(&mut self.out, &[44]);
            put16(&mut self.out, &[MADE_BY, VERSION]);
            put32(&mut self.out, &[0, 0]);
            put64(&mut self.out, &[self.members, self.members, len, start]);
            put32(&mut self.out, &[0x0706_4b50, 0]);
            put64(&mut self.out, &[end]);
            put32(&mut self.out, &[1]);
        }
        put32(&mut self.out, &[0x0605_4b50]);
        put16(&mut self.out, &[0, 0, count, count]);
        put32(&mut self.out, &[short_len, short_start]);
        put16(&mut self.out, &[0]);
    }

    fn offset(&self) -> u64 {
        self.taken + self.out.len() as u64
    }

    fn header(
        &mut self,
        path: &str,
        flags: u16,
        size: u32,
        extra: &[u8],
    ) -> Result<(), NameTooLong> {
        let bytes = path.len();
        let name_len = u16::try_from(bytes).map_err(|_| NameTooLong { bytes })?;
        put32(&mut self.out, &[0x0403_4b50]);
        put16(&mut self.out, &[VERSION, flags, 0]);
        self.out.extend_from_slice(&DATE_TIME);
        put32(&mut self.out, &[0, size, size]);
        put16(&mut self.out, &[name_len, extra.len() as u16]);
        self.out.extend_from_slice(path.as_bytes());
        self.out.extend_from_slice(extra);
        Ok(())
    }

    /// Enters a finished member into the directory.
    fn enter(&mut self, member: &Member, flags: u16, mode: u32) {
        self.members += 1;
        let (size, start) = (short(member.size), short(member.start));
        let mut wide = Vec::new();
        if size == ELSEWHERE {
            put64(&mut wide, &[member.size, member.size]);
        }
        if start == ELSEWHERE {
            put64(&mut wide, &[member.start]);
        }
        let mut extra = Vec::new();
        if !wide.is_empty() {
            put16(&mut extra, &[1, wide.len() as u16]);
            extra.extend_from_slice(&wide);
        }
        let out = &mut self.directory;
        put32(out, &[0x0201_4b50]);
        put16(out, &[MADE_BY, VERSION, flags, 0]);
        out.extend_from_slice(&DATE_TIME);
        put32(out, &[member.crc, size, size]);
        // Its header was written, so the name's length was found to fit.
        put16(out, &[member.path.len() as u16, extra.len() as u16, 0, 0, 0]);
        put32(out, &[mode, start]);
        out.extend_from_slice(member.path.as_bytes());
        out.extend_from_slice(&extra);
    }
}

/// A value as a field of 32 bits holds it.
fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(ELSEWHERE)
}

fn put16(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put64(out: &mut Vec<u8>, values: &[u64]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// CRC-32 over eight bytes at a time; its tables are made at run time, since they would
/// be the part of the module that compresses worst.
struct Checksum {
    tables: Box<[[u32; 256]; 8]>,
}

impl Checksum {
    fn new() -> Self {
        let mut tables = Box::new([[0; 256]; 8]);
        for index in 0..256 {
            let mut crc = index as u32;
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
            }
            tables[0][index] = crc;
        }
        for table in 1..8 {
            for index in 0..256 {
                let before = tables[table - 1][index];
                tables[table][index] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            }
        }
        Self { tables }
    }

    /// The checksum of what `crc` covers and these bytes after it.
    fn update(&self, crc: u32, bytes: &[u8]) -> u32 {
        let tables = &*self.tables;
        let (eights, rest) = bytes.as_chunks::<8>();
        let mut crc = !crc;
        for eight in eights {
            let [a, b, c, d] = (crc ^ u32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]]))
                .to_le_bytes()
                .map(usize::from);
            let [e, f, g, h] = [eight[4], eight[5], eight[6], eight[7]].map(usize::from);
            crc = tables[7][a]
                ^ tables[6][b]
                ^ tables[5][c]
                ^ tables[4][d]
                ^ tables[3][e]
                ^ tables[2][f]
                ^ tables[1][g]
                ^ tables[0][h];
        }
        for byte in rest {
            crc = (crc >> 8) ^ tables[0][usize::from(crc as u8 ^ byte)];
        }
        !crc
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    #[test]
    fn the_checksum_is_the_known_one() {
        let checksum = Checksum::new();
        assert_eq!(checksum.update(0, b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum.update(checksum.update(0, b"1234"), b"56789"), 0xcbf4_3926);
    }

    #[test]
    fn another_reader_finds_every_member_as_it_was() {
        let large: Vec<u8> = (0..100_000_u32).map(|i| (i * 7) as u8).collect();
        let mut archive = Archive::new();
        let mut bytes = Vec::new();
        archive.folder("Päpers/").unwrap();
        archive.begin_file("Päpers/large.bin".to_owned()).unwrap();
        for piece in large.chunks(999) {
            archive.write(piece);
            bytes.extend(archive.take());
        }
        archive.end_file();
        archive.begin_file("empty.txt".to_owned()).unwrap();
        archive.end_file();
        archive.finish();
        bytes.extend(archive.take());

        let mut read = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(read.len(), 3);
        assert!(read.by_name("Päpers/").unwrap().is_dir());
        let mut found = Vec::new();
        // Reading to the end checks the checksum.
        read.by_name("Päpers/large.bin").unwrap().read_to_end(&mut found).unwrap();
        assert_eq!(found, large);
        assert_eq!(read.by_name("empty.txt").unwrap().size(), 0);
    }

    #[test]
    fn more_members_than_sixteen_bits_count_are_all_found() {
        let mut archive = Archive::new();
        for index in 0..66_000 {
            archive.folder(&format!("{index}/")).unwrap();
        }
        archive.finish();
        let read = zip::ZipArchive::new(Cursor::new(archive.take())).unwrap();
        assert_eq!(read.len(), 66_000);
    }

    #[test]
    fn a_file_beyond_four_gib_has_its_size_in_the_directory() {
        let mut archive = Archive::new();
        archive.begin_file("large".to_owned()).unwrap();
        archive.member.as_mut().unwrap().size = 1 << 33;
        archive.taken = 1 << 33;
        archive.end_file();
        archive.begin_file("after".to_owned()).unwrap();
        archive.end_file();
        let wide = (1_u64 << 33).to_le_bytes();
        let places = archive.directory.windows(8).filter(|window| *window == wide).count();
        assert_eq!(places, 2, "the plain and the stored size");
        archive.finish();
        let end = archive.take();
        assert!(end.windows(4).any(|window| window == 0x0606_4b50_u32.to_le_bytes()));
    }

    #[test]
    fn a_name_that_the_format_cannot_hold_is_refused() {
        let path = "x".repeat(70_000);
        let refused = Archive::new().begin_file(path);
        assert_eq!(refused, Err(NameTooLong { bytes: 70_000 }));
    }
}
