//! What a row shows: icon, name, badge, size and time.

use leptos::prelude::*;
use offing_core::limits;
use offing_core::rpc::{Kind, Row, Saved};

use crate::components::icon::icon;
use crate::components::listing::Listing;
use crate::i18n::Msg;
use crate::state::measure;

/// Shows a row's cells.
pub(super) fn cells(listing: Listing, row: &Row) -> impl IntoView + use<> {
    let app = listing.app;
    let badge = match (row.two_versions, row.saved, row.kept) {
        (true, ..) => Some(("copy", Msg::TwoVersions)),
        (false, Saved::Here, _) => Some(("hard-drive", Msg::BadgeHere)),
        (false, Saved::Syncing, _) => Some(("cloud-upload", Msg::BadgeSyncing)),
        (false, Saved::Server, true) => Some(("pin", Msg::BadgeKept)),
        (false, Saved::Server, false) if !row.local && row.kind != Kind::Folder => {
            Some(("cloud", Msg::BadgeServerOnly))
        }
        (false, Saved::Server, false) => None,
    };
    let badge = badge.map(|(look, says)| {
        let says = app.t(says);
        let title = says.clone();
        view! {
            <span class="row-badge" title=title data-look=look>
                {icon(look)}
                <span class="visually-hidden">{says}</span>
            </span>
        }
    });
    let size = row.size.map(measure::bytes).unwrap_or_default();
    // What is in the trash shows until when it is kept there.
    let until = row.trashed_ms.map(|time_ms| app.time(time_ms + limits::TRASH_MS));
    let time = until.clone().unwrap_or_else(|| app.time(row.modified_ms));
    let (head, tail) = row.name.split_at(measure::name_end(&row.name));
    // Narrow screens have no columns for these.
    let fact = match &until {
        Some(until) => format!("{} {until}", app.t(Msg::KeptUntil)),
        None => time.clone(),
    };
    let facts = if size.is_empty() { fact } else { format!("{size} · {fact}") };
    view! {
        <div role="gridcell" class="cell cell-name" data-node=row.node.to_string()>
            {icon(measure::icon(&row.name, row.kind))}
            <span class="name-lines">
                <span class="name-line">
                    <span class="name-head">{head.to_owned()}</span>
                    <span class="name-tail">{tail.to_owned()}</span>
                </span>
                <span class="name-facts" aria-hidden="true">{facts}</span>
            </span>
            {badge}
        </div>
        <div role="gridcell" class="cell wide-only">{size}</div>
        <div role="gridcell" class="cell wide-only">{time}</div>
    }
}
