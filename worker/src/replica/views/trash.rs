//! The trash as a list: each row with the time at which it was put there.

use offing_core::id::NodeId;
use offing_core::rpc::Fault;
use offing_core::tree::NodeRow;

use crate::host::Host;
use crate::replica::Replica;
use crate::replica::fault::from_store;
use crate::store::{Store, Table};

impl<H: Host> Replica<H> {
    /// When each of these nodes was put in the trash.
    pub(super) async fn trashed_ms(
        &self,
        nodes: impl Iterator<Item = NodeId>,
    ) -> Result<Vec<Option<i64>>, Fault> {
        let keys: Vec<Vec<u8>> = nodes.map(|node| node.0.to_vec()).collect();
        let rows = self.host.store().get_many(Table::Nodes, &keys).await;
        let time_ms = |row: &Option<Vec<u8>>| NodeRow::decode(row.as_deref()?).ok()?.trashed_ms();
        Ok(rows.map_err(|e| from_store(&e))?.iter().map(time_ms).collect())
    }
}
