//! The hash chain that fixes the order of a vault's log.
//!
//! `chain_n = SHA-256("of/chain" | chain_{n-1} | be64 n | hash_n)`, from 32 zero bytes. The
//! server assigns `n`, densely from 1; everybody recomputes.

use sha2::{Digest, Sha256};

use crate::id::{Hash, Seq};

/// A place in the log together with the chain value that fixes everything up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChainPoint {
    /// The place; 0 is before the genesis entry.
    pub seq: Seq,
    /// The chain value there.
    pub chain: Hash,
}

impl ChainPoint {
    /// The point before the genesis entry.
    pub const START: Self = Self { seq: 0, chain: Hash([0; 32]) };

    /// Extends the chain by the entry with this hash.
    #[must_use]
    pub fn extend(&self, entry: &Hash) -> Self {
        let seq = self.seq + 1;
        let mut sha = Sha256::new();
        sha.update(b"of/chain");
        sha.update(self.chain.0);
        sha.update(seq.to_be_bytes());
        sha.update(entry.0);
        Self { seq, chain: Hash(sha.finalize().into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_changes_the_chain() {
        let (a, b) = (Hash([1; 32]), Hash([2; 32]));
        let ab = ChainPoint::START.extend(&a).extend(&b);
        let ba = ChainPoint::START.extend(&b).extend(&a);
        assert_eq!(ab.seq, 2);
        assert_ne!(ab.chain, ba.chain);
    }
}
