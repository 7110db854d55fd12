//! The vectors as they stand in the files.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, as hex in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A vector with its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Named {
    /// What it shows.
    pub name: String,
    /// The vector.
    #[serde(flatten)]
    pub vector: Vector,
}

/// A vector: inputs and what must come of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are those of the functions that each names")]
pub enum Vector {
    Hkdf {
        secret: Hex,
        salt: Hex,
        info: Hex,
        out: Hex,
    },
    Mac {
        secret: Hex,
        info: Hex,
        data: Hex,
        out: Hex,
    },
    Aead {
        secret: Hex,
        info: Hex,
        nonce: Hex,
        aad: Hex,
        plain: Hex,
        sealed: Hex,
    },
    Sha256 {
        data: Hex,
        out: Hex,
    },
    Signature {
        public: Hex,
        message: Hex,
        signature: Hex,
        valid: bool,
    },
    SigningPair {
        scalar: Hex,
        public: Hex,
        device: Hex,
        fingerprint: String,
    },
    Padding {
        bytes: usize,
        padded: usize,
    },
    Seal {
        place: Place,
        salt: Hex,
        plain: Hex,
        blob: Hex,
    },
    SealRefused {
        place: Place,
        blob: Hex,
    },
    Chunk {
        secret: Hex,
        vault: Hex,
        epoch: u32,
        salt: Option<Hex>,
        plain: Filler,
        id: Hex,
        key: Hex,
    },
    Manifest {
        secret: Hex,
        vault: Hex,
        epoch: u32,
        salt: Hex,
        encoded: Hex,
        id: Hex,
    },
    ManifestRefused {
        encoded: Hex,
    },
    Thumb {
        chunk: Hex,
        key: Hex,
        offset: u32,
        len: u32,
        reference: Hex,
        encoded: Hex,
    },
    ThumbRefused {
        encoded: Hex,
    },
    Blocks {
        secret: Hex,
        vault: Hex,
        block_bytes: u32,
        plain: Filler,
        blocks: Vec<(u32, Hex)>,
    },
    Slot {
        export_key: Hex,
        account: Hex,
        recovery: bool,
        version: u32,
        salt: Hex,
        master: Hex,
        blob: Hex,
    },
    Identity {
        master: Hex,
        version: u32,
        account: Hex,
        salt: Hex,
        scalar: Hex,
        public: Hex,
        blob: Hex,
    },
    RecoveryCode {
        bytes: Hex,
        text: String,
    },
    Certificate {
        identity: Hex,
        bytes: Hex,
        valid: bool,
    },
    Entry {
        secret: Hex,
        public: Hex,
        wire: Hex,
        hash: Hex,
        plain: Hex,
    },
    Chain {
        entries: Vec<Hex>,
        chain: Hex,
    },
    Log {
        owner: Hex,
        identity: Hex,
        vault: Hex,
        master: Hex,
        page: Hex,
        outcomes: Vec<String>,
    },
    Snapshot {
        owner: Hex,
        identity: Hex,
        vault: Hex,
        page: Hex,
        header: Hex,
        body: Hex,
        piece: Hex,
        records: Vec<(Hex, Hex)>,
        tree: Hex,
    },
    Index {
        owner: Hex,
        identity: Hex,
        vault: Hex,
        page: Hex,
        entry: Hex,
        body: Hex,
        about: Hex,
        pieces: Vec<Hex>,
    },
    Presence {
        secret: Hex,
        vault: Hex,
        epoch: u32,
        salt: Hex,
        plain: Hex,
        blob: Hex,
    },
    Purge {
        device: Hex,
        node: Hex,
        bodies: Vec<Hex>,
        row: Hex,
    },
    Label {
        devices: Vec<Hex>,
        node: Hex,
        bodies: Vec<Hex>,
        row: Hex,
        labels: Vec<String>,
    },
}

/// Where a SEAL belongs, and its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of `Binding`")]
pub struct Place {
    pub secret: Hex,
    pub kind: u8,
    pub epoch: u32,
    pub scope: Hex,
    pub bind: Hex,
}

/// Plaintext that is too long to write down: byte i is (31 i + i/256) xor the seed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[allow(missing_docs, reason = "said above")]
pub struct Filler {
    pub seed: u8,
    pub len: usize,
}

impl Filler {
    /// Writes it out.
    pub fn bytes(self) -> Vec<u8> {
        (0..self.len)
            .map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 8) as u8) ^ self.seed)
            .collect()
    }
}
