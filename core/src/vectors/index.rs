//! A frozen shared index: its entry in a short log, and the body.

use super::{Fault, Vector, run, same};
use crate::crypto::PublicKey;
use crate::crypto::hazmat::Crypto;
use crate::id::{AccountId, VaultId};
use crate::log::index::IndexBody;
use crate::log::verify::LogState;
use crate::proto::{LogPage, PageItem};

pub(super) async fn check<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    let Vector::Index { owner, identity, vault, page, entry, body, about, pieces } = vector else {
        return Err(Fault("not of an index"));
    };
    let identity = PublicKey(identity.array()?);
    let mut state = LogState::new(VaultId(vault.array()?), AccountId(owner.array()?), identity);
    let page = run(LogPage::decode(&page.0), "the page")?;
    run(state.check_page(crypto, &page).await, "history")?;

    let decoded = run(IndexBody::decode(&body.0), "the body")?;
    same(&decoded.encode(), &body.0, "the encoding of the body")?;
    same(&decoded.about, &about.0, "what it says of the blobs")?;
    let named: Vec<Vec<u8>> = decoded.blobs.concat().iter().map(|p| p.chunk.0.to_vec()).collect();
    let expected: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.0.clone()).collect();
    same(&named, &expected, "the pieces")?;

    let shown = state.check_shared(crypto, &PageItem::Full(entry.0.clone())).await;
    let header = shown.ok_or(Fault("it is not believed"))?.header;
    let declared: Vec<Vec<u8>> = header.chunks.iter().map(|chunk| chunk.0.to_vec()).collect();
    same(&declared, &expected, "the chunks of the header")
}
