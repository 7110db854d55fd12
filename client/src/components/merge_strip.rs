//! The strip below an open text: what was merged, with *Show* and *Undo*.
//!
//! Below, so that the text stays where it is when the strip comes.

use leptos::prelude::*;

use super::icon::icon;
use crate::app::App;
use crate::i18n::Msg;
use crate::state::merged::Merged;

/// What a person does about merged edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergeAct {
    /// Marks them in the text, or no longer.
    Show(bool),
    /// Takes them back.
    TakeBack,
    /// Leaves them alone.
    Forget,
}

/// Shows the strip while there is something to say.
pub(crate) fn merge_strip(
    app: App,
    merged: RwSignal<Merged>,
    act: impl Fn(MergeAct) + Copy + Send + 'static,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let some = Memo::new(move |_| merged.with(Merged::edits) > 0);
    let end = move |how: MergeAct| {
        act(how);
        shown.set(false);
        merged.set(Merged::default());
    };
    let says = move || {
        merged.with(|merged| app.t(Msg::Merged { count: merged.edits(), from: &merged.devices() }))
    };
    let toggle = move |_| {
        shown.update(|shown| *shown = !*shown);
        act(MergeAct::Show(shown.get_untracked()));
    };
    let buttons = move || {
        view! {
            <button
                type="button"
                class="button quiet"
                aria-pressed=move || shown.get().to_string()
                on:click=toggle
            >
                {app.t(Msg::Show)}
            </button>
            <button type="button" class="button quiet" on:click=move |_| {
                end(MergeAct::TakeBack);
                app.done(Msg::Undone, None);
            }>
                {app.t(Msg::Undo)}
            </button>
            <button
                type="button"
                class="button quiet icon-only"
                aria-label=app.t(Msg::Dismiss)
                on:click=move |_| end(MergeAct::Forget)
            >
                {icon("x")}
            </button>
        }
    };
    view! {
        <div class="strip" class:is-empty=move || !some.get()>
            <span class="grow" role="status">{move || some.get().then(says)}</span>
            {move || some.get().then(buttons)}
        </div>
    }
}
