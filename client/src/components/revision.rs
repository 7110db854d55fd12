//! What a file was at some time, shown: a text by its difference, a picture as it is.

use js_sys::Array;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Fault, RevisionId};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStream};

use crate::app::App;
use crate::editor::difference::Difference;
use crate::i18n::Msg;
use crate::platform::{download, engine};
use crate::state::measure;
use crate::state::revisions::picture_type;

/// A picture that is larger than this is not drawn.
const PICTURE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Says whether a file of this name and size is drawn.
pub(crate) fn is_picture(name: &str, size: Option<u64>) -> bool {
    let small = size.is_some_and(|size| size <= PICTURE_BYTES_MAX);
    small && picture_type(&measure::extension(name)).is_some()
}

/// Reads a state of a file.
pub(crate) async fn read(node: NodeId, revision: RevisionId) -> Result<Blob, Fault> {
    let command = Command::OpenRevision { node, revision };
    let answer = engine::call_with(command, &Array::new()).await?;
    let stream = answer.extra.dyn_into::<ReadableStream>().map_err(|_| Fault::Internal)?;
    let blob = download::gather(&stream).await;
    // The stream breaks off where a part of the file cannot be had.
    blob.map_err(|_| Fault::Offline)
}

/// Reads a state of a text.
pub(crate) async fn read_text(node: NodeId, revision: RevisionId) -> Result<String, Fault> {
    let text = JsFuture::from(read(node, revision).await?.text()).await;
    text.ok().and_then(|text| text.as_string()).ok_or(Fault::Internal)
}

/// Shows how a text became another.
pub(crate) fn difference(app: App, name: String, before: String, after: String) -> AnyView {
    let place = NodeRef::<html::Div>::new();
    let shown = StoredValue::new_local(None::<Difference>);
    let same = before == after;
    Effect::new(move |_| {
        let Some(place) = place.get() else { return };
        let (name, before, after) = (name.clone(), before.clone(), after.clone());
        spawn_local(async move {
            let made = Difference::open(app, &place, &name, &before, &after).await;
            match made {
                Ok(made) => drop(shown.try_set_value(Some(made))),
                Err(error) => leptos::logging::error!("{error:?}"),
            }
        });
    });
    on_cleanup(move || drop(shown.try_update_value(Option::take)));
    view! {
        {same.then(|| view! { <p class="hint">{app.t(Msg::NoDifference)}</p> })}
        <div class="difference" node_ref=place></div>
    }
    .into_any()
}

/// Draws a picture.
pub(crate) fn picture(app: App, name: &str, blob: &Blob) -> AnyView {
    let kind = picture_type(&measure::extension(name)).unwrap_or_default();
    let typed = blob.slice_with_f64_and_f64_and_content_type(0.0, blob.size(), kind);
    let url = typed.and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob));
    let Ok(url) = url else { return none(app) };
    let broken = RwSignal::new(false);
    let address = url.clone();
    on_cleanup(move || drop(web_sys::Url::revoke_object_url(&address)));
    let name = name.to_owned();
    (move || {
        if broken.get() {
            return none(app);
        }
        view! {
            <img class="picture" src=url.clone() alt=name.clone() on:error=move |_| broken.set(true) />
        }
        .into_any()
    })
    .into_any()
}

/// Says that there is nothing to show.
pub(crate) fn none(app: App) -> AnyView {
    view! { <p class="hint no-preview">{app.t(Msg::NoExcerpt)}</p> }.into_any()
}
