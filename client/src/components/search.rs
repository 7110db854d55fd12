//! The search box and what it found.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Hit, Reply};

use super::crumbs::crumb_name;
use super::icon::icon;
use crate::app::App;
use crate::i18n::Msg;
use crate::platform::{dom, engine, timer};
use crate::state::measure;

/// How long typing pauses before a search begins.
const PAUSE_MS: u32 = 120;

/// Shows the search box.
pub(crate) fn search(app: App) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let hits = RwSignal::new(None::<Vec<Hit>>);
    let asked = StoredValue::new(0u32);
    let look = move || {
        let number = asked.try_update_value(|count| {
            *count += 1;
            *count
        });
        spawn_local(async move {
            timer::pause(PAUSE_MS).await;
            let words = query.try_get_untracked().unwrap_or_default();
            if asked.try_get_value() != number || words.trim().is_empty() {
                return;
            }
            let answer = engine::call(Command::Search { query: words }).await;
            if asked.try_get_value() != number {
                return;
            }
            match answer {
                Ok(Reply::Hits(found)) => hits.set(Some(found)),
                Ok(_) => {}
                Err(fault) => app.failed(&fault),
            }
        });
    };
    let close = move || {
        query.set(String::new());
        hits.set(None);
        asked.update_value(|count| *count += 1);
    };
    let press = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" => {
            close();
            dom::focus_list();
        }
        "ArrowDown" => {
            event.prevent_default();
            dom::focus(".search-hits a");
        }
        "Enter" => {
            let first = hits.with_untracked(|hits| hits.as_ref()?.first().map(|hit| hit.row.node));
            if let Some(node) = first {
                close();
                app.open(node);
            }
        }
        _ => {}
    };
    let found = move || {
        hits.get().map(|found| {
            let none = found.is_empty();
            let lines: Vec<_> = found.into_iter().map(|hit| line(app, hit, close)).collect();
            view! {
                <div class="search-hits scroll" role="region" aria-label=app.t(Msg::SearchResults)>
                    {none.then(|| view! { <p class="hint search-none">{app.t(Msg::NothingFound)}</p> })}
                    <ul>{lines}</ul>
                </div>
            }
        })
    };
    view! {
        <div class="search" role="search">
            <input
                type="search"
                class="input"
                aria-label=app.t(Msg::Search)
                placeholder=app.t(Msg::Search)
                autocomplete="off"
                spellcheck="false"
                prop:value=move || query.get()
                on:input=move |event| {
                    query.set(event_target_value(&event));
                    if query.with_untracked(|query| query.trim().is_empty()) {
                        hits.set(None);
                    }
                    look();
                }
                on:keydown=press
            />
            {found}
        </div>
    }
}

fn line(app: App, hit: Hit, close: impl Fn() + 'static) -> impl IntoView {
    let place: Vec<String> = hit.path.iter().map(|crumb| crumb_name(app, crumb)).collect();
    view! {
        <li>
            <a class="row-line" href=app.href(hit.row.node) on:click=move |_| close()>
                {icon(measure::icon(&hit.row.name, hit.row.kind))}
                <span class="grow">{hit.row.name}</span>
                <span class="hint">{place.join(" / ")}</span>
            </a>
        </li>
    }
}
