//! What a device tells of itself: the plaintext, and what is sealed of it.

use super::{Fault, Vector, run, same};
use crate::crypto::hazmat::Crypto;
use crate::id::VaultId;
use crate::presence::Presence;

/// Checks one in both directions.
pub(super) async fn check<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    let Vector::Presence { secret, vault, epoch, salt, plain, blob } = vector else {
        return Err(Fault("no presence"));
    };
    let presence = run(Presence::decode(&plain.0), "decode")?;
    same(&presence.encode(), &plain.0, "the encoding")?;
    let secret = run(crypto.import_secret(&secret.0).await, "import")?;
    let (vault, salt) = (VaultId(vault.array()?), salt.array()?);
    let sealed = presence.seal(crypto, &secret, &vault, *epoch, &salt).await;
    same(&run(sealed, "seal")?, &blob.0, "the blob")?;
    let opened = Presence::open(crypto, &secret, &vault, *epoch, &blob.0).await;
    same(&run(opened, "open")?, &presence, "the presence")
}
