//! The two secrets of an account, password and recovery code, and the kit that holds the code.
//!
//! Setting one is a sign-in with the password followed by a registration of the new secret,
//! under whose export key the account master key is sealed again. The server remembers
//! whether the kit was read back, so that every device can ask for it.

use offing_core::account::recovery::RecoveryCode;
use offing_core::proto::{SecretFinish, SecretKind, SecretStart};
use offing_core::rpc::Fault;
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;

use super::{Opened, Profile, known_device, prove, save_profile};
use crate::host::Host;
use crate::host::browser::BrowserHost;
use crate::net::fetch::Api;
use crate::platform::opaque::Module;
use crate::platform::random;
use crate::platform::webcrypto::WebCrypto;
use crate::proof::opaque::Opaque;
use crate::proof::{Proved, check_password, from_opaque, slot};
use crate::replica::fault::from_net;

/// The person whose secrets are changed, apart from the session so that it stays usable.
pub struct Owner {
    host: BrowserHost,
    profile: Profile,
    device: JsValue,
}

impl Owner {
    /// The person of a session.
    pub fn of(opened: &Opened) -> Self {
        Self {
            host: opened.host.clone(),
            profile: opened.profile.clone(),
            device: opened.host.device(),
        }
    }

    /// Checks the recovery code that was read back, and records that it was.
    pub async fn confirm_kit(mut self, api: &Api, code: &str) -> Result<Profile, Fault> {
        let code: RecoveryCode = code.parse().map_err(|_| Fault::CodeMismatch)?;
        if self.profile.kit_check != kit_check(&code) {
            return Err(Fault::CodeMismatch);
        }
        api.confirm_kit().await.map_err(|e| from_net(&e))?;
        self.profile.kit_confirmed = true;
        self.profile.kit_check = Vec::new();
        save_profile(self.host.store(), &self.profile).await?;
        Ok(self.profile)
    }

    /// Makes a new recovery code, which voids the one before.
    pub async fn new_kit(
        mut self,
        api: &Api,
        password: &str,
    ) -> Result<(Profile, RecoveryCode), Fault> {
        let proved = self.prove(api, password).await?;
        let code = RecoveryCode::new(random::array());
        set(api, &proved, SecretKind::Recovery, code.secret()).await?;
        self.profile.kit_confirmed = false;
        self.profile.kit_check = kit_check(&code);
        save_profile(self.host.store(), &self.profile).await?;
        Ok((self.profile, code))
    }

    /// Sets a new password.
    pub async fn change_password(
        self,
        api: &Api,
        password: &str,
        new_password: &str,
    ) -> Result<(), Fault> {
        check_password(new_password)?;
        let proved = self.prove(api, password).await?;
        set(api, &proved, SecretKind::Password, new_password.as_bytes()).await
    }

    /// Proves the password, after which the server takes the session for a fresh one.
    pub async fn prove(&self, api: &Api, password: &str) -> Result<Proved, Fault> {
        let (username, kind) = (self.profile.username.clone(), SecretKind::Password);
        let device = known_device(&self.device).await?;
        Ok(prove(api, username, kind, password.as_bytes(), device).await?.proved)
    }
}

/// Sets a secret of the account that was just proved.
pub(super) async fn set(
    api: &Api,
    proved: &Proved,
    kind: SecretKind,
    secret: &[u8],
) -> Result<(), Fault> {
    let mut opaque = Module::load().await.map_err(from_opaque)?;
    let (registration, request) = opaque.register(secret).map_err(from_opaque)?;
    let start = SecretStart { kind, request: request.into() };
    let started = api.secret_start(&start).await.map_err(|e| from_net(&e))?;
    let registered = opaque.finish(registration, &started.response.0).map_err(from_opaque)?;
    let account = proved.started.record.account;
    let key = &registered.export_key;
    let salt = random::array();
    let slot = slot(&WebCrypto::new(), &salt, key, &account, kind, &proved.master).await?;
    let finish = SecretFinish { kind, upload: registered.message.into(), slot };
    api.secret_finish(&finish).await.map_err(|e| from_net(&e))
}

/// What is kept of a code, to check what is read back.
pub(super) fn kit_check(code: &RecoveryCode) -> Vec<u8> {
    Sha256::digest(code.secret()).to_vec()
}
