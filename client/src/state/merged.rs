//! What other devices typed into an open text since the person last said something to it.

/// Edits that were merged, and who made them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    edits: u32,
    devices: Vec<String>,
}

impl Merged {
    /// Counts more edits in; those of this device's own tabs have no name and do not count.
    pub fn add(&mut self, edits: u32, devices: &[String]) {
        self.edits += edits;
        for device in devices {
            if !self.devices.contains(device) {
                self.devices.push(device.clone());
            }
        }
    }

    /// How many edits.
    pub fn edits(&self) -> u32 {
        self.edits
    }

    /// The devices' names, in the order in which they came.
    pub fn devices(&self) -> String {
        self.devices.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_add_up_and_each_device_is_named_once() {
        let mut merged = Merged::default();
        merged.add(3, &["Phone".to_owned()]);
        merged.add(1, &["Laptop".to_owned(), "Phone".to_owned()]);
        merged.add(0, &[]);
        assert_eq!((merged.edits(), merged.devices().as_str()), (4, "Phone, Laptop"));
    }
}
