//! The frame of every dialog: the browser's own `<dialog>`, opened as modal.
//!
//! The focus goes back to where it was when the dialog closes.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::platform::{dom, timer};

/// Shows a dialog; `close` runs when the person dismisses it (Escape).
pub(crate) fn modal(
    name: String,
    class: &'static str,
    close: impl Fn() + 'static,
    content: impl IntoView + 'static,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
        }
    });
    on_cleanup(move || {
        // Closing gives the focus back at once; taking the element away would not.
        if let Some(dialog) = dialog.try_get_untracked().flatten() {
            dialog.close();
        }
        // What had it before may be gone, such as the menu that opened this dialog.
        spawn_local(async {
            timer::rendered().await;
            if dom::is_idle() && !dom::has_dialog() {
                dom::focus_list();
            }
        });
    });
    let label = name.clone();
    view! {
        <dialog
            node_ref=dialog
            class=class
            aria-label=label
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                close();
            }
        >
            <h2>{name}</h2>
            {content.into_any()}
        </dialog>
    }
}
