//! Icons, from the one sprite that the build makes.

use leptos::prelude::*;

use crate::platform::dom;

/// Shows an icon; it says nothing to a screen reader.
pub(crate) fn icon(name: &'static str) -> impl IntoView {
    let href = format!("{}#{name}", dom::asset("icons").unwrap_or_default());
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use_ href=href></use_>
        </svg>
    }
}

/// A button with an icon and a name; the name is a tip too where the look may hide it
/// (classes `icon-only` and `folds`).
pub(crate) fn button(
    name: String,
    icon_name: &'static str,
    class: &'static str,
    disabled: impl Fn() -> bool + Send + 'static,
    act: impl Fn() + 'static,
) -> AnyView {
    boxed(name, icon_name, class, Box::new(disabled), Box::new(act))
}

/// The one body of all buttons: a copy for each is a kilobyte of the page.
fn boxed(
    name: String,
    icon_name: &'static str,
    class: &'static str,
    disabled: Box<dyn Fn() -> bool + Send>,
    act: Box<dyn Fn()>,
) -> AnyView {
    let icon_only = class.contains("icon-only");
    let label = icon_only.then(|| name.clone());
    let title = (icon_only || class.contains("folds")).then(|| name.clone());
    view! {
        <button
            type="button"
            class=class
            aria-label=label
            title=title
            prop:disabled=disabled
            on:click=move |_| act()
        >
            {icon(icon_name)}
            {(!icon_only).then(|| view! { <span>{name}</span> })}
        </button>
    }
    .into_any()
}
