//! Copies of a database as files, for backups: one moment of it, whoever writes meanwhile.
//!
//! A copy is a single file without a write-ahead log beside it, and is only ever read here; a
//! server that opens it brings its schema up to date as with any other.

use std::path::Path;

use offing_core::id::Incarnation;
use rusqlite::{Connection, OpenFlags};

use super::BUSY_WAIT;
use crate::store::meta::{MetaError, MetaResult, SegmentRow};

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which life of which server it is.
    pub incarnation: Incarnation,
    /// The segments that it knows, by number.
    pub segments: Vec<SegmentRow>,
}

/// Copies the database at `from`, which others may be writing to, to a file that is not there.
pub fn copy(from: &Path, to: &Path) -> MetaResult<()> {
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_WAIT)?;
    let to = to.to_str().ok_or(MetaError::Corrupt { column: "name of the copy" })?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Looks at a copy, and changes nothing.
pub fn look(path: &Path) -> MetaResult<Known> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let incarnation = copy.query_row("SELECT incarnation FROM server", [], |row| row.get(0))?;
    let sql = "SELECT number, indexed_to, live_bytes FROM segments ORDER BY number";
    let mut statement = copy.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let (indexed_to, live_bytes) = (super::rows::uint(row, 1)?, super::rows::uint(row, 2)?);
        Ok(SegmentRow { segment: row.get(0)?, indexed_to, live_bytes, dead_bytes: 0 })
    })?;
    let segments = rows.collect::<Result<_, _>>()?;
    Ok(Known { incarnation: Incarnation(incarnation), segments })
}

/// Says whether every page of a copy is what it should be; reads all of it.
pub fn is_whole(path: &Path) -> MetaResult<bool> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    let mut statement = copy.prepare("PRAGMA foreign_key_check")?;
    Ok(found == "ok" && statement.query([])?.next()?.is_none())
}

/// Makes one file of a database that nobody has open any more, so that it can be moved.
pub fn fold(path: &Path) -> MetaResult<()> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    Ok(())
}
