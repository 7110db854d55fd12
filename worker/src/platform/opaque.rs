//! OPAQUE in a module of its own that comes when it is asked for: signing in is needed once
//! in months, and what it takes would make every start longer.
//!
//! The worker's script offers `offingOpaque()`, which loads the module (`bin/opaque.rs`)
//! and answers with what it exports.

use js_sys::{Array, Uint8Array};
use offing_core::proto::{Code, SecretKind};
use offing_core::rpc::Fault;
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use super::{js, random};
use crate::proof::opaque::{Finished, Opaque, OpaqueError};

/// The loaded module.
#[derive(Debug)]
pub struct Module(JsValue);

impl Module {
    /// Loads the module, unless it is loaded.
    pub async fn load() -> Result<Self, OpaqueError> {
        let module = js::call_async(&js_sys::global(), "offingOpaque", &[]).await;
        module.map(Self).map_err(|_| OpaqueError::NotLoaded)
    }

    fn start(
        &self,
        function: &str,
        arguments: &[JsValue],
    ) -> Result<(JsValue, Vec<u8>), OpaqueError> {
        let started = js::call(&self.0, function, arguments);
        if let Some(secret) = arguments.last() {
            wipe(secret);
        }
        let started = started.map_err(|error| from_js(&error))?;
        let request = js::call(&started, "request", &[]).map_err(|error| from_js(&error))?;
        Ok((started, js::to_bytes(&request)))
    }
}

impl Opaque for Module {
    type Started = JsValue;

    fn register(&mut self, secret: &[u8]) -> Result<(JsValue, Vec<u8>), OpaqueError> {
        self.start("register", &[js::to_js(secret).into()])
    }

    fn sign_in(
        &mut self,
        kind: SecretKind,
        secret: &[u8],
    ) -> Result<(JsValue, Vec<u8>), OpaqueError> {
        let by_recovery = (kind == SecretKind::Recovery).into();
        self.start("sign_in", &[by_recovery, js::to_js(secret).into()])
    }

    fn finish(&mut self, started: JsValue, response: &[u8]) -> Result<Finished, OpaqueError> {
        let done = js::call(&started, "finish", &[js::to_js(response).into()]);
        let done: Array = done.map_err(|error| from_js(&error))?.unchecked_into();
        let key = done.get(1);
        let export_key = Zeroizing::new(js::to_bytes(&key));
        wipe(&key);
        Ok(Finished { message: js::to_bytes(&done.get(0)), export_key })
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        random::array()
    }
}

/// Has a script of the page ask the person for the second factor of a sign-in, and prove it.
pub(crate) async fn ask_factor(login: &str) -> Result<(), Fault> {
    let proved = js::call_async(&js_sys::global(), "offingFactor", &[login.into()]).await;
    let proved = proved.is_ok_and(|proved| proved.is_truthy());
    if proved { Ok(()) } else { Err(Fault::Server(Code::SecondFactor)) }
}

/// Leaves no secret in what is garbage of JavaScript's from here on.
fn wipe(bytes: &JsValue) {
    let bytes: &Uint8Array = bytes.unchecked_ref();
    bytes.fill(0, 0, bytes.length());
}

/// The module throws true for a wrong secret.
fn from_js(error: &JsValue) -> OpaqueError {
    if error.as_bool() == Some(true) { OpaqueError::WrongSecret } else { OpaqueError::Failed }
}
