//! The dialog that shows two contents of one file side by side, and settles them.
//!
//! More than two are settled pair by pair: the next pair comes when one is settled.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Choice, Command, Crumb, Fault, Reply, Version};

use super::crumbs::crumb_name;
use super::modal::modal;
use super::revision;
use crate::app::App;
use crate::i18n::Msg;
use crate::platform::{dom, engine, timer};
use crate::state::measure;

type Found = Result<(Vec<Crumb>, Vec<Version>), Fault>;

/// Shows the versions of a file.
pub(crate) fn versions(app: App, node: NodeId, name: String) -> AnyView {
    let found = RwSignal::new(None::<Found>);
    spawn_local(load(app, node, found));
    let title = name.clone();
    let body = move || match found.get() {
        None => view! { <p class="hint">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(fault)) => {
            view! { <p class="error" role="alert">{app.t(Msg::Fault(&fault))}</p> }.into_any()
        }
        Some(Ok((path, versions))) => pair(app, node, &name, &path, &versions, found),
    };
    let content = view! {
        <p>{app.t(Msg::TwoVersionsOf(&title))}</p>
        {body}
    };
    modal(app.t(Msg::TwoVersions), "dialog wide", move || app.dialog.set(None), content).into_any()
}

/// Asks for the versions; where there is nothing to settle any more, the dialog closes.
async fn load(app: App, node: NodeId, found: RwSignal<Option<Found>>) {
    let answer = match engine::call(Command::Versions { node }).await {
        Ok(Reply::Versions { versions, .. }) if versions.len() < 2 => {
            if !found.is_disposed() {
                app.dialog.set(None);
            }
            return;
        }
        Ok(Reply::Versions { path, versions }) => Ok((path, versions)),
        Ok(_) => Err(Fault::Internal),
        Err(fault) => Err(fault),
    };
    found.try_set(Some(answer));
    timer::rendered().await;
    dom::focus("dialog .button.primary");
}

fn pair(
    app: App,
    node: NodeId,
    name: &str,
    path: &[Crumb],
    versions: &[Version],
    found: RwSignal<Option<Found>>,
) -> AnyView {
    let [left, right, rest @ ..] = versions else { return ().into_any() };
    let settle = move |keep, other, choice| {
        spawn_local(async move {
            match engine::call(Command::Settle { node, keep, other, choice }).await {
                Ok(Reply::Changed { action, count }) => {
                    app.done(Msg::Settled(count), Some(action));
                }
                Ok(_) => {}
                Err(fault) => app.failed(&fault),
            }
            load(app, node, found).await;
        });
    };
    let (first, second) = (left.id, right.id);
    let names: Vec<String> = path.iter().map(|crumb| crumb_name(app, crumb)).collect();
    let texts = (left.text && right.text).then(|| differing(app, node, name, left, right));
    let more = rest.len() as u32;
    view! {
        <p class="hint">{names.join(" / ")}</p>
        <div class="versions">
            {side(app, node, name, left, move || settle(first, second, Choice::KeepOne))}
            {side(app, node, name, right, move || settle(second, first, Choice::KeepOne))}
        </div>
        {texts}
        {(more > 0).then(|| view! { <p class="hint">{app.t(Msg::MoreVersions(more))}</p> })}
        <div class="dialog-actions">
            <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Later)}
            </button>
            <button
                type="button"
                class="button primary"
                on:click=move |_| settle(first, second, Choice::KeepBoth)
            >
                {app.t(Msg::KeepBoth)}
            </button>
        </div>
    }
    .into_any()
}

/// One version: by whom, when, how large, and a picture of it.
fn side(
    app: App,
    node: NodeId,
    name: &str,
    version: &Version,
    keep: impl Fn() + Send + 'static,
) -> AnyView {
    let label = version.device_name.clone();
    let kind = measure::extension(name);
    let kind = if kind.is_empty() { app.t(Msg::File) } else { app.t(Msg::FileOf(&kind)) };
    let facts = [app.time(version.modified_ms), measure::bytes(version.size), kind].join(" · ");
    let picture = (!version.text).then(|| drawn(app, node, name, version));
    view! {
        <section class="version stack" aria-label=label.clone()>
            <h3>{label.clone()}</h3>
            <p class="hint">{facts}</p>
            {version.shown.then(|| view! { <p class="hint">{app.t(Msg::ShownInList)}</p> })}
            {picture}
            <button type="button" class="button" on:click=move |_| keep()>
                {app.t(Msg::KeepThis)}
            </button>
        </section>
    }
    .into_any()
}

/// The picture that a version is, if it is one.
fn drawn(app: App, node: NodeId, name: &str, version: &Version) -> AnyView {
    if !revision::is_picture(name, Some(version.size)) {
        return revision::none(app);
    }
    let blob = RwSignal::new_local(None);
    let (id, name) = (version.id, name.to_owned());
    spawn_local(async move {
        let read = revision::read(node, id).await;
        blob.try_set(Some(read));
    });
    (move || match blob.get() {
        None => ().into_any(),
        Some(Ok(blob)) => revision::picture(app, &name, &blob),
        Some(Err(fault)) => view! { <p class="hint">{app.t(Msg::Fault(&fault))}</p> }.into_any(),
    })
    .into_any()
}

/// The difference between two texts.
fn differing(app: App, node: NodeId, name: &str, left: &Version, right: &Version) -> AnyView {
    let texts = RwSignal::new(None::<Result<(String, String), Fault>>);
    let (first, second, name) = (left.id, right.id, name.to_owned());
    spawn_local(async move {
        let read = async {
            let first = revision::read_text(node, first).await?;
            Ok((first, revision::read_text(node, second).await?))
        };
        let read = read.await;
        texts.try_set(Some(read));
    });
    view! {
        <p class="hint">{app.t(Msg::Differing)}</p>
        {move || match texts.get() {
            None => ().into_any(),
            Some(Ok((left, right))) => revision::difference(app, name.clone(), left, right),
            Some(Err(fault)) => view! { <p class="hint">{app.t(Msg::Fault(&fault))}</p> }.into_any(),
        }}
    }
    .into_any()
}
