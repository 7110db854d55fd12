//! Sheets (XLSX, ODS), a window of rows at a time.
//!
//! Opening reads the names of the sheets; one sheet is read when it is asked for and takes the
//! place of the one before. Cells are kept as the file has them shown, without formulas: what
//! was last worked out stands in the file. Nothing is worked out here, so no formula can do
//! harm. Sheets that the file hides are left out.

mod calendar;
mod number;
mod ods;
mod table;
mod xlsx;

use serde::{Deserialize, Serialize};

use self::{ods::Ods, table::Table, xlsx::Xlsx};
use crate::{Answer, Format, Refusal, limits, package::Package};

/// An open workbook.
pub struct Workbook {
    package: Package,
    source: Source,
    names: Vec<String>,
    table: Table,
}

enum Source {
    Xlsx(Xlsx),
    Ods(Ods),
}

/// What can be asked of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Reads a sheet. → how large it is
    Sheet {
        /// Its place in the list.
        index: usize,
    },
    /// Rows of the sheet that was read last. → those that are not empty, each its number and
    /// its cells, and the merged cells that reach into them
    Rows {
        /// The first.
        start: usize,
        /// One past the last.
        end: usize,
    },
}

#[derive(Serialize)]
struct About<'a> {
    sheets: &'a [String],
}

impl Format for Workbook {
    type Request = Request;

    fn open(bytes: Vec<u8>, _name: &str) -> Result<(Self, Answer), Refusal> {
        let mut package = Package::open(bytes)?;
        let (source, names) = if package.has(ods::CONTENT) {
            let (ods, names) = Ods::open(&mut package)?;
            (Source::Ods(ods), names)
        } else {
            let (xlsx, names) = Xlsx::open(&mut package)?;
            (Source::Xlsx(xlsx), names)
        };
        let about = Answer::of(&About { sheets: &names })?;
        Ok((Self { package, source, names, table: Table::default() }, about))
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::Sheet { index } if index < self.names.len() => {
                self.table = Table::default();
                match &mut self.source {
                    Source::Xlsx(xlsx) => xlsx.read(&mut self.package, index, &mut self.table)?,
                    Source::Ods(ods) => ods.read(&mut self.package, index, &mut self.table)?,
                }
                self.table.settle();
                Answer::of(&self.table.extent())
            }
            Request::Rows { start, end } if start <= end && end - start <= limits::ROWS_MAX => {
                Answer::of(&self.table.window(start as u32, end as u32))
            }
            Request::Sheet { .. } | Request::Rows { .. } => Err(Refusal::Unknown),
        }
    }
}

#[cfg(test)]
mod tests;
