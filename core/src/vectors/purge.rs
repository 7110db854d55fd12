//! A file that is deleted for good: the bodies of the changes, and the row that comes of them.

use super::{Fault, Hex, run, same};
use crate::id::{DeviceId, NodeId};
use crate::log::change::ChangeBody;
use crate::tree::NodeRow;
use crate::tree::memory::MemoryTree;

/// Checks changes of one device, each of which has seen those before it.
pub(super) fn check(device: &Hex, node: &Hex, bodies: &[Hex], row: &Hex) -> Result<(), Fault> {
    let (device, node) = (DeviceId(device.array()?), NodeId(node.array()?));
    let mut tree = MemoryTree::default();
    for (body, seq) in bodies.iter().zip(1..) {
        let change = run(ChangeBody::decode(&body.0, &device), "the body")?;
        // Deflating may change, what it unfolds to may not.
        let again = run(change.encode(), "encode")?;
        same(&again[..5], &body.0[..5], "the version and the length")?;
        same(&run(ChangeBody::decode(&again, &device), "decode")?, &change, "the encoding")?;
        let rejected = tree.apply(&change.known_ops(Some(seq), seq - 1)).rejected;
        same(&rejected.len(), &0, "an op was passed over")?;
    }
    let found = tree.rows.get(&node).ok_or(Fault("no row"))?;
    same(&found.encode(), &row.0, "the row")?;
    same(&run(NodeRow::decode(&row.0), "the row")?, found, "reading the row")?;
    same(&(found.is_purged(), found.shown_parent), &(true, NodeId::GONE), "whether it is gone")
}
