//! Small things asked of the document.

use std::cell::RefCell;

use js_sys::{Array, Function};
use leptos::prelude::{StoredValue, UpdateValue, document, on_cleanup, window};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent, ResizeObserver};

use crate::state::keys::Key;

/// Reads the address of an asset that the build wrote on `<html>`.
pub(crate) fn asset(name: &str) -> Option<String> {
    root()?.dataset().get(name).filter(|url| !url.is_empty())
}

/// Sets the language of the document.
pub(crate) fn set_language(tag: &str) {
    if let Some(root) = root() {
        root.set_lang(tag);
    }
}

/// Says whether text is being typed into what has the focus.
pub(crate) fn is_typing() -> bool {
    let Some(focused) = document().active_element() else {
        return false;
    };
    // The editor's text is inside a shadow root, whose host has the focus.
    matches!(focused.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        || focused.shadow_root().is_some()
        || focused.closest("[contenteditable=true]").ok().flatten().is_some()
}

/// Says whether a dialog is open.
pub(crate) fn has_dialog() -> bool {
    document().query_selector("dialog[open]").ok().flatten().is_some()
}

/// Gives the focus to the first element that a selector finds.
pub(crate) fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.focus().ok();
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            input.select();
        }
    }
}

/// Takes the focus so many places on among the elements that a selector finds; from
/// elsewhere to the first. It stays inside.
pub(crate) fn focus_next(selector: &str, by: i64) {
    let Ok(all) = document().query_selector_all(selector) else {
        return;
    };
    let focused = document().active_element();
    let here = (0..all.length()).find(|place| {
        all.get(*place).as_ref() == focused.as_ref().map(|element| element.unchecked_ref())
    });
    let next =
        here.map_or(0, |place| (i64::from(place) + by).clamp(0, i64::from(all.length()) - 1));
    if let Some(element) = all.get(next as u32) {
        element.unchecked_ref::<HtmlElement>().focus().ok();
    }
}

/// Presses the first element that a selector finds.
pub(crate) fn click(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Calls back whenever an observed element changes its size, until the page's owner is
/// cleaned up.
pub(crate) fn watch_size(changed: impl FnMut() + 'static) -> Option<ResizeObserver> {
    let call = Closure::<dyn FnMut()>::new(changed);
    let observer = ResizeObserver::new(call.as_ref().unchecked_ref()).ok()?;
    let kept = StoredValue::new_local(Some((observer.clone(), call)));
    on_cleanup(move || {
        if let Some((observer, _)) = kept.try_update_value(Option::take).flatten() {
            observer.disconnect();
        }
    });
    Some(observer)
}

/// Gives the focus to the row of the list that the keys are at.
pub(crate) fn focus_list() {
    focus("[role=grid] [tabindex='0']");
}

/// Says whether messages have the focus, so that they must not go.
pub(crate) fn is_in_messages() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|focused| focused.closest(".toasts").ok().flatten().is_some())
}

/// Says whether nothing has the focus.
pub(crate) fn is_idle() -> bool {
    focused().is_none_or(|focused| focused.tag_name() == "BODY")
}

/// What has the focus.
pub(crate) fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

/// The element that an event happened to, if it is an element.
pub(crate) fn target(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// Takes a key event for a key of ours.
pub(crate) fn with_key<T>(event: &KeyboardEvent, take: impl FnOnce(Key<'_>) -> T) -> T {
    let name = event.key();
    take(Key {
        key: &name,
        ctrl: event.ctrl_key() || event.meta_key(),
        shift: event.shift_key(),
        alt: event.alt_key(),
    })
}

/// Reads a preference of this browser.
pub(crate) fn preference(name: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(name).ok().flatten()
}

/// Keeps a preference; where the browser refuses, it lasts as long as the page.
pub(crate) fn keep_preference(name: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        storage.set_item(name, value).ok();
    }
}

/// Marks a moment for measurements.
pub(crate) fn mark(name: &str) {
    if let Some(clock) = window().performance() {
        clock.mark(name).ok();
    }
}

fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}

/// The height of a row of a list, as the style sheet has it at this width.
pub(crate) fn row_px() -> f64 {
    let style = root().and_then(|root| window().get_computed_style(&root).ok().flatten());
    style
        .and_then(|style| style.get_property_value("--row").ok())
        // The browser's own, which passes over spaces and the unit.
        .map(|value| js_sys::parse_float(&value))
        .filter(|px| px.is_finite())
        .unwrap_or(44.0)
}

/// The height of what the window shows.
pub(crate) fn height_px() -> f64 {
    let height = window().inner_height().ok().and_then(|height| height.as_f64());
    height.filter(|height| height.is_finite()).unwrap_or(1_000.0).clamp(0.0, 10_000.0)
}

/// Says whether fingers, and no mouse, are what this device is used with.
pub(crate) fn is_for_fingers() -> bool {
    matches("(hover: none)")
}

/// Says whether the window is as narrow as a phone's.
pub(crate) fn is_narrow() -> bool {
    matches("(max-width: 639px)")
}

fn matches(query: &str) -> bool {
    let query = window().match_media(query).ok().flatten();
    query.is_some_and(|query| query.matches())
}

/// Says whether an event came from a finger or a pen.
pub(crate) fn is_touch(event: &web_sys::MouseEvent) -> bool {
    let kind = js_sys::Reflect::get(event, &"pointerType".into()).ok();
    kind.and_then(|kind| kind.as_string()).is_some_and(|kind| kind == "touch" || kind == "pen")
}

/// Prints a time, milliseconds since 1970, in a language and the browser's zone.
pub(crate) fn time(language: &str, ms: i64) -> String {
    thread_local! {
        // To make one takes longer than all else in a row of a list.
        static CLOCK: RefCell<Option<(String, Function)>> = const { RefCell::new(None) };
    }
    let date = JsValue::from_f64(ms as f64);
    CLOCK.with_borrow_mut(|known| {
        if known.as_ref().is_none_or(|(of, _)| of != language) {
            *known = Some((language.to_owned(), clock(language)));
        }
        let printed = known.as_ref().and_then(|(_, print)| print.call1(&JsValue::NULL, &date).ok());
        printed.and_then(|text| text.as_string()).unwrap_or_default()
    })
}

/// What prints times in a language and the browser's zone.
fn clock(language: &str) -> Function {
    let options = js_sys::Object::new();
    for (key, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        // Setting a field of a plain object cannot fail.
        js_sys::Reflect::set(&options, &key.into(), &value.into()).ok();
    }
    // The person's own region, if it is one of this language.
    let own = window().navigator().language().unwrap_or_default();
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
    let tag = if primary(&own) == primary(language) { &own } else { language };
    js_sys::Intl::DateTimeFormat::new(&Array::of1(&tag.into()), &options).format()
}
