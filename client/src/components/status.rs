//! The status pill: what is saved where.

use leptos::prelude::*;

use crate::app::{App, Dialog};
use crate::i18n::Msg;
use crate::state::status::{Pill, pill};

/// Shows the pill; a tap shows what waits.
pub(crate) fn status(app: App) -> impl IntoView {
    let shown = Memo::new(move |_| pill(app.status.get()));
    let class = move || match shown.get() {
        Pill::OnServer => "pill good",
        Pill::Syncing(_) | Pill::Saving => "pill busy",
        Pill::Offline(_) => "pill warn",
        Pill::SavedHere => "pill",
    };
    view! {
        <div role="status" aria-label=app.t(Msg::SyncStatus)>
            <button
                type="button"
                class=class
                data-state=move || shown.get().look()
                on:click=move |_| app.dialog.set(Some(Dialog::Queue))
            >
                {move || app.t(Msg::Pill(shown.get()))}
            </button>
        </div>
    }
}
