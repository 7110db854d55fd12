//! A file that the editor does not open: what it is, what can be done with it, what is in it.

use leptos::prelude::*;
use offing_core::id::NodeId;
use offing_core::rpc::{Crumb, Row};

use crate::app::{App, Dialog, actions};
use crate::components::crumbs;
use crate::components::icon::button;
use crate::components::viewer::viewer;
use crate::i18n::Msg;
use crate::state::measure;

/// Shows a file.
pub(super) fn page(app: App, row: Row, path: Vec<Crumb>) -> AnyView {
    document().set_title(&format!("{} · Offing", row.name));
    let node = row.node;
    let kept = RwSignal::new(row.kept);
    let parent = path.last().map_or(NodeId::ROOT, |folder| folder.node);
    let mut steps = path;
    steps.push(Crumb { node, name: row.name.clone() });
    let (steps, _) = signal(steps);
    let kind = measure::extension(&row.name);
    let kind = if kind.is_empty() { app.t(Msg::File) } else { app.t(Msg::FileOf(&kind)) };
    let size = row.size.map(measure::bytes);
    let time = app.time(row.modified_ms);
    let again = row.clone();
    let (name, past) = (row.name.clone(), row.name.clone());
    let place = move || {
        app.t(if kept.get() {
            Msg::BadgeKept
        } else if row.local {
            Msg::IsLocal
        } else {
            Msg::BadgeServerOnly
        })
    };
    view! {
        <div class="page-head">{crumbs::crumbs(app, steps.into())}</div>
        <div class="file-line">
            <p class="hint grow">{kind} {size.map(|size| format!(" · {size}"))} " · " {time} " · " {place}</p>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || kept.get()
                    on:change=move |event| {
                        let keep = event_target_checked(&event);
                        kept.set(keep);
                        actions::keep(app, vec![node], keep);
                    }
                />
                <span>{app.t(Msg::KeepHere)}</span>
            </label>
            {row.two_versions.then(|| button(app.t(Msg::TwoVersions), "copy", ICON, || false, move || {
                app.dialog.set(Some(Dialog::Versions(node, name.clone())));
            }))}
            {button(app.t(Msg::Rename), "pencil", ICON, || false, move || app.dialog.set(Some(Dialog::Rename(again.clone()))))}
            {button(app.t(Msg::History), "history", ICON, || false, move || {
                app.dialog.set(Some(Dialog::History(node, past.clone())));
            })}
            {button(app.t(Msg::Download), "download", ICON, || false, move || actions::download(app, vec![node]))}
        </div>
        {viewer(app, node, parent)}
    }
    .into_any()
}

const ICON: &str = "button quiet icon-only";
