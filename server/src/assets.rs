//! The built client, served from a folder: hashed files for ever, the rest revalidated.
//!
//! Every path that names no file is a place inside the app and answers `index.html`. Nothing
//! outside the folder can be named: a path is its plain segments or it is refused. A `.br`
//! file beside a file is what callers that accept brotli get; nothing is compressed here.
//!
//! The server's own pages (`PAGES`) are each a folder whose files are all below its address. They
//! are no part of the app: no release names them, and its service worker passes them on.
//!
//! A next build may stand beside it (`rollout`): all of it below `/next/`, and its hashed files at
//! their own addresses too, since devices that run it ask for them there.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::stream;
use offing_core::proto::Code;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::api::headers::FrameHash;
use crate::error::ApiError;

/// The folder of the built client.
#[derive(Debug, Clone)]
pub struct Assets {
    folder: PathBuf,
}

impl Assets {
    /// Serves this folder; it may appear later than the server.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Answers a request for a path that is no call; `next` is the folder of the next build.
    pub async fn answer(
        &self,
        next: Option<&Path>,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            return ApiError::new(Code::NotFound)
                .status(StatusCode::METHOD_NOT_ALLOWED)
                .into_response();
        }
        let Some(mut relative) = relative(path) else {
            return ApiError::new(Code::NotFound).into_response();
        };
        if PAGES.iter().any(|page| relative == Path::new(page)) {
            relative.push(INDEX);
        }
        let of_next = relative.strip_prefix(NEXT).ok().map(Path::to_owned);
        let file = match (next, &of_next) {
            (Some(next), Some(of_next)) => open(next, of_next, headers).await,
            _ => open(&self.folder, &relative, headers).await,
        };
        if let Some(file) = file {
            return file.answer(method, headers);
        }
        if let Some(next) = next.filter(|_| relative.starts_with(HASHED))
            && let Some(file) = open(next, &relative, headers).await
        {
            return file.answer(method, headers);
        }
        if of_next.is_some() || !is_place(path, headers) {
            return ApiError::new(Code::NotFound).into_response();
        }
        match open(&self.folder, Path::new(INDEX), headers).await {
            Some(index) => index.answer(method, headers),
            None => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The client is not built: there is no index.html in the assets folder.\n",
            )
                .into_response(),
        }
    }
}

async fn open(folder: &Path, relative: &Path, headers: &HeaderMap) -> Option<File> {
    let plain = folder.join(relative);
    let stamp = stamp(&plain).await?;
    let mut brotli = plain.clone().into_os_string();
    brotli.push(".br");
    let brotli = PathBuf::from(brotli);
    let has_brotli = self::stamp(&brotli).await.is_some();
    let take_brotli = has_brotli && accepts_brotli(headers);
    let path = if take_brotli { brotli } else { plain.clone() };
    let len_bytes = tokio::fs::metadata(&path).await.ok()?.len();
    Some(File {
        path,
        len_bytes,
        etag: format!("W/\"{stamp}{}\"", if take_brotli { "-br" } else { "" }),
        mime: mime(&plain),
        is_brotli: take_brotli,
        varies: has_brotli,
        immutable: relative.starts_with(HASHED),
        is_worker: relative == Path::new("sw.js"),
        frame_hash: match relative.to_str() {
            Some(INDEX) => frame_hash(folder).await,
            _ => None,
        },
    })
}

/// The script that the page's preview may have inline; a client of another build may name
/// none.
async fn frame_hash(folder: &Path) -> Option<FrameHash> {
    let text = tokio::fs::read_to_string(folder.join(FRAME_HASH)).await.ok()?;
    FrameHash::parse(&text)
}

struct File {
    path: PathBuf,
    len_bytes: u64,
    etag: String,
    mime: &'static str,
    is_brotli: bool,
    varies: bool,
    immutable: bool,
    is_worker: bool,
    frame_hash: Option<FrameHash>,
}

impl File {
    fn answer(self, method: &Method, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let etag = HeaderValue::from_str(&self.etag).expect("an etag is visible ASCII");
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == self.etag || tag.trim() == "*");
        if let Some(hash) = self.frame_hash {
            response.extensions_mut().insert(hash);
        }
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag);
        let cache = if self.immutable { "public,max-age=31536000,immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        if self.varies {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if self.is_worker {
            headers.insert("service-worker-allowed", HeaderValue::from_static("/"));
        }
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.mime));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.len_bytes));
        if self.is_brotli {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        if method == Method::GET {
            *response.body_mut() = stream_out(self.path, self.len_bytes);
        }
        response
    }
}

/// Reads a file a piece at a time, as fast as it is taken. It is opened anew for each, so that
/// slow callers hold neither memory nor open files; one that changes meanwhile breaks off.
fn stream_out(path: PathBuf, len_bytes: u64) -> Body {
    Body::from_stream(stream::try_unfold(0, move |at| {
        let path = path.clone();
        async move {
            if at == len_bytes {
                return Ok(None);
            }
            let mut file = tokio::fs::File::open(path).await?;
            if file.metadata().await?.len() != len_bytes {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            file.seek(io::SeekFrom::Start(at)).await?;
            let wanted = PIECE_BYTES.min(len_bytes - at);
            let mut piece = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
            file.take(wanted).read_to_end(&mut piece).await?;
            let next = at + piece.len() as u64;
            if piece.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Ok(Some((Bytes::from(piece), next)))
        }
    }))
}

/// Bytes of one piece.
const PIECE_BYTES: u64 = 64 * 1024;

/// Length and time of change, which change when the content does; `None` if it is no file.
async fn stamp(path: &Path) -> Option<String> {
    let found = tokio::fs::metadata(path).await.ok().filter(std::fs::Metadata::is_file)?;
    let changed = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{:x}-{:x}", found.len(), changed.as_nanos()))
}

/// The path as plain segments below the folder, or nothing if it is anything else.
fn relative(path: &str) -> Option<PathBuf> {
    let relative = PathBuf::from(path.strip_prefix('/')?);
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    // Percent signs stay encoded, so a name that needs them is simply not found.
    (is_plain && !path.contains(['\\', '\0'])).then_some(relative)
}

/// Says whether a path that names no file is a place inside the app.
///
/// A path that looks like a file is one only for a navigation, so that a missing script or
/// image is a plain 404 and not a page.
fn is_place(path: &str, headers: &HeaderMap) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if first == HASHED || PAGES.contains(&first) {
        return false;
    }
    let looks_like_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    !looks_like_file || wants_page
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().trim_start_matches("q=");
            name.trim() == "br" && weight.parse::<f32>().map_or(true, |weight| weight > 0.0)
        })
}

fn mime(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

const INDEX: &str = "index.html";
/// Files whose names have the hash of their content.
const HASHED: &str = "assets";
/// Pages of the server itself, by their addresses.
const PAGES: [&str; 2] = ["admin", "checkup"];
/// Below this are the files of the next build.
const NEXT: &str = "next";
/// Made by the client's build, beside the page.
const FRAME_HASH: &str = "frame.sha256";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_segments_name_a_file() {
        assert_eq!(relative("/assets/app.js"), Some(PathBuf::from("assets/app.js")));
        assert_eq!(relative("/"), Some(PathBuf::new()));
        for path in ["/../secret", "/a/../../b", "//etc/passwd", "/a\\..\\b", "x"] {
            assert_eq!(relative(path), None, "{path}");
        }
    }

    #[test]
    fn brotli_is_taken_only_when_it_is_accepted() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_brotli(&headers)
        };
        assert!(check("gzip, deflate, br"));
        assert!(check("br;q=0.5"));
        assert!(!check("br;q=0"));
        assert!(!check("gzip"));
    }
}
