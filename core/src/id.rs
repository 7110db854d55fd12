//! Identifiers, as newtypes over fixed-size bytes.
//!
//! All of them print and parse as lower-case hex. `VaultId` and `ChunkId` are hashes and
//! therefore verifiable; `NodeId` and `AccountId` are random; `DeviceId` is derived from
//! the device's public key, so a device cannot choose another one's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reports text that is not the hex form of an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is {expected_bytes} bytes in hex")]
pub struct ParseIdError {
    /// How many bytes the identifier has.
    pub expected_bytes: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Borrows the raw bytes.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes an identifier from a slice of exactly [`Self::LEN`] bytes.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &hex::encode(&self.0[..4]))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| ParseIdError { expected_bytes: $len })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&hex::encode(self.0))
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    // Arrays above 32 have no serde impl; all of ours are 16 or 32.
                    <[u8; $len]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

id!(
    /// Names a vault: the hash of its genesis entry.
    VaultId,
    32
);
id!(
    /// Names a sealed chunk: the SHA-256 of its ciphertext container.
    ChunkId,
    32
);
id!(
    /// Names an account: random, chosen by the device that signs up.
    AccountId,
    16
);
id!(
    /// Names a device: the first half of the SHA-256 of its public signing key.
    DeviceId,
    16
);
id!(
    /// Names a node of the tree: random, chosen by the device that creates it.
    NodeId,
    16
);
id!(
    /// Names one opening of a text in one tab: random, and never used again.
    VisitId,
    16
);
id!(
    /// Names a stream of changes inside a vault's log; random to whoever holds no key.
    StreamId,
    16
);
id!(
    /// Names one life of a server's data: a restored backup gets a new one.
    Incarnation,
    16
);
id!(
    /// SHA-256 of something; the chain and entries use it.
    Hash,
    32
);

impl StreamId {
    /// Says that an entry is about contents that die: one of kind *gc* names contents and not
    /// pieces of snapshots, one of kind *heartbeat* answers those.
    pub const CONTENTS: Self = Self([1; 16]);
    /// Says that an entry is about the search index that devices share: one of kind *heartbeat*
    /// names the pieces of a newer one, one of kind *gc* those that it replaces.
    pub const INDEX: Self = Self([2; 16]);
}

impl NodeId {
    /// The root folder of every vault.
    pub const ROOT: Self = Self([0; 16]);
    /// The folder that shows what lost its place in a merge.
    pub const RECOVERED: Self = Self([1; 16]);
    /// The folder that shows what was deleted.
    pub const TRASH: Self = Self([2; 16]);
    /// The folder that holds what was deleted for good; nobody is shown it.
    pub const GONE: Self = Self([4; 16]);

    /// Says whether this is one of the built-in folders, which no op may touch.
    pub fn is_builtin(&self) -> bool {
        [Self::ROOT, Self::RECOVERED, Self::TRASH, Self::GONE].contains(self)
    }

    /// Says whether what is in here was deleted, for good or not.
    pub fn is_trash(&self) -> bool {
        [Self::TRASH, Self::GONE].contains(self)
    }
}

/// A place in a vault's log, dense from 1 for the genesis entry; 0 is "before everything".
pub type Seq = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_binary() {
        let id = NodeId([7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        let bytes = postcard::to_allocvec(&id).unwrap();
        assert_eq!(bytes.len(), 16);
        assert_eq!(postcard::from_bytes::<NodeId>(&bytes).unwrap(), id);
    }

    #[test]
    fn text_of_another_length_is_no_id() {
        assert_eq!("00".parse::<NodeId>(), Err(ParseIdError { expected_bytes: 16 }));
    }
}
