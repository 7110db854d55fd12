//! What no file may make a module do: every bound that a parser keeps.
//!
//! The bounds that are kept outside of the modules (the time of an answer, the size of a
//! file that is handed over whole) stand in `www/viewer/limits.js`.

use std::borrow::Cow;

/// Memory of a module; the linker writes it into the module, and the browser keeps it.
pub const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of one answer.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many times as large as it was anything may become that is unpacked.
pub const EXPANSION_MAX: u64 = 100;

/// What may be unpacked whatever the ratio: a small file of zeros is no bomb.
pub const EXPANSION_FREE_BYTES: u64 = 1024 * 1024;

/// Members of an archive.
pub const MEMBERS_MAX: usize = 10_000;

/// Bytes of an archive that is packed as a whole, once it is unpacked.
pub const UNPACKED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// An archive that is packed as a whole, which has to be read whole.
pub const PACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is held of an archive that is read in pieces; a member that is unpacked is all of it.
pub const HELD_BYTES_MAX: u64 = 68 * 1024 * 1024;

/// What is asked for at once of an archive: by whoever hops through it, and by whoever reads on.
pub const NEED_BYTES_MIN: u64 = 16 * 1024;
/// The same, at most.
pub const NEED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The directory of a ZIP, with what is read in looking for it.
pub const DIRECTORY_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Where the end of a ZIP's directory is looked for.
pub const TAIL_BYTES: u64 = 66 * 1024;

/// What stands before a member of a TAR: its header, and its name where that is long.
pub const HEADER_BYTES_MAX: u64 = 1024 * 1024;

/// An archive that is read whole at once, since a few small readings take longer.
pub const SMALL_BYTES_MAX: u64 = 512 * 1024;

/// What an archive may want to look back at while it is unpacked.
pub const WINDOW_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Elements inside one another in a part of a package.
pub const XML_DEPTH_MAX: usize = 1000;

/// Rows of a table or sheet that are asked for at once.
pub const ROWS_MAX: usize = 512;

/// Columns of a table or sheet that are shown.
pub const COLUMNS_MAX: usize = 500;

/// Bytes of a field of a table or sheet; the rest of it is left out.
pub const FIELD_BYTES_MAX: usize = 1024;

/// Pieces into which a picture's file falls, neighbours that belong together as one.
pub const PIECES_MAX: usize = 10_000;

/// Blocks of EXIF that are read of one picture.
pub const EXIF_BLOCKS_MAX: usize = 8;

/// Bytes of a block of EXIF.
pub const EXIF_BYTES_MAX: usize = 1024 * 1024;

/// Fields of EXIF, each counted as often as something leads to it.
pub const EXIF_FIELDS_MAX: usize = 10_000;

/// Values of a field of EXIF that is read.
pub const EXIF_VALUES_MAX: usize = 4096;

/// How many bytes may come of so many packed ones.
pub fn expanded_bytes_max(packed: u64) -> u64 {
    packed.saturating_mul(EXPANSION_MAX).max(EXPANSION_FREE_BYTES)
}

/// A field as far as it is shown.
pub fn shortened(field: &str) -> Cow<'_, str> {
    if field.len() <= FIELD_BYTES_MAX {
        return Cow::Borrowed(field);
    }
    Cow::Owned(format!("{}…", &field[..field.floor_char_boundary(FIELD_BYTES_MAX)]))
}
