//! A new version of the app: noticed, and taken over when a person agrees.
//!
//! The browser installs a new service worker beside the old one, which waits until it is
//! told or until the old one's tabs are gone. A tab whose service worker was exchanged by
//! another tab goes on with what it has loaded and only offers to reload.

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::ServiceWorkerContainer;

use super::timer;

/// How often the server is asked for a new version at most.
const ASK_MS: f64 = 60.0 * 60.0 * 1_000.0;
/// How long a new version is given to take over.
const TAKE_OVER_MS: u32 = 10_000;

/// Calls back when a new version waits, or has taken over from the one this page is of.
pub(crate) fn watch(ready: impl Fn() + Clone + 'static) {
    leptos::task::spawn_local(async move {
        // Nothing to update where there is no service worker.
        drop(listen(ready).await);
    });
}

async fn listen(ready: impl Fn() + Clone + 'static) -> Result<(), JsValue> {
    let container = container()?;
    // The first service worker of a browser takes over too, and is no update.
    if container.controller().is_some() {
        let ready = ready.clone();
        on(&container, "controllerchange", ready)?;
    }
    let registration = registration(&container).await?;
    if is_there(&registration, "waiting") && container.controller().is_some() {
        ready();
    }
    let found = registration.clone();
    on(&registration, "updatefound", move || {
        let Ok(installing) = Reflect::get(&found, &"installing".into()) else {
            return;
        };
        let (found, ready) = (found.clone(), ready.clone());
        let changed = move || {
            let is_update = window().navigator().service_worker().controller().is_some();
            if is_there(&found, "waiting") && is_update {
                ready();
            }
        };
        if installing.is_object() {
            on(&installing, "statechange", changed).ok();
        }
    })?;
    // A page that stays open for days asks now and then, when somebody comes back to it.
    let last = std::cell::Cell::new(js_sys::Date::now());
    on(&window(), "focus", move || {
        if js_sys::Date::now() - last.get() > ASK_MS {
            last.set(js_sys::Date::now());
            ask(&registration);
        }
    })
}

/// Lets the version that waits take over and loads the page anew.
///
/// The browser lets the old service worker come to rest first, and a request that wakes it
/// right then makes Chromium forget that another one waits. So the caller ends its engine
/// before. Where another tab's keeps the old version awake, the page comes back with that
/// one, and offers again.
pub(crate) async fn take_over() -> Result<(), JsValue> {
    let container = container()?;
    let registration = registration(&container).await?;
    let waiting = Reflect::get(&registration, &"waiting".into())?;
    if waiting.is_object() {
        on(&container, "controllerchange", || {
            // Nothing is left to do for a page that cannot reload.
            window().location().reload().ok();
        })?;
        let message = Object::new();
        Reflect::set(&message, &"type".into(), &"activate".into())?;
        waiting.unchecked_into::<web_sys::ServiceWorker>().post_message(&message)?;
        timer::pause(TAKE_OVER_MS).await;
    }
    window().location().reload()
}

fn container() -> Result<ServiceWorkerContainer, JsValue> {
    Reflect::get(&window().navigator(), &"serviceWorker".into())?.dyn_into()
}

async fn registration(container: &ServiceWorkerContainer) -> Result<JsValue, JsValue> {
    let ready: Promise = Reflect::get(container, &"ready".into())?.dyn_into()?;
    JsFuture::from(ready).await
}

fn is_there(registration: &JsValue, which: &str) -> bool {
    Reflect::get(registration, &which.into()).is_ok_and(|worker| worker.is_object())
}

fn ask(registration: &JsValue) {
    let update = Reflect::get(registration, &"update".into());
    let asked = update.and_then(|update| update.dyn_into::<Function>()?.call0(registration));
    if let Some(promise) = asked.ok().and_then(|asked| asked.dyn_into::<Promise>().ok()) {
        // A server that is away is asked again another time.
        leptos::task::spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}

/// Listens for as long as the page lives.
fn on(target: &JsValue, event: &str, call: impl Fn() + 'static) -> Result<(), JsValue> {
    let call = Closure::<dyn Fn()>::new(call);
    let target: &web_sys::EventTarget = target.unchecked_ref();
    target.add_event_listener_with_callback(event, call.as_ref().unchecked_ref())?;
    call.forget();
    Ok(())
}
