//! Stars and tags, as a person puts them on and finds them.

use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::rpc::{ActionId, Fault, Reply};
use offing_core::tree::Labelled;

use super::{Device, action};

/// The star, as its text.
pub const STAR: &str = "";

impl Device {
    /// Puts a label on something.
    pub fn labels(&self, path: &str, label: &str) -> ActionId {
        action(self.tries_label(path, label, true))
    }

    /// Puts a label on all that is in a folder.
    pub fn labels_all(&self, folder: &str, label: &str) {
        let nodes: Vec<NodeId> =
            self.rows(self.node(folder)).into_iter().map(|row| row.node).collect();
        let labelled = Labelled { label: Label::parse(label).unwrap(), on: true };
        self.ask(|replica| async move { replica.label(&nodes, &labelled).await }).unwrap();
    }

    /// Takes a label off something.
    pub fn unlabels(&self, path: &str, label: &str) -> ActionId {
        action(self.tries_label(path, label, false))
    }

    /// Puts a label on or takes it off.
    pub fn tries_label(&self, path: &str, label: &str, on: bool) -> Result<Reply, Fault> {
        let node = self.node(path);
        let labelled = Labelled { label: Label::parse(label).unwrap(), on };
        self.ask(|replica| async move { replica.label(&[node], &labelled).await })
    }

    /// The labels of something.
    pub fn labels_of(&self, path: &str) -> Vec<String> {
        let node = self.node(path);
        let labels = self.ask(|replica| async move { replica.labels(&[node]).await }).unwrap();
        labels[0].iter().map(|label| label.as_str().to_owned()).collect()
    }

    /// All labels in use, and how many nodes have each.
    pub fn labels_in_use(&self) -> Vec<(String, u32)> {
        let counts = self.ask(|replica| async move { replica.labels_in_use().await }).unwrap();
        counts.into_iter().map(|(label, count)| (label.as_str().to_owned(), count)).collect()
    }

    /// The names of what has a label, page by page.
    pub fn labelled(&self, label: &str) -> Vec<String> {
        let label = Label::parse(label).unwrap();
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let asked = label.clone();
            let page = self.ask(|replica| async move { replica.labelled(&asked, after).await });
            let (nodes, end) = page.unwrap();
            names.extend(nodes.iter().map(|node| self.details(*node).unwrap().row.name));
            if end.is_none() {
                return names;
            }
            after = end;
        }
    }
}
