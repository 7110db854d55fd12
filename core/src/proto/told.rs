//! What passes the live socket as bytes: a sealed presence, and the vault whose members it is for.

use super::WireError;
use crate::id::VaultId;
use crate::limits::PRESENCE_SEALED_BYTES;

/// Bytes of every such message.
pub const TOLD_BYTES: usize = VaultId::LEN + PRESENCE_SEALED_BYTES;

/// Encodes what is told to the members of a vault.
pub fn encode_told(vault: &VaultId, sealed: &[u8]) -> Vec<u8> {
    [vault.as_bytes(), sealed].concat()
}

/// Decodes it; all messages are of one length.
pub fn decode_told(bytes: &[u8]) -> Result<(VaultId, &[u8]), WireError> {
    match bytes.split_first_chunk() {
        Some((vault, sealed)) if bytes.len() == TOLD_BYTES => Ok((VaultId(*vault), sealed)),
        _ if bytes.len() > TOLD_BYTES => Err(WireError::Trailing),
        _ => Err(WireError::Truncated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_has_one_length_and_no_other() {
        let (vault, sealed) = (VaultId([3; 32]), [7; PRESENCE_SEALED_BYTES]);
        let told = encode_told(&vault, &sealed);
        assert_eq!(decode_told(&told), Ok((vault, &sealed[..])));
        for len in 0..told.len() {
            assert_eq!(decode_told(&told[..len]), Err(WireError::Truncated), "cut at {len}");
        }
        assert_eq!(decode_told(&[told, vec![0]].concat()), Err(WireError::Trailing));
    }
}
