//! An open vault: the replica, and what it says while a command waits for it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use offing_core::proto::Code;
use offing_core::rpc::{Alarm, Event, Status, SyncState, Transfer, TransferId, TransferState};
use offing_worker::net::api::Api;
use offing_worker::replica::Replica;
use tokio::sync::Notify;

use crate::failure::{Failure, in_words};
use crate::host::NativeHost;
use crate::profile::{Profile, SignedIn};
use crate::wire::Wire;

/// What the replica said so far.
#[derive(Default)]
pub(crate) struct Heard {
    status: Cell<Option<Status>>,
    alarms: RefCell<Vec<Alarm>>,
    transfers: RefCell<BTreeMap<TransferId, Transfer>>,
    news: Notify,
}

impl Heard {
    /// A listener for the replica.
    pub(crate) fn listener(self: &Rc<Self>) -> Box<dyn Fn(Event)> {
        let heard = Rc::clone(self);
        Box::new(move |event| heard.hear(event))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is for a page")]
    fn hear(&self, event: Event) {
        match event {
            Event::Status(status) => self.status.set(Some(status)),
            Event::Alarm(alarm) => self.alarms.borrow_mut().push(alarm),
            Event::AlarmOver(over) => self.alarms.borrow_mut().retain(|alarm| *alarm != over),
            Event::Transfers(transfers) => {
                let mut all = self.transfers.borrow_mut();
                all.extend(transfers.into_iter().map(|transfer| (transfer.id, transfer)));
            }
            _ => {}
        }
        self.news.notify_one();
    }

    /// The alarm that keeps anything from moving, if there is one.
    fn stopped(&self) -> Option<Alarm> {
        let stops = |alarm: &&Alarm| {
            matches!(
                alarm,
                Alarm::HistoryChanged { .. }
                    | Alarm::StorageFailing
                    | Alarm::ServerRefuses(_)
                    | Alarm::ServerRestored
                    | Alarm::LeftBehind { .. }
            )
        };
        self.alarms.borrow().iter().find(stops).cloned()
    }
}

/// What is told of an account that whoever keeps the server has closed.
const CLOSED: Alarm = Alarm::ServerRefuses(Code::AccountClosed);

/// An open vault.
pub struct Drive {
    /// The vault.
    pub replica: Rc<Replica<NativeHost>>,
    /// The client of the server.
    pub api: Api<Wire>,
    signed_in: SignedIn,
    heard: Rc<Heard>,
}

impl Drive {
    /// Opens the vault of who is signed in, and begins to synchronise.
    pub async fn open(profile: &Profile) -> Result<Self, Failure> {
        let signed_in = profile.signed_in()?.ok_or(Failure::SignedOut)?;
        let (store, chunks) = profile.stores()?;
        let api = Api::new(profile.wire(&signed_in.server)?);
        let host = NativeHost::new(store, chunks, api.clone(), profile.minted());
        let heard = Rc::<Heard>::default();
        let identity = signed_in.identity.clone();
        let keys = profile.keys().await?;
        let replica = Replica::open(host, identity, keys, heard.listener()).await?;
        Self::begin(replica, api, signed_in, heard).await
    }

    /// Begins to synchronise a vault that was just opened.
    pub(crate) async fn begin(
        replica: Rc<Replica<NativeHost>>,
        api: Api<Wire>,
        signed_in: SignedIn,
        heard: Rc<Heard>,
    ) -> Result<Self, Failure> {
        let drive = Self { replica, api, signed_in, heard };
        drive.replica.start().await?;
        Ok(drive)
    }

    /// Waits until everything is on the server and read from it.
    pub async fn settle(&self) -> Result<(), Failure> {
        self.wait(|status| status.state == SyncState::OnServer, || true).await
    }

    /// As [`Self::settle`], but a server that is away, or an account that is closed, leaves what is
    /// here, with a word.
    pub async fn refresh(&self) -> Result<(), Failure> {
        match self.settle().await {
            Err(why @ (Failure::Offline { .. } | Failure::Alarm(CLOSED))) => {
                eprintln!("offing: {why}\noffing: this is what was here before");
                Ok(())
            }
            settled => settled,
        }
    }

    /// Waits until these uploads are on the server; the errors of those that failed.
    pub async fn uploaded(&self, ids: &[TransferId]) -> Result<Vec<String>, Failure> {
        let all = |is_so: fn(&TransferState) -> bool| {
            let transfers = self.heard.transfers.borrow();
            ids.iter().all(|id| transfers.get(id).is_some_and(|one| is_so(&one.state)))
        };
        let is_kept = |state: &TransferState| is_over(state) || *state == TransferState::Here;
        self.wait(|_| all(is_over), || all(is_kept)).await?;
        let transfers = self.heard.transfers.borrow();
        let failed = ids.iter().filter_map(|id| transfers.get(id)).filter_map(|one| {
            let TransferState::Failed(fault) = &one.state else {
                return None;
            };
            Some(format!("{}: {}", one.name, in_words(fault)))
        });
        Ok(failed.collect())
    }

    /// Waits until the status is so, or until nothing more will move by itself: with the server
    /// away, as soon as everything is kept here.
    async fn wait(
        &self,
        is_done: impl Fn(Status) -> bool,
        is_kept: impl Fn() -> bool,
    ) -> Result<(), Failure> {
        loop {
            let news = self.heard.news.notified();
            if self.replica.is_signed_out() {
                return Err(Failure::SessionEnded { server: self.signed_in.server.clone() });
            }
            // A closed account stops nothing that happens here.
            if let Some(alarm) = self.heard.stopped()
                && (alarm != CLOSED || is_kept())
            {
                return Err(Failure::Alarm(alarm));
            }
            if let Some(status) = self.heard.status.get() {
                if is_done(status) {
                    return Ok(());
                }
                if status.state == SyncState::Offline && is_kept() {
                    return Err(self.offline(status.pending));
                }
            }
            news.await;
        }
    }

    fn offline(&self, pending: u32) -> Failure {
        let cause =
            self.api.transport().trouble().unwrap_or_else(|| "it cannot serve now".to_owned());
        Failure::Offline { server: self.signed_in.server.clone(), cause, pending }
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> &SignedIn {
        &self.signed_in
    }
}

fn is_over(state: &TransferState) -> bool {
    matches!(state, TransferState::Done | TransferState::Failed(_) | TransferState::Cancelled)
}
