//! Runs a parser over one file natively, as the sandbox would: opened, then asked what a
//! viewer asks. Prints one line of JSON. Beyond the time of an answer it ends itself with
//! code 3; memory is bounded by whoever starts it.
#![expect(clippy::print_stdout, reason = "what it prints is its answer")]

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use offing_markdown::steps::Rendering;
use offing_preview::{
    Answer, Format, Refusal,
    archive::{self, Archive},
    docx::{Document, Request},
    epub::Book,
    limits,
    pdf::{self, PIXELS_MAX, Pdf, Tile},
    picture::{self, Picture},
    sheet::{self, Workbook},
    table::{self, Table},
};
use serde_json::{Value, json};

/// The same as in the sandbox.
const ANSWER_SECONDS_MAX: u64 = 10;
const SLOW: i32 = 3;
/// Pages that are asked for, spread over the file.
const PAGES_ASKED: usize = 6;
/// Members that are asked for, from the first.
const MEMBERS_ASKED: usize = 200;

/// When the answer was asked for that is still awaited.
type Since = Arc<Mutex<Option<Instant>>>;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("probe FILE");
        return ExitCode::FAILURE;
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let since = Since::default();
    watch(Arc::clone(&since));
    let (_, ending) = path.rsplit_once('.').unwrap_or_default();
    let said = match ending.to_lowercase().as_str() {
        "pdf" => pages(bytes, &since),
        "docx" | "docm" | "dotx" | "dotm" => blocks::<Document>(bytes, &since),
        "epub" => blocks::<Book>(bytes, &since),
        "zip" | "jar" | "tar" | "tgz" | "gz" | "zst" => archive(bytes, &path, &since),
        "jpg" | "jpeg" | "png" | "webp" | "tif" | "tiff" | "heic" | "avif" => {
            picture(bytes, &since)
        }
        "md" => markdown(&bytes, &since),
        "csv" | "tsv" => table(bytes, &path, &since),
        _ => workbook(bytes, &since),
    };
    let said = said.unwrap_or_else(|refusal| json!({ "refused": refusal.to_string() }));
    println!("{said}");
    ExitCode::SUCCESS
}

/// Ends the program when an answer takes too long.
fn watch(since: Since) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(20));
            let asked = *since.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.is_some_and(|asked| asked.elapsed().as_secs() >= ANSWER_SECONDS_MAX) {
                std::process::exit(SLOW);
            }
        }
    });
}

/// An answer and its milliseconds.
fn timed<T>(since: &Since, ask: impl FnOnce() -> T) -> (T, f64) {
    let set = |to| *since.lock().unwrap_or_else(PoisonError::into_inner) = to;
    let start = Instant::now();
    set(Some(start));
    let answer = ask();
    set(None);
    (answer, start.elapsed().as_secs_f64() * 1000.0)
}

fn data(answer: &Answer) -> Value {
    serde_json::from_str(answer.json()).expect("a module answers JSON")
}

fn pages(bytes: Vec<u8>, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || Pdf::open(bytes, "a.pdf"));
    let (mut pdf, answer) = opened?;
    let overview = data(&answer);
    let Some(pages) = overview["open"]["pages"].as_array() else {
        return Err(Refusal::Locked);
    };
    let outline = pdf.ask(pdf::Request::Outline)?;
    let outline = data(&outline).as_array().map_or(0, Vec::len);
    let mut links = 0;
    let (mut chars, mut draw_ms, mut text_ms) = (0, Vec::new(), Vec::new());
    let step = pages.len().div_ceil(PAGES_ASKED).max(1);
    for (page, size) in pages.iter().enumerate().step_by(step) {
        let side = |index: usize| size[index].as_f64().unwrap_or(1.0);
        // As wide as a window, unless that would be too high.
        let scale = (1200.0 / side(0)).min((f64::from(PIXELS_MAX) / side(0) / side(1)).sqrt());
        let scale = scale.min(32.0).min(8000.0 / side(1));
        let pixels = |points: f64| (points * scale).clamp(1.0, 8000.0) as u16;
        let tile = Tile { x: 0, y: 0, width: pixels(side(0)), height: pixels(side(1)) };
        let scale = scale as f32;
        let (drawn, ms) = timed(since, || pdf.ask(pdf::Request::Draw { page, scale, tile }));
        drawn?;
        draw_ms.push(ms.round());
        let (text, ms) = timed(since, || pdf.ask(pdf::Request::Text { page }));
        let runs = data(&text?);
        let runs = runs.as_array().into_iter().flatten();
        chars += runs.filter_map(|run| run["text"].as_str()).map(str::len).sum::<usize>();
        text_ms.push(ms.round());
        links += data(&pdf.ask(pdf::Request::Links { page })?).as_array().map_or(0, Vec::len);
    }
    Ok(json!({
        "pages": pages.len(), "outline": outline, "links": links, "chars": chars,
        "open_ms": (open_ms * 10.0).round() / 10.0, "draw_ms": draw_ms, "text_ms": text_ms,
    }))
}

fn workbook(bytes: Vec<u8>, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || Workbook::open(bytes, "a.xlsx"));
    let (mut book, about) = opened?;
    let sheets = data(&about)["sheets"].as_array().map_or(0, Vec::len);
    let (mut cells, mut sheet_ms) = (0, Vec::new());
    for index in 0..sheets {
        let (extent, ms) = timed(since, || book.ask(sheet::Request::Sheet { index }));
        let rows = data(&extent?)["rows"].as_u64().unwrap_or(0) as usize;
        sheet_ms.push(ms.round());
        for start in [0, rows / 2, rows.saturating_sub(limits::ROWS_MAX)] {
            let end = start + limits::ROWS_MAX;
            let (window, _) = timed(since, || book.ask(sheet::Request::Rows { start, end }));
            let window = data(&window?);
            let rows = window["rows"].as_array().into_iter().flatten();
            cells += rows.filter_map(|row| row[1].as_array()).map(Vec::len).sum::<usize>();
        }
    }
    let open_ms = (open_ms * 10.0).round() / 10.0;
    Ok(json!({ "sheets": sheets, "cells": cells, "open_ms": open_ms, "sheet_ms": sheet_ms }))
}

fn blocks<F: Format<Request = Request>>(bytes: Vec<u8>, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || F::open(bytes, "a"));
    let (mut document, about) = opened?;
    let about = data(&about);
    let blocks = about["blocks"].as_u64().unwrap_or(0) as usize;
    let (mut at, mut pieces_ms, mut pictures) = (0, 0.0, [0, 0]);
    while at < blocks {
        let (piece, ms) = timed(since, || document.ask(Request::Blocks { start: at }));
        at += data(&piece?).as_array().map_or(blocks, Vec::len);
        pieces_ms += ms;
    }
    for index in 0.. {
        match timed(since, || document.ask(Request::Picture { index })).0 {
            Ok(_) => pictures[0] += 1,
            Err(Refusal::Unknown) => break,
            Err(_) => pictures[1] += 1,
        }
    }
    let [shown, not_shown] = pictures;
    let count = |what: &str| about[what].as_array().map_or(0, Vec::len);
    Ok(json!({
        "blocks": blocks, "cut": about["cut"], "headings": count("outline"), "links": count("links"),
        "changes": count("changes"), "pictures": shown, "pictures_not_shown": not_shown,
        "open_ms": (open_ms * 10.0).round() / 10.0, "pieces_ms": pieces_ms.round(),
    }))
}

fn archive(bytes: Vec<u8>, name: &str, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || Archive::open(bytes, name));
    let (mut opened, about) = opened?;
    let members = data(&about)["members"].as_u64().unwrap_or(0) as usize;
    let mut given = 0;
    for index in 0..members.min(MEMBERS_ASKED) {
        let (member, _) = timed(since, || opened.ask(archive::Request::Member { index }));
        given += usize::from(member.is_ok());
    }
    let open_ms = (open_ms * 10.0).round() / 10.0;
    Ok(json!({ "members": members, "given": given, "open_ms": open_ms }))
}

fn table(bytes: Vec<u8>, name: &str, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || Table::open(bytes, name));
    let (mut opened, about) = opened?;
    let rows = data(&about)["rows"].as_u64().unwrap_or(0) as usize;
    for start in [0, rows / 2, rows.saturating_sub(limits::ROWS_MAX)] {
        let end = start + limits::ROWS_MAX;
        timed(since, || opened.ask(table::Request::Rows { start, end })).0?;
    }
    Ok(json!({ "rows": rows, "open_ms": (open_ms * 10.0).round() / 10.0 }))
}

/// Rendered, and read as the page reads it: all of it, step by step.
fn markdown(bytes: &[u8], since: &Since) -> Result<Value, Refusal> {
    let text = String::from_utf8_lossy(bytes);
    let (rendering, render_ms) = timed(since, || offing_markdown::parse::render(&text));
    let Some(rendering) = rendering else {
        return Err(Refusal::Output);
    };
    let read = Rendering::read(&rendering).expect("what was rendered can be read");
    let blocks = read.blocks.len();
    let mut steps = 0;
    for step in read.steps(0, blocks).flatten() {
        step.expect("each of its steps can be read");
        steps += 1;
    }
    Ok(json!({ "blocks": blocks, "steps": steps, "render_ms": (render_ms * 10.0).round() / 10.0 }))
}

/// A copy that is made tells no place; where none can be made it says why.
fn picture(bytes: Vec<u8>, since: &Since) -> Result<Value, Refusal> {
    let (opened, open_ms) = timed(since, || Picture::open(bytes, "a.jpg"));
    let (mut opened, about) = opened?;
    let (copy, copy_ms) = timed(since, || opened.ask(picture::Request::Placeless));
    let copy = match copy {
        Ok(copy) => json!({ "bytes": copy.bytes().len(), "shortened": data(&copy)["shortened"] }),
        Err(refusal) => json!(refusal.to_string()),
    };
    let round = |ms: f64| (ms * 10.0).round() / 10.0;
    let facts = &data(&about)["facts"];
    Ok(
        json!({ "facts": facts, "copy": copy, "open_ms": round(open_ms), "copy_ms": round(copy_ms) }),
    )
}
