//! A text file in the editor; Markdown with the rendered text beside it, HTML with the page that it
//! describes once somebody asks for it.

use std::rc::Rc;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Crumb, Event, Fault, OpenedText, ReadOnly, Reply, Row};
use wasm_bindgen::JsValue;

use crate::app::{App, Dialog, actions};
use crate::components::crumbs;
use crate::components::icon::{button, icon};
use crate::components::merge_strip::{MergeAct, merge_strip};
use crate::editor::glue::TextEditor;
use crate::editor::preview::Preview;
use crate::i18n::Msg;
use crate::platform::{dom, engine, module, timer};
use crate::state::measure;
use crate::state::merged::Merged;

/// Shows a text file.
pub(super) fn page(app: App, row: Row) -> AnyView {
    let node = row.node;
    document().set_title(&format!("{} · Offing", row.name));
    let markdown = measure::is_markdown(&row.name);
    let shown = markdown || measure::is_page(&row.name);
    let opened = RwSignal::new(None::<Result<(), String>>);
    let read_only = RwSignal::new(None::<ReadOnly>);
    let path = RwSignal::new(Vec::<Crumb>::new());
    let merged = RwSignal::new(Merged::default());
    let replaced = RwSignal::new(None::<String>);
    let parent = NodeRef::<html::Div>::new();
    let preview = NodeRef::<html::Section>::new();
    let shows_preview = RwSignal::new(markdown);
    let editor = StoredValue::new_local(None::<Rc<TextEditor>>);
    let drawing = StoredValue::new_local(None::<Rc<Preview>>);
    let (name, title) = (row.name.clone(), row.name.clone());

    let start = {
        let name = name.clone();
        move |text: OpenedText, host: web_sys::Element| {
            let mut steps = text.path.clone();
            steps.push(Crumb { node, name: text.name.clone() });
            path.set(steps);
            read_only.set(text.read_only);
            let region = preview.get_untracked();
            let ticked = region.clone().map_or(JsValue::UNDEFINED, JsValue::from);
            // The editor draws a page by itself.
            let drawn = region
                .filter(|_| markdown)
                .map(|region| Preview::open(region.into(), &text.text, app.t(Msg::PreviewMissing)));
            drawing.set_value(drawn.clone());
            spawn_local(async move {
                let made = TextEditor::open(app, &text, &host, ticked, move |changed| {
                    if let Some(drawn) = &drawn {
                        drawn.changed(changed);
                    }
                });
                match made.await {
                    Ok(made) if editor.is_disposed() => made.close(),
                    Ok(made) => {
                        made.focus();
                        editor.set_value(Some(made));
                        opened.set(Some(Ok(())));
                    }
                    Err(error) => {
                        leptos::logging::error!("{error:?}");
                        engine::tell(Command::CloseText { node });
                        opened.try_set(Some(Err(app.t(Msg::EditorMissing(&name)))));
                    }
                }
            });
        }
    };
    // Neither waits for the other; what fails is tried again where it is wanted.
    spawn_local(async {
        module::load("editor", "createEditor").await.ok();
    });
    spawn_local(async move {
        let answer = engine::call(Command::OpenText { node }).await;
        // The element is there after the next turn of the page.
        timer::pause(0).await;
        if opened.is_disposed() {
            if answer.is_ok() {
                engine::tell(Command::CloseText { node });
            }
            return;
        }
        match (answer, parent.get_untracked()) {
            (Ok(Reply::Text(text)), Some(host)) => start(text, host.into()),
            (Ok(_), _) => opened.set(Some(Err(app.t(Msg::Fault(&Fault::Internal))))),
            (Err(fault), _) => opened.set(Some(Err(app.t(Msg::Fault(&fault))))),
        }
    });

    let listener = engine::listen(move |event| {
        let Some(Some(editor)) = editor.try_get_value() else {
            return;
        };
        match event {
            Event::TextUpdates { node: of, version, updates, from, edits } if *of == node => {
                editor.receive(*version, updates);
                if *edits > 0 {
                    merged.update(|merged| merged.add(*edits, from));
                }
            }
            Event::TextReplaced { node: of, by, shown } if *of == node => {
                replaced.set(Some(app.t(Msg::TextReplaced { by, shown: *shown })));
                // What was merged before was merged into another text.
                editor.forget_merged();
                merged.set(Merged::default());
            }
            _ => {}
        }
    });
    let flush = move || {
        if opened.with_untracked(|opened| matches!(opened, Some(Ok(())))) {
            engine::tell(Command::FlushText { node });
        }
    };
    let hidden = window_event_listener(ev::pagehide, move |_| flush());
    let away =
        window_event_listener(ev::Custom::<web_sys::Event>::new("visibilitychange"), move |_| {
            if document().hidden() {
                flush();
            }
        });
    on_cleanup(move || {
        engine::unlisten(listener);
        hidden.remove();
        away.remove();
        if let Some(editor) = editor.try_update_value(Option::take).flatten() {
            editor.close();
        }
        if let Some(drawing) = drawing.try_update_value(Option::take).flatten() {
            drawing.close();
        }
    });

    let leave = move |event: ev::KeyboardEvent| {
        if event.alt_key() && event.key() == "ArrowUp" && !dom::has_dialog() {
            let steps = path.get_untracked();
            if let Some(folder) = steps.iter().rev().nth(1) {
                event.prevent_default();
                app.reveal.set(Some(node));
                app.open(folder.node);
            }
        }
    };
    let problem = move || {
        opened.get().and_then(Result::err).map(|text| {
            view! {
                <div class="empty"><p role="alert">{text}</p></div>
            }
        })
    };
    let note = move || {
        let text = match read_only.get() {
            Some(ReadOnly::TooLarge) => Some(app.t(Msg::ReadOnlyLarge)),
            Some(ReadOnly::Trashed) => Some(app.t(Msg::ReadOnlyTrashed)),
            None => replaced.get(),
        };
        text.map(|text| view! { <div class="banner" role="status"><span class="grow">{text}</span></div> })
    };
    let on_merged = move |act| {
        let Some(Some(editor)) = editor.try_get_value() else {
            return;
        };
        match act {
            MergeAct::Show(shown) => editor.show_merged(shown),
            MergeAct::TakeBack => editor.take_back_merged(),
            MergeAct::Forget => editor.forget_merged(),
        }
    };
    let toggle = shown.then(|| {
        view! {
            <button
                type="button"
                class="button quiet folds"
                title=app.t(Msg::Preview)
                aria-pressed=move || shows_preview.get().to_string()
                on:click=move |_| shows_preview.update(|shows| *shows = !*shows)
            >
                {icon("eye")}
                <span>{app.t(Msg::Preview)}</span>
            </button>
        }
    });
    view! {
        <div class="page-head" on:keydown=leave>
            {crumbs::crumbs(app, path.into())}
            {toggle}
            {button(app.t(Msg::History), "history", "button quiet icon-only", || false, move || {
                flush();
                app.dialog.set(Some(Dialog::History(node, title.clone())));
            })}
            {button(app.t(Msg::Download), "download", "button quiet icon-only", || false, move || {
                flush();
                actions::download(app, vec![node]);
            })}
        </div>
        {note}
        {problem}
        <div class="writing grow" on:keydown=leave aria-busy=move || opened.with(Option::is_none).to_string()>
            <div class="writing-text" node_ref=parent></div>
            {shown.then(|| view! {
                <section
                    class=if markdown { "writing-preview markdown scroll" } else { "writing-preview is-page" }
                    aria-label=app.t(Msg::Preview)
                    tabindex="0"
                    node_ref=preview
                    hidden=move || !shows_preview.get()
                ></section>
            })}
        </div>
        {merge_strip(app, merged, on_merged)}
    }
    .into_any()
}
