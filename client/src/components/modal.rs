//! The frame of every dialog: the browser's own `<dialog>`, opened as modal.
//!
//! The focus goes back to where it was when the dialog closes.

use leptos::html;
use leptos::prelude::*;

use crate::platform::dom;

/// Shows a dialog; `close` runs when the person dismisses it (Escape).
pub(crate) fn modal(
    name: String,
    class: &'static str,
    close: impl Fn() + 'static,
    content: impl IntoView + 'static,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let before = StoredValue::new_local(dom::focused());
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
        }
    });
    on_cleanup(move || {
        let back = before.try_update_value(Option::take).flatten();
        if let Some(element) = back {
            // After the dialog is gone; until then nothing behind it takes the focus.
            leptos::task::spawn_local(async move {
                crate::platform::timer::frame().await;
                let idle = dom::focused().is_none_or(|focused| focused.tag_name() == "BODY");
                if element.is_connected() && idle {
                    element.focus().ok();
                }
            });
        }
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
