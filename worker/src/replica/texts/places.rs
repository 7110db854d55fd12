//! Places in open texts, as others name them.

use offing_core::id::NodeId;
use offing_core::presence::{Here, Selected};

use crate::host::Host;
use crate::replica::Replica;

impl<H: Host> Replica<H> {
    /// The version of an open text.
    pub(in crate::replica) fn text_version(&self, node: NodeId) -> Option<u32> {
        Some(self.open_doc(node).ok()?.version.get())
    }

    /// Where what is selected in an open text stands for others; without a cursor if the page
    /// selected it in another version.
    pub(in crate::replica) fn here(
        &self,
        node: NodeId,
        version: u32,
        (anchor, head): (u32, u32),
    ) -> Option<Here> {
        let open = self.open_doc(node).ok()?;
        let doc = open.doc.borrow();
        let selected = || Selected { anchor: doc.place(anchor), head: doc.place(head) };
        let cursor = (version == open.version.get()).then(selected);
        Some(Here { base: open.base.get(), cursor })
    }

    /// Where that is in the text here, if all of it is here.
    pub(in crate::replica) fn positions(&self, node: NodeId, here: &Here) -> Option<(u32, u32)> {
        let (open, cursor) = (self.open_doc(node).ok()?, here.cursor?);
        let doc = open.doc.borrow();
        let is_same = here.base == open.base.get();
        Some((doc.position(&cursor.anchor)?, doc.position(&cursor.head)?)).filter(|_| is_same)
    }
}
