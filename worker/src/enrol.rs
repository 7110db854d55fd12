//! How a device gets its place in a vault: by founding it, or by joining it.
//!
//! Both leave on the device all that [`Replica::open`](crate::replica::Replica::open) needs,
//! and the device's introduction in the outbox, so that others learn its name.

use std::rc::Rc;

use offing_core::account;
use offing_core::account::device::DeviceCertificate;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::{PublicKey, RawKey};
use offing_core::id::{AccountId, VaultId};
use offing_core::log::epoch::{self, Genesis, NewVault};
use offing_core::log::verify::LogState;
use offing_core::rpc::{Event, Fault};

use crate::host::{Host, Keys};
use crate::net::api::Api;
use crate::net::call::Transport;
use crate::proof::Proved;
use crate::replica::{Identity, Replica, fault};
use crate::store::{Batch, Durability, Store};

/// Who enrols: an account that was just opened, and a device that was just made.
pub struct Enrolment<'a, C: Crypto> {
    /// The account.
    pub account: AccountId,
    /// Its public identity.
    pub identity: PublicKey,
    /// Its private identity, which certifies the device; needed only here.
    pub identity_signing: &'a C::SigningKey,
    /// Its master key.
    pub master: &'a C::Secret,
    /// The device's public key.
    pub device: PublicKey,
    /// The device's private key.
    pub device_signing: &'a C::SigningKey,
    /// What people call the device.
    pub device_name: &'a str,
}

impl<C: Crypto> Enrolment<'_, C> {
    async fn certify(&self, crypto: &C) -> Result<DeviceCertificate, Fault> {
        let issued =
            DeviceCertificate::issue(crypto, self.identity_signing, self.account, self.device);
        issued.await.map_err(|_| Fault::Internal)
    }

    fn who(&self, vault: VaultId) -> Identity {
        Identity {
            account: self.account,
            vault,
            device: self.device.device_id(),
            device_name: self.device_name.to_owned(),
        }
    }

    fn keys(&self) -> Keys<C> {
        Keys { account: self.master.clone(), signing: self.device_signing.clone() }
    }
}

/// A device that was just made, and what people call it.
pub struct NewDevice<'a, C: Crypto> {
    /// Its public key.
    pub public: PublicKey,
    /// Its private key.
    pub signing: &'a C::SigningKey,
    /// Its name.
    pub name: &'a str,
}

/// Makes a device one of the account's: opens its vault, or founds it where there is none.
/// The master key comes with it as the platform holds it, to be kept.
pub async fn settle<H: Host, T: Transport>(
    host: H,
    api: &Api<T>,
    proved: &Proved,
    device: &NewDevice<'_, H::Crypto>,
    events: Box<dyn Fn(Event)>,
) -> Result<(Rc<Replica<H>>, <H::Crypto as Crypto>::Secret), Fault> {
    let record = &proved.started.record;
    let crypto = host.crypto();
    let public = PublicKey::from_slice(&record.identity_public.0).ok_or(Fault::CannotOpen)?;
    let master = proved.master.import(crypto).await.map_err(|_| Fault::Unsupported)?;
    let sealed = &record.identity_sealed.0;
    let identity = account::open_identity(crypto, &master, &record.account, &public, sealed)
        .await
        .map_err(|_| Fault::CannotOpen)?;
    let who = Enrolment {
        account: record.account,
        identity: public,
        identity_signing: &identity,
        master: &master,
        device: device.public,
        device_signing: device.signing,
        device_name: device.name,
    };
    let replica = match proved.started.vaults.first() {
        Some(vault) => enter(host, &who, *vault, None, events).await?,
        None => {
            let genesis = found(&host, &who).await?;
            let created = api.create_vault(genesis.vault, &genesis.entry.encode()).await;
            created.map_err(|e| fault::from_net(&e))?;
            enter(host, &who, genesis.vault, Some(&genesis), events).await?
        }
    };
    Ok((replica, master))
}

/// Makes a vault: its genesis entry, to be given to the server before anything else.
pub async fn found<H: Host>(host: &H, who: &Enrolment<'_, H::Crypto>) -> Result<Genesis, Fault> {
    let crypto = host.crypto();
    let new = NewVault {
        account: who.account,
        identity: who.identity,
        master: who.master,
        certificate: who.certify(crypto).await?,
        signing: who.device_signing,
        secret: RawKey::new(host.random()),
        salt: host.random(),
    };
    epoch::create_vault(crypto, new).await.map_err(|_| Fault::Internal)
}

/// Opens a vault that the server holds, on this device: reads and verifies its log, and
/// introduces the device. `genesis` is given by the device that founded it.
pub async fn enter<H: Host>(
    host: H,
    who: &Enrolment<'_, H::Crypto>,
    vault: VaultId,
    genesis: Option<&Genesis>,
    events: Box<dyn Fn(Event)>,
) -> Result<Rc<Replica<H>>, Fault> {
    let state = LogState::new(vault, who.account, who.identity);
    let mut batch = Batch::new();
    Replica::<H>::begin(&mut batch, &state, genesis.map(|genesis| &genesis.entry));
    let written = host.store().write(batch, Durability::Strict).await;
    written.map_err(|e| fault::from_store(&e))?;
    let certificate = who.certify(host.crypto()).await?;
    let replica = Replica::open(host, who.who(vault), who.keys(), events).await?;
    replica.catch_up().await?;
    replica.introduce(certificate).await?;
    Ok(replica)
}
