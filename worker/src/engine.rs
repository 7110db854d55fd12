//! The engine: answers the page's commands, and says what happens of its own accord.
//!
//! One in each tab's dedicated worker. It owns the session; everything about the vault is
//! the replica's. A message is `[Uint8Array, …transferables]`, see `offing_core::rpc`, or
//! `[MessagePort]`, at which a script of the page asks for itself (`side`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::join;
use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::{self, Command, Event, Fault, FromEngine, Reply, Session, ToEngine, Wanted};
use offing_core::sync::backoff::Backoff;
use offing_core::sync::machine;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent, MessagePort};

use crate::host::browser::BrowserHost;
use crate::host::{Host, Notice};
use crate::net::fetch::{Api, Fetch};
use crate::net::live::Live;
use crate::platform::port;
use crate::platform::stream::{self, Source};
use crate::platform::{js, quota};
use crate::replica::fault::from_net;
use crate::replica::{Download, Replica};
use crate::session::secrets::Owner;
use crate::session::{self, Events, Opened, Profile};

mod network;
mod side;

/// The engine of one tab.
pub struct Engine {
    scope: DedicatedWorkerGlobalScope,
    api: Rc<Api>,
    opened: RefCell<Option<Opened>>,
    live: RefCell<Option<Live>>,
    live_backoff: RefCell<Backoff>,
    /// The browser was asked not to evict what is stored.
    asked_to_persist: Cell<bool>,
    hears_network: Cell<bool>,
    /// Where the page is told who else is in its texts.
    company: RefCell<Option<MessagePort>>,
    /// Where the page asks for labels, and is told that lists changed.
    labels: RefCell<Option<MessagePort>>,
}

/// A reply with what is transferred beside it.
struct Answer {
    reply: Reply,
    beside: Option<JsValue>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, beside: None }
    }
}

impl Engine {
    /// Makes the engine of this worker.
    pub fn new(scope: DedicatedWorkerGlobalScope) -> Rc<Self> {
        Rc::new(Self {
            scope,
            api: Rc::new(Api::new(Fetch)),
            opened: RefCell::new(None),
            live: RefCell::new(None),
            live_backoff: RefCell::default(),
            asked_to_persist: Cell::new(false),
            hears_network: Cell::new(false),
            company: RefCell::default(),
            labels: RefCell::default(),
        })
    }

    /// Hears a message of the page.
    pub fn hear(self: &Rc<Self>, event: &MessageEvent) {
        let Ok(parts) = event.data().dyn_into::<js_sys::Array>() else {
            return;
        };
        if let Ok(port) = parts.get(0).dyn_into() {
            return side::serve(self, port);
        }
        let bytes = js::to_bytes(&parts.get(0));
        // A page of another build: it reloads when its commands stay unanswered.
        let Ok(message) = rpc::decode::<ToEngine>(&bytes) else {
            return;
        };
        let this = Rc::clone(self);
        wasm_bindgen_futures::spawn_local(async move {
            let (result, beside) = match this.answer(message.command, &parts).await {
                Ok(answer) => (Ok(answer.reply), answer.beside),
                Err(fault) => (Err(fault), None),
            };
            if let (Err(Fault::Storage), Ok(replica)) = (&result, this.replica()) {
                replica.note(&Fault::Storage);
            }
            this.send(&FromEngine::Reply { id: message.id, result }, beside);
        });
    }

    fn send(&self, message: &FromEngine, beside: Option<JsValue>) {
        let bytes = js::to_js(&rpc::encode(message));
        let transfer = js_sys::Array::of1(&bytes.buffer());
        let parts = js_sys::Array::of1(&bytes);
        if let Some(beside) = beside {
            parts.push(&beside);
            transfer.push(&beside);
        }
        if self.scope.post_message_with_transfer(&parts, &transfer).is_ok() {
            return;
        }
        // This browser cannot hand a stream over; the page must not wait for it for ever.
        if let FromEngine::Reply { id, result: Ok(_) } = message {
            self.send(&FromEngine::Reply { id: *id, result: Err(Fault::Unsupported) }, None);
        }
    }

    fn events(self: &Rc<Self>) -> Events {
        let this = Rc::downgrade(self);
        Rc::new(move |event| {
            if let Some(this) = this.upgrade() {
                this.send(&FromEngine::Event(event), None);
            }
        })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is the vault's")]
    async fn answer(
        self: &Rc<Self>,
        command: Command,
        parts: &js_sys::Array,
    ) -> Result<Answer, Fault> {
        self.ask_to_persist(&command);
        match command {
            Command::Start { .. }
            | Command::SignUp { .. }
            | Command::ConfirmKit { .. }
            | Command::NewKit { .. }
            | Command::ChangePassword { .. }
            | Command::SignIn { .. }
            | Command::Recover { .. }
            | Command::SignOut { .. } => self.answer_account(command).await.map(Answer::from),
            Command::Upload { parent, items, clash } => {
                let files = parts.iter().skip(1).map(JsCast::dyn_into::<Blob>);
                let files = files.collect::<Result<Vec<Blob>, _>>().map_err(|_| Fault::Internal)?;
                Ok(self.replica()?.upload(parent, items, files, clash).await?.into())
            }
            Command::Download { nodes, anyway } => {
                streamed(self.replica()?.download(bounded(&nodes)?, anyway).await?)
            }
            Command::OpenRevision { node, revision } => {
                streamed(self.replica()?.open_revision(node, revision).await?)
            }
            Command::DownloadUnsynced => streamed(self.replica()?.download_unsynced().await?),
            Command::OpenContent { node } => {
                let content = self.replica()?.open_content(node).await?;
                let reply =
                    Reply::Download { name: content.name().to_owned(), size: Some(content.size()) };
                let content = Rc::new(content);
                at_port(reply, move |asked| {
                    let content = Rc::clone(&content);
                    Box::pin(async move {
                        let (start, end) = (port::number(&asked, 1)?, port::number(&asked, 2)?);
                        content.read(start as u64..end as u64).await.ok()
                    })
                })
            }
            Command::OpenIndex => {
                // The searcher may outlive the session, and the session's keys are the replica's.
                let replica = Rc::downgrade(&self.replica()?);
                at_port(Reply::Done, move |asked| {
                    let replica = replica.upgrade();
                    Box::pin(async move {
                        let ask = js::to_bytes(&asked.get(1));
                        replica?.answer_index(rpc::decode(&ask).ok()?).await
                    })
                })
            }
            Command::Nudge => {
                self.nudge();
                Ok(Reply::Done.into())
            }
            command => answer_vault(&self.replica()?, command, &self.api).await.map(Answer::from),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "`answer` sends only these here")]
    async fn answer_account(self: &Rc<Self>, command: Command) -> Result<Reply, Fault> {
        let (api, events) = (Rc::clone(&self.api), self.events());
        match command {
            Command::Start { wanted } => self.start(wanted).await,
            Command::SignUp { invite, username, password } => {
                let signed_up = session::sign_up(api, events, invite, username, &password).await;
                let (opened, code) = signed_up?;
                self.begin(opened);
                Ok(Reply::Kit { code, session: self.session() })
            }
            Command::SignIn { username, password, borrowed } => {
                let opened = session::sign_in(api, events, username, &password, borrowed).await?;
                self.begin(opened);
                Ok(Reply::Session(self.session()))
            }
            Command::Recover { username, code, new_password } => {
                let opened = session::recover(api, events, username, &code, &new_password).await?;
                self.begin(opened);
                Ok(Reply::Session(self.session()))
            }
            Command::ConfirmKit { code } => {
                let profile = self.owner()?.confirm_kit(&api, &code).await?;
                self.keep_profile(profile);
                Ok(Reply::Done)
            }
            Command::NewKit { password } => {
                let (profile, code) = self.owner()?.new_kit(&api, &password).await?;
                self.keep_profile(profile);
                Ok(Reply::Kit { code: code.to_string(), session: self.session() })
            }
            Command::ChangePassword { password, new_password } => {
                let owner = self.owner()?;
                owner.change_password(&api, &password, &new_password).await?;
                Ok(Reply::Done)
            }
            Command::SignOut { anyway } => self.sign_out(anyway).await,
            _ => Err(Fault::Internal),
        }
    }

    /// Asks the browser to keep what is stored, at the first real edit: a question at the
    /// first sight of the app would be refused.
    fn ask_to_persist(&self, command: &Command) {
        let edits = matches!(
            command,
            Command::CreateFolder { .. }
                | Command::CreateText { .. }
                | Command::PushText { .. }
                | Command::Upload { .. }
        );
        if edits && !self.asked_to_persist.replace(true) {
            wasm_bindgen_futures::spawn_local(async {
                // Settings tell what came of it.
                quota::persist().await;
            });
        }
    }

    /// Opens what is on this device, with the node that the page wants to show.
    async fn start(self: &Rc<Self>, wanted: Option<Wanted>) -> Result<Reply, Fault> {
        if self.opened.borrow().is_none() {
            return self.resume(wanted).await;
        }
        let node = match wanted {
            Some(wanted) => Some(self.replica()?.open_node(wanted).await),
            None => None,
        };
        Ok(Reply::Started { session: self.session(), node })
    }

    async fn resume(self: &Rc<Self>, wanted: Option<Wanted>) -> Result<Reply, Fault> {
        let resumed = session::resume(Rc::clone(&self.api), self.events()).await?;
        let Some(opened) = resumed else {
            wasm_bindgen_futures::spawn_local(session::leave(Rc::clone(&self.api)));
            return Ok(Reply::Started { session: Session::SignedOut, node: None });
        };
        self.hear_tabs(&opened);
        let replica = &opened.replica;
        let node = async {
            match wanted {
                Some(wanted) => Some(replica.open_node(wanted).await),
                None => None,
            }
        };
        // No list needs the secrets; whatever comes after this answer does.
        let (node, secrets) = join(node, replica.open_secrets()).await;
        secrets?;
        self.take_up(opened);
        Ok(Reply::Started { session: self.session(), node })
    }

    /// Takes up an open session and goes on with what was under way.
    fn begin(self: &Rc<Self>, opened: Opened) {
        self.hear_tabs(&opened);
        self.take_up(opened);
    }

    /// Begins to hear what the other tabs do.
    fn hear_tabs(self: &Rc<Self>, opened: &Opened) {
        let replica = &opened.replica;
        let hearing = Rc::downgrade(replica);
        let this = Rc::downgrade(self);
        opened.host.listen(replica.vault(), move |notice| {
            let (hearing, this) = (hearing.clone(), this.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let (Some(replica), Some(this)) = (hearing.upgrade(), this.upgrade()) else {
                    return;
                };
                if notice == Notice::Session {
                    this.signed_out_elsewhere();
                } else if replica.open_secrets().await.is_err()
                    || replica.hear(&notice).await.is_err()
                {
                    web_sys::console::warn_1(&"another tab's change could not be read".into());
                }
            });
        });
    }

    fn take_up(self: &Rc<Self>, opened: Opened) {
        let replica = Rc::clone(&opened.replica);
        let this = Rc::downgrade(self);
        replica.on_session_change(move || {
            if let Some(this) = this.upgrade() {
                this.send(&FromEngine::Event(Event::Session(this.session())), None);
            }
        });
        self.hear_company(&replica);
        self.hear_lists(&replica);
        let before = self.opened.borrow_mut().replace(opened);
        if let Some(before) = before {
            before.replica.close();
        }
        self.go_on(replica);
    }

    /// Goes on with what was under way, and hears the network and the server. All of it is
    /// begun after the answer that the page waits for was sent.
    fn go_on(self: &Rc<Self>, replica: Rc<Replica<BrowserHost>>) {
        let this = Rc::downgrade(self);
        wasm_bindgen_futures::spawn_local(async move {
            if let Some(this) = this.upgrade() {
                this.listen_live();
                if !this.hears_network.replace(true) {
                    this.listen_network();
                }
            }
            if replica.start().await.is_err() {
                replica.note(&Fault::Storage);
                // It goes on with what it can read.
                replica.tell(machine::Event::Nudge);
            }
        });
    }

    fn owner(&self) -> Result<Owner, Fault> {
        self.opened.borrow().as_ref().map(Owner::of).ok_or(Fault::SignedOut)
    }

    fn keep_profile(&self, profile: Profile) {
        if let Some(opened) = &mut *self.opened.borrow_mut() {
            opened.profile = profile;
        }
    }

    async fn sign_out(self: &Rc<Self>, anyway: bool) -> Result<Reply, Fault> {
        let replica = self.replica()?;
        if !anyway {
            replica.flush_all().await?;
            match replica.unsynced().await? {
                0 => {}
                pending => return Err(Fault::Unsynced { pending }),
            }
        }
        let opened = self.opened.borrow_mut().take().ok_or(Fault::SignedOut)?;
        self.live.borrow_mut().take();
        // The session at the server ends when it can be reached; here it ends now.
        let told = self.api.sign_out().await;
        self.api.forget_token();
        opened.host.announce(&Notice::Session);
        opened.forget().await?;
        match told {
            Err(error) if error.is_offline() => session::leave_later().await.map(|()| Reply::Done),
            Err(error) if error.code().is_none() => Err(from_net(&error)),
            _ => Ok(Reply::Done),
        }
    }

    fn signed_out_elsewhere(self: &Rc<Self>) {
        if let Some(opened) = self.opened.borrow_mut().take() {
            opened.replica.close();
            opened.host.stop_listening();
        }
        self.live.borrow_mut().take();
        self.api.forget_token();
        self.send(&FromEngine::Event(Event::Session(Session::SignedOut)), None);
    }

    fn session(&self) -> Session {
        self.opened.borrow().as_ref().map_or(Session::SignedOut, Opened::session)
    }

    fn replica(&self) -> Result<Rc<Replica<BrowserHost>>, Fault> {
        let opened = self.opened.borrow();
        opened.as_ref().map(|opened| Rc::clone(&opened.replica)).ok_or(Fault::SignedOut)
    }
}

async fn answer_vault(
    replica: &Rc<Replica<BrowserHost>>,
    command: Command,
    api: &Api,
) -> Result<Reply, Fault> {
    match command {
        Command::OpenFolder { node, sort, rows } => {
            let rows = rows.min(limits::WINDOW_ROWS_MAX as u32);
            replica.open_folder(node, sort, rows).await.map(Reply::Folder)
        }
        Command::Window { view, start, end } => {
            let (revision, rows) = replica.window(view, start, end).await?;
            Ok(Reply::Rows { revision, start, rows })
        }
        Command::TypeAhead { view, prefix } => {
            replica.type_ahead(view, &prefix).await.map(Reply::Found)
        }
        Command::CloseView { view } => {
            replica.close_view(view);
            Ok(Reply::Done)
        }
        Command::OpenNode(wanted) => replica.open_node(wanted).await.map(Reply::Node),
        Command::Search { query } => replica.search(&query).await.map(Reply::Hits),
        Command::CreateFolder { parent, name } => replica.create_folder(parent, &name).await,
        Command::MakeFolders { parent, paths } => {
            replica.make_folders(parent, &paths).await.map(|()| Reply::Done)
        }
        Command::CreateText { parent, name } => replica.create_text(parent, &name).await,
        Command::Rename { node, name } => replica.rename(node, &name).await,
        Command::Move { nodes, to } => replica.move_to(bounded(&nodes)?, to).await,
        Command::Copy { nodes, to } => replica.copy(bounded(&nodes)?, to).await,
        Command::Trash { nodes } => replica.trash(bounded(&nodes)?).await,
        Command::Restore { nodes } => replica.restore(bounded(&nodes)?).await,
        Command::Purge { nodes, sure } => replica.purge(bounded(&nodes)?, sure).await,
        Command::Undo { action } => replica.undo(action).await,
        Command::Neighbour { node, sort, forward } => {
            replica.neighbour(node, sort, forward).await.map(Reply::Linked)
        }
        Command::FollowLink { from, path } => {
            replica.follow_link(from, &path).await.map(Reply::Linked)
        }
        Command::OpenText { node } => replica.open_text(node).await.map(Reply::Text),
        Command::PushText { node, version, updates } => {
            let accepted = replica.push_text(node, version, &updates)?;
            Ok(Reply::TextAccepted { accepted })
        }
        Command::FlushText { node } => replica.flush_text(node).await.map(|()| Reply::Done),
        Command::FlushAll => replica.flush_all().await.map(|()| Reply::Done),
        Command::CloseText { node } => replica.close_text(node).await.map(|()| Reply::Done),
        Command::Transfer { transfer, control } => {
            replica.steer(transfer, control).await.map(|()| Reply::Done)
        }
        Command::ClearTransfers => {
            replica.clear_transfers();
            Ok(Reply::Done)
        }
        Command::Keep { nodes, keep } => replica.keep(&nodes, keep).await.map(|()| Reply::Done),
        Command::Versions { node } => {
            let (path, versions) = replica.versions(node).await?;
            Ok(Reply::Versions { path, versions })
        }
        Command::Settle { node, keep, other, choice } => {
            replica.settle(node, keep, other, choice).await
        }
        Command::Revisions { node } => replica.revisions(node).await.map(Reply::Revisions),
        Command::Revert { node, revision } => replica.revert(node, revision).await,
        Command::Moments { folder } => replica.moments(folder).await.map(Reply::Moments),
        Command::PlanRewind { folder, at_ms } => {
            let (steps, count) = replica.plan_rewind(folder, at_ms).await?;
            Ok(Reply::Rewinding { steps, count })
        }
        Command::Rewind { folder, at_ms } => replica.rewind(folder, at_ms).await,
        Command::Queue => replica.queue().await.map(Reply::Queue),
        Command::SetAside => {
            let (entries, count) = replica.all_set_aside().await?;
            Ok(Reply::SetAside { entries, count })
        }
        Command::Devices => replica.devices().await.map(Reply::Devices),
        Command::TakeOff { device } => replica.take_off(device).await.map(|()| Reply::Done),
        Command::Lacking => replica.lacking_there().await.map(Reply::Lacking),
        Command::GiveBack => replica.give_back().await.map(Reply::Lacking),
        Command::GoOn => replica.go_on().await.map(|()| Reply::Done),
        Command::Storage => Ok(storage(api).await),
        Command::Start { .. }
        | Command::Nudge
        | Command::SignUp { .. }
        | Command::ConfirmKit { .. }
        | Command::NewKit { .. }
        | Command::ChangePassword { .. }
        | Command::SignIn { .. }
        | Command::Recover { .. }
        | Command::SignOut { .. }
        | Command::Upload { .. }
        | Command::Download { .. }
        | Command::OpenRevision { .. }
        | Command::DownloadUnsynced
        | Command::OpenContent { .. }
        | Command::OpenIndex => Err(Fault::Internal),
    }
}

fn bounded(nodes: &[NodeId]) -> Result<&[NodeId], Fault> {
    if nodes.len() > limits::CHANGE_OPS_MAX { Err(Fault::TooMany) } else { Ok(nodes) }
}

/// The use of space; what cannot be asked now is left open.
async fn storage(api: &Api) -> Reply {
    let estimate = quota::estimate().await;
    let account = api.account().await.ok();
    Reply::Storage {
        device_used: estimate.as_ref().map_or(0, |estimate| estimate.usage_bytes),
        device_quota: estimate.as_ref().map_or(0, |estimate| estimate.quota_bytes),
        server_used: account.as_ref().map(|account| account.used_bytes),
        server_quota: account.as_ref().and_then(|account| account.quota_bytes),
        persisted: quota::is_persistent().await,
    }
}

fn streamed(download: Download<BrowserHost>) -> Result<Answer, Fault> {
    let reply = Reply::Download { name: download.name().to_owned(), size: download.size() };
    let stream = stream::readable(Pull(download)).map_err(|_| Fault::Unsupported)?;
    Ok(Answer { reply, beside: Some(stream.into()) })
}

/// A reply with a port at which more is asked.
fn at_port(
    reply: Reply,
    answers: impl Fn(js_sys::Array) -> port::Answering + 'static,
) -> Result<Answer, Fault> {
    let port = port::serve(Rc::new(answers)).map_err(|_| Fault::Unsupported)?;
    Ok(Answer { reply, beside: Some(port.into()) })
}

/// A download as the source of a stream.
struct Pull(Download<BrowserHost>);

impl Source for Pull {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        self.0.next().await.map_err(|_| "the download failed".to_owned())
    }
}
