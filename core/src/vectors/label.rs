//! A file that gets and loses labels: the bodies of the changes, and the row that comes of them.

use super::{Fault, Hex, run, same};
use crate::id::{DeviceId, NodeId};
use crate::log::change::ChangeBody;
use crate::tree::NodeRow;
use crate::tree::memory::MemoryTree;

/// Checks changes of several devices, each of which has seen the file being made and nothing
/// else of the others.
pub(super) fn check(
    devices: &[Hex],
    node: &Hex,
    bodies: &[Hex],
    row: &Hex,
    labels: &[String],
) -> Result<(), Fault> {
    let node = NodeId(node.array()?);
    let mut tree = MemoryTree::default();
    for ((device, body), seq) in devices.iter().zip(bodies).zip(1..) {
        let device = DeviceId(device.array()?);
        let change = run(ChangeBody::decode(&body.0, &device), "the body")?;
        // Deflating may change, what it unfolds to may not.
        let again = run(change.encode(), "encode")?;
        same(&again[..5], &body.0[..5], "the version and the length")?;
        same(&run(ChangeBody::decode(&again, &device), "decode")?, &change, "the encoding")?;
        let rejected = tree.apply(&change.known_ops(Some(seq), 1)).rejected;
        same(&rejected.len(), &0, "an op was passed over")?;
    }
    let found = tree.rows.get(&node).ok_or(Fault("no row"))?;
    same(&found.encode(), &row.0, "the row")?;
    same(&run(NodeRow::decode(&row.0), "the row")?, found, "reading the row")?;
    let found: Vec<&str> = found.labels().into_iter().map(|label| label.as_str()).collect();
    same(&found, &labels.iter().map(String::as_str).collect(), "the labels")
}
