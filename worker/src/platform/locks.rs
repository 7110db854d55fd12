//! Web Locks: one holder at a time over all tabs and the service worker.
//!
//! A [`Lock`] is held until it is dropped, or until its worker ends. Where the browser has
//! no locks (old ones only), every request is granted, since there is no better way.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;

use super::js;

/// Who else may hold the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody.
    Exclusive,
    /// Others who ask for the same mode.
    Shared,
}

/// What to do while someone else holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Wait for it.
    ForIt,
    /// Do without it.
    IfFree,
}

type OnGrant = Closure<dyn FnMut(JsValue) -> JsValue>;

/// A lock that is held.
#[derive(Debug)]
pub struct Lock {
    release: Option<Function>,
}

impl Lock {
    /// Acquires the lock; `None` if it was not free and the caller does not wait.
    pub async fn acquire(name: &str, mode: Mode, wait: Wait) -> Option<Self> {
        let navigator = js::global("navigator")?;
        let locks = js::property(&navigator, "locks");
        if locks.is_undefined() {
            return Some(Self { release: None });
        }
        // The outer promise tells that the lock was granted or not; the inner one, which
        // the browser waits for, is settled by dropping the handle.
        let request: Rc<RefCell<Option<OnGrant>>> = Rc::default();
        let granted = Promise::new(&mut |resolve, reject| {
            let on_grant = OnGrant::new(move |lock: JsValue| {
                if lock.is_null() {
                    let _ = resolve.call1(&JsValue::NULL, &JsValue::NULL);
                    return JsValue::UNDEFINED;
                }
                let resolve = resolve.clone();
                Promise::new(&mut |release, _| {
                    let _ = resolve.call1(&JsValue::NULL, &release);
                })
                .into()
            });
            let mode = match mode {
                Mode::Exclusive => "exclusive",
                Mode::Shared => "shared",
            };
            let options = js::object(&[
                ("mode", mode.into()),
                ("ifAvailable", (wait == Wait::IfFree).into()),
            ]);
            let callback = on_grant.as_ref().clone();
            match js::call(&locks, "request", &[name.into(), options, callback]) {
                // A worker that is being ended rejects; then nobody waits for the answer.
                Ok(promise) => {
                    if let Ok(promise) = promise.dyn_into::<Promise>() {
                        let ignore = Closure::once_into_js(|_: JsValue| {});
                        let _ = js::call(&promise, "catch", &[ignore]);
                    }
                }
                Err(error) => {
                    let _ = reject.call1(&JsValue::NULL, &error);
                }
            }
            *request.borrow_mut() = Some(on_grant);
        });
        let release = JsFuture::from(granted).await.ok()?;
        drop(request);
        release.dyn_into::<Function>().ok().map(|release| Self { release: Some(release) })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::NULL);
        }
    }
}
