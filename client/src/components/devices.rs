//! The account's devices in the settings, and the question before one is taken off.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, DeviceRow, Reply};

use super::questions;
use crate::app::{App, Dialog};
use crate::i18n::Msg;
use crate::platform::engine;

/// Lists the devices.
pub(crate) fn section(app: App) -> impl IntoView {
    let found = RwSignal::new(None::<Vec<DeviceRow>>);
    Effect::new(move |_| {
        // Read again when a question was answered.
        app.dialog.track();
        spawn_local(async move {
            if let Ok(Reply::Devices(devices)) = engine::call(Command::Devices).await {
                found.try_set(Some(devices));
            }
        });
    });
    let lines = move || {
        let devices = found.get().unwrap_or_default();
        devices.into_iter().map(|device| line(app, device)).collect::<Vec<_>>()
    };
    view! {
        <section class="stack" aria-label=app.t(Msg::Devices)>
            <h2>{app.t(Msg::Devices)}</h2>
            <ul class="name-list">{lines}</ul>
        </section>
    }
}

fn line(app: App, device: DeviceRow) -> impl IntoView {
    let said = match (device.this, device.leaving, device.seen_ms) {
        (true, ..) => app.t(Msg::ThisDevice),
        (_, true, _) => app.t(Msg::DeviceLeaving),
        (.., Some(ms)) => app.t(Msg::DeviceSeen(&app.time(ms))),
        (.., None) => String::new(),
    };
    let since = device.signed_in_ms.map(|ms| app.t(Msg::DeviceSince(&app.time(ms))));
    let between = if said.is_empty() || since.is_none() { "" } else { " · " };
    let name = device.name.clone();
    let button = (!device.this && !device.leaving).then(|| {
        let label = app.t(Msg::TakeOffNamed(&device.name));
        let ask = move |_| app.dialog.set(Some(Dialog::TakeOff(device.clone())));
        view! {
            <button type="button" class="button danger-text" aria-label=label on:click=ask>
                {app.t(Msg::TakeOff)}
            </button>
        }
    });
    view! {
        <li class="row-line">
            <span class="grow">{name}<br/><span class="hint">{said}{between}{since}</span></span>
            {button}
        </li>
    }
}

/// Asks whether to take a device off the account.
pub(crate) fn question(app: App, device: DeviceRow) -> AnyView {
    let id = device.device;
    let take_off = move || {
        spawn_local(async move {
            if let Err(fault) = engine::call(Command::TakeOff { device: id }).await {
                app.failed(&fault);
            }
            app.dialog.set(None);
        });
    };
    let title = Msg::TakeOffNamed(&device.name);
    let names = [title, Msg::TakeOffWhy, Msg::TakeOffNow, Msg::Cancel];
    questions::question(app, names, Box::new(take_off))
}
