//! A frozen snapshot: of a short log, in one piece.

use super::{Fault, Vector, run, same};
use crate::crypto::PublicKey;
use crate::crypto::hazmat::Crypto;
use crate::id::{AccountId, VaultId};
use crate::log::entry::Header;
use crate::log::snapshot::{Cutter, Joiner, SnapshotBody};
use crate::log::verify::LogState;
use crate::proto::LogPage;

pub(super) async fn check<C: Crypto>(crypto: &C, vector: &Vector) -> Result<(), Fault> {
    let Vector::Snapshot { owner, identity, vault, page, header, body, piece, records, tree } =
        vector
    else {
        return Err(Fault("not of a snapshot"));
    };
    let identity = PublicKey(identity.array()?);
    let mut state = LogState::new(VaultId(vault.array()?), AccountId(owner.array()?), identity);
    let page = run(LogPage::decode(&page.0), "the page")?;
    run(state.check_page(crypto, &page).await, "history")?;

    let decoded = run(SnapshotBody::decode(&body.0), "the body")?;
    same(&decoded.encode(), &body.0, "the encoding of the body")?;
    same(&decoded.at, &state.at(), "the place")?;
    same(&decoded.tree.0, &tree.array()?, "the tree that the body names")?;

    // Deflating may change, what it unfolds to may not.
    let mut joiner = Joiner::new(decoded.at.seq);
    let read = run(joiner.feed(&piece.0), "the piece")?;
    same(&run(joiner.finish(), "the end")?, &decoded.tree, "the tree")?;
    let shown =
        read.iter().map(|record| ([&[record.part as u8], &record.key[..]].concat(), &record.value));
    let shown: Vec<(Vec<u8>, Vec<u8>)> = shown.map(|(key, value)| (key, value.clone())).collect();
    let expected: Vec<_> =
        records.iter().map(|(key, value)| (key.0.clone(), value.0.clone())).collect();
    same(&shown, &expected, "the records")?;
    let mut cutter = Cutter::new(decoded.at.seq);
    for record in &read {
        run(cutter.push(record.part, &record.key, &record.value), "a record")?;
    }
    same(&run(cutter.finish(), "cutting")?.1, &decoded.tree, "the tree that is cut")?;

    let frozen = &read.first().ok_or(Fault("no state"))?.value;
    same(&state.freeze(), frozen, "the frozen state")?;
    let header = run(Header::decode(&header.0), "the header")?;
    let thawed = state.thaw(frozen, decoded.at, &header).ok_or(Fault("it does not thaw"))?;
    same(&thawed.freeze(), frozen, "the thawed state")
}
