//! Signing in and out.

use std::rc::Rc;

use offing_core::crypto::SigningPair;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::NativeCrypto;
use offing_core::proto::{Code, DeviceBinding, SecretKind};
use offing_core::rpc::Fault;
use offing_worker::enrol::{self, NewDevice};
use offing_worker::net::api::Api;
use offing_worker::proof::{self, Proved};
use offing_worker::store::Store as _;
use offing_worker::store::chunks::ChunkStore as _;
use rand::rngs::OsRng;

use crate::drive::{Drive, Heard};
use crate::failure::Failure;
use crate::host::NativeHost;
use crate::profile::{Profile, SignedIn};
use crate::wire::Wire;

/// Asks for a code of a second factor; whether the one before was wrong. `None` if there is nobody to ask.
pub type AskCode<'a> = &'a dyn Fn(bool) -> Option<String>;

/// Signs in and makes this profile a device of the account. Where the same person is signed in
/// already, the session begins anew and all that is here stays.
pub async fn log_in(
    profile: &Profile,
    server: &str,
    username: &str,
    password: &str,
    device_name: &str,
    ask_code: AskCode<'_>,
) -> Result<Drive, Failure> {
    let wire = profile.wire(server)?;
    let held = profile.signed_in()?;
    if let Some(held) = &held
        && !(held.username == username && held.server == wire.server())
    {
        let SignedIn { username, server, .. } = held.clone();
        return Err(Failure::OtherAccount { username, server });
    }
    let device = if held.is_some() { profile.device()? } else { Profile::new_device() };
    let api = Api::new(wire.clone());
    let secret = (SecretKind::Password, password.as_bytes());
    let (crypto, binding) = (NativeCrypto, binding(&device));
    let factor = async |login: &str| -> Result<(), Fault> {
        let mut was_wrong = false;
        // The server ends it after some.
        loop {
            let code = ask_code(was_wrong).ok_or(Fault::Server(Code::SecondFactor))?;
            if proof::answer_factor(&api, login, code).await? {
                return Ok(());
            }
            was_wrong = true;
        }
    };
    let proved = proof::sign_in(&api, &crypto, &mut OsRng, username, secret, binding, factor).await;
    let proved = proved.map_err(|fault| unreached(fault, &wire))?;
    if held.is_some() {
        return Drive::open(profile).await;
    }
    settle(profile, api, username, &proved, &device, device_name).await
}

/// Makes this profile a device of an account that was just proved.
pub async fn settle(
    profile: &Profile,
    api: Api<Wire>,
    username: &str,
    proved: &Proved,
    device: &SigningPair,
    device_name: &str,
) -> Result<Drive, Failure> {
    let (store, chunks) = profile.stores()?;
    // What a sign-in that was broken off left behind.
    store.clear().await?;
    chunks.clear().await?;
    let signing = NativeCrypto.import_signing(device).await.map_err(|_| Fault::Internal)?;
    let host = NativeHost::new(store, chunks, api.clone(), profile.minted());
    let new = NewDevice { public: device.public, signing: &signing, name: device_name };
    let heard = Rc::<Heard>::default();
    let settled = enrol::settle(host, &api, proved, &new, heard.listener()).await;
    let (replica, _) = settled.map_err(|fault| unreached(fault, api.transport()))?;
    let signed_in = SignedIn {
        server: api.transport().server().to_owned(),
        username: username.to_owned(),
        identity: replica.identity(),
    };
    profile.keep_keys(&proved.master, device)?;
    profile.keep_signed_in(&signed_in)?;
    Drive::begin(replica, api, signed_in, heard).await
}

/// Ends the session and forgets all that is here; refuses to lose what is not on the server,
/// unless it is told to.
pub async fn log_out(profile: &Profile, force: bool) -> Result<(), Failure> {
    let signed_in = profile.signed_in()?.ok_or(Failure::SignedOut)?;
    if force {
        // Whether the server hears of it or not.
        Api::new(profile.wire(&signed_in.server)?).sign_out().await.ok();
        return profile.forget();
    }
    let drive = Drive::open(profile).await?;
    let settled = drive.settle().await;
    let pending = drive.replica.unsynced().await?;
    if pending > 0 {
        return Err(Failure::Unsynced { pending });
    }
    // An ended session needs no end; a server that is away would keep one.
    if !matches!(settled, Err(Failure::SessionEnded { .. })) {
        settled?;
        drive.replica.close();
        let ended = drive.api.sign_out().await;
        ended.map_err(|_| unreached(Fault::Offline, drive.api.transport()))?;
    }
    drop(drive);
    profile.forget()
}

/// A device as the server knows it.
pub fn binding(device: &SigningPair) -> DeviceBinding {
    DeviceBinding { device: device.public.device_id(), public: device.public.0.to_vec().into() }
}

/// Says of a server that cannot be reached why that is.
fn unreached(fault: Fault, wire: &Wire) -> Failure {
    if fault != Fault::Offline {
        return fault.into();
    }
    let cause = wire.trouble().unwrap_or_else(|| "it cannot serve now".to_owned());
    Failure::Offline { server: wire.server().to_owned(), cause, pending: 0 }
}
