//! Finding nodes by words in their names: a scan of all names of the listing.

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::name;
use offing_core::rpc::{Fault, Hit};
use offing_core::tree::listing::{self, Listed};

use super::parents_only;
use crate::host::Host;
use crate::replica::Replica;
use crate::store::Range;

/// Rows of the listing that are read at once.
const PAGE_ROWS: u32 = 4_096;

impl<H: Host> Replica<H> {
    /// Finds nodes by words in their names.
    pub async fn search(&self, query: &str) -> Result<Vec<Hit>, Fault> {
        let words: Vec<String> = name::fold(query).split_whitespace().map(str::to_owned).collect();
        let mut hits = Vec::new();
        if words.is_empty() {
            return Ok(hits);
        }
        let mut range = Range::all();
        loop {
            let rows = self.scan_listing(&range, 0, PAGE_ROWS).await?;
            let Some((last, _)) = rows.last() else { break };
            range.start = [last.as_slice(), &[0]].concat();
            let found = rows.into_iter().filter(|(key, value)| {
                let unlisted = [listing::DISPLACED, NodeId::TRASH, NodeId::GONE];
                let live = !unlisted.iter().any(|folder| key.starts_with(&folder.0));
                live && Listed::decode(value).is_some_and(|listed| {
                    let folded = name::fold(&listed.name);
                    words.iter().all(|word| folded.contains(word))
                })
            });
            for row in self.decorate(found.collect()).await? {
                let path = match self.path(row.node).await {
                    // It is below a folder that is gone.
                    Err(Fault::NodeUnknown) => continue,
                    path => path?,
                };
                if path.first().is_some_and(|crumb| crumb.node != NodeId::TRASH) {
                    hits.push(Hit { row, path: parents_only(path) });
                }
                if hits.len() == limits::WINDOW_ROWS_MAX {
                    return Ok(hits);
                }
            }
        }
        Ok(hits)
    }
}
