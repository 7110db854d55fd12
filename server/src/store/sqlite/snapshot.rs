//! Copies of a database as files, for backups: one moment of it, whoever writes meanwhile.
//!
//! A copy is a single SQLite file without a write-ahead log beside it, whatever the database is,
//! and is only ever read here; a server that opens it brings its schema up to date as with any
//! other.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use offing_core::id::{ChunkId, Incarnation, VaultId};
use rusqlite::{Connection, OpenFlags};

use super::BUSY_WAIT;
use super::rows::uint;
use super::tables::{SqliteTables, all_tables};
use crate::store::meta::{Location, MetaError, MetaResult, SegmentRow, StoredChunk};
use crate::store::places::{DATABASE, Places};
use crate::store::postgres::tables::PostgresTables;
use crate::store::tables;

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which life of which server it is.
    pub incarnation: Incarnation,
    /// The segments in which a chunk of it is, by number.
    pub segments: Vec<SegmentRow>,
}

/// Copies a database, which others may be writing to, to a file that is not there, for its
/// owner alone.
pub fn copy(from: &Places, to: &Path) -> MetaResult<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if let Some(url) = &from.database {
        let (mut source, mut copy) = (PostgresTables::open_moment(url)?, SqliteTables::make(to)?);
        return tables::copy(&mut source, &mut copy, &all_tables()?);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = Connection::open_with_flags(from.data.join(DATABASE), flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    let to = to.to_str().ok_or(MetaError::Corrupt { column: "name of the copy" })?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// A copy, which is looked at and not changed.
pub struct Moment {
    copy: Connection,
}

impl Moment {
    /// Opens a copy.
    pub fn open(path: &Path) -> MetaResult<Self> {
        let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { copy })
    }

    /// What it says of itself.
    pub fn known(&self) -> MetaResult<Known> {
        let sql = "SELECT incarnation FROM server";
        let incarnation = self.copy.query_row(sql, [], |row| row.get(0))?;
        let sql = "SELECT number, indexed_to, live_bytes FROM segments \
            WHERE EXISTS (SELECT 1 FROM chunks WHERE segment = number) ORDER BY number";
        let mut statement = self.copy.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let (indexed_to, live_bytes) = (uint(row, 1)?, uint(row, 2)?);
            Ok(SegmentRow { segment: row.get(0)?, indexed_to, live_bytes, dead_bytes: 0 })
        })?;
        let segments = rows.collect::<Result<_, _>>()?;
        Ok(Known { incarnation: Incarnation(incarnation), segments })
    }

    /// The chunks in a segment from an offset on.
    pub fn chunks_from(&self, segment: u32, offset: u64) -> MetaResult<Vec<StoredChunk>> {
        let sql = "SELECT vaults.id, chunks.id, start, len, last_declared \
            FROM chunks JOIN vaults ON key = vault WHERE segment = ?1 AND start >= ?2 \
            ORDER BY start";
        let mut statement = self.copy.prepare_cached(sql)?;
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let rows = statement.query_map((segment, offset), |row| {
            let (vault, id) = (VaultId(row.get(0)?), ChunkId(row.get(1)?));
            let at = Location { segment, offset: uint(row, 2)?, len: row.get(3)? };
            Ok(StoredChunk { vault, id, at, last_declared: uint(row, 4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
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
