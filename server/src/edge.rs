//! A blind edge: keeps sealed chunks near people, and passes everything else on to the origin.
//!
//! It has no key, no accounts and no database; what it sees is what any proxy between people and
//! their server would see. Only chunks are answered here, when the origin has given leave (`reads`) or
//! has signed a ticket (`ticketed`); an edge whose origin is away says so at once (`origin`). To people
//! it is one more address of the server, or none at all: the app finds it.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use offing_core::proto::Code;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api;
use crate::api::headers::secure;
use crate::config::Config;
use crate::error::ApiError;
use crate::intake::Pool;
use crate::limit::RateLimiter;
use crate::listening::{Listening, Running};
use crate::metrics::{serve_figures, text_of_edge};
use crate::state::Clock;
use cache::{Cache, Wanted};
use flights::Flights;
use leave::Leaves;
use origin::Origin;
use ticketed::{Keys, STATUS, Ticketed};

pub use origin::Patience;

pub(crate) mod cache;
mod flights;
mod leave;
mod origin;
mod pass;
mod reads;
mod ticketed;

/// A blind edge; cloning shares it.
#[derive(Clone)]
pub struct Edge(Arc<Shared>);

struct Shared {
    config: Config,
    origin: Origin,
    cache: Cache,
    flights: Flights,
    leaves: Leaves,
    keys: Keys,
    /// For chunks, until they are sent.
    memory: Pool<IpAddr>,
    /// For what is passed on.
    calls: Pool<IpAddr>,
    /// Of reads that the origin does not hear of.
    limiter: RateLimiter,
    sockets: Arc<Semaphore>,
    running: Running,
    figures: Figures,
    clock: Clock,
}

/// What is counted of chunks.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Answered from what was here.
    pub(crate) served: AtomicU64,
    /// Fetched from the origin.
    pub(crate) fetched: AtomicU64,
    /// Questions whether somebody may read.
    pub(crate) asked: AtomicU64,
}

/// Reports why an edge cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// Nobody has said whose edge it is.
    #[error("an edge wants to know its origin")]
    NoOrigin,
    /// The folder of the chunks cannot be used.
    #[error("cannot open the folder {folder}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be asked.
    #[error("cannot make the client that asks the origin")]
    Client(#[from] reqwest::Error),
}

impl Edge {
    /// Opens the chunks that are kept; blocks.
    pub fn open(config: Config, patience: Patience, clock: Clock) -> Result<Self, EdgeError> {
        let url = config.origin.clone().ok_or(EdgeError::NoOrigin)?;
        let folder = config.cache.clone();
        let cache = Cache::open(&folder, config.cache_bytes);
        let cache = cache.map_err(|source| EdgeError::Folder { folder, source })?;
        let kept = cache.kept();
        tracing::info!(chunks = kept.chunks, bytes = kept.bytes, "opened what is kept");
        Ok(Self(Arc::new(Shared {
            origin: Origin::new(url, patience, Arc::clone(&clock))?,
            sockets: Arc::new(Semaphore::new(config.live_sockets as usize)),
            config,
            cache,
            flights: Flights::default(),
            leaves: Leaves::default(),
            keys: Keys::default(),
            memory: Pool::new(MEMORY_BYTES_MAX, MEMORY_SHARE_BYTES_MAX),
            calls: Pool::new(CALLS_BYTES_MAX, CALLS_SHARE_BYTES_MAX),
            limiter: RateLimiter::new(RATE_KEYS_MAX),
            running: Running::default(),
            figures: Figures::default(),
            clock,
        })))
    }

    /// Its figures, in Prometheus's text format.
    pub fn figures(&self) -> String {
        let Shared { config, running, cache, figures, sockets, origin, .. } = &*self.0;
        let free = sockets.available_permits() as u64;
        let live_sockets = u64::from(config.live_sockets).saturating_sub(free);
        text_of_edge(&running.metrics, &cache.kept(), figures, live_sockets, origin.is_away())
    }

    async fn answer(&self, asked: Request) -> Result<Response, ApiError> {
        let address = api::address(&self.0.config, &asked);
        if asked.uri().path() == HEALTH {
            return Ok(self.own("ok\n".into_response()));
        }
        if asked.uri().path() == READY && self.0.running.is_leaving() {
            return Err(Code::Unavailable.into());
        }
        if asked.uri().path() == STATUS {
            return Ok(self.status().await);
        }
        if pass::is_live(&asked) {
            return self.pass_live(address, asked).await;
        }
        if let Some(ticketed) = Ticketed::of(&asked) {
            return self.read_ticketed(ticketed, address, asked.headers()).await;
        }
        match wanted(&asked) {
            Some(wanted) => self.read(wanted, address, asked).await,
            None => self.pass(address, asked).await,
        }
    }

    /// An answer that is not the origin's has its headers all the same.
    fn own(&self, mut response: Response) -> Response {
        secure(&mut response, &self.0.config);
        api::name_request(&mut response, &api::request_id());
        response
    }

    fn now_ms(&self) -> i64 {
        (self.0.clock)()
    }
}

/// The chunk that a request wants to read.
fn wanted(asked: &Request) -> Option<Wanted> {
    let is_read = asked.method() == Method::GET && asked.uri().query().is_none();
    if is_read { Wanted::of(asked.uri().path()) } else { None }
}

/// Serves until `shutdown` resolves, then lets what is under way finish and ends live sockets.
pub async fn serve_edge(
    listener: TcpListener,
    edge: Edge,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let listening = Listening::new(listener, &edge.0.config)?;
    let mut chores = JoinSet::new();
    if let Some(address) = edge.0.config.metrics {
        let listener = TcpListener::bind(address).await?;
        let edge = edge.clone();
        chores.spawn(async { drop(serve_figures(listener, move || edge.figures()).await) });
    }
    let router = Router::new().fallback(around).with_state(edge.clone());
    let closed = async { drop(edge.0.sockets.acquire_many(edge.0.config.live_sockets).await) };
    listening.answer(router, &edge.0.running, shutdown, closed).await;
    Ok(())
}

/// Around everything: figures. What somebody asked is no business of an edge's log.
async fn around(State(edge): State<Edge>, asked: Request) -> Response {
    let metrics = &edge.0.running.metrics;
    let (start, method) = (Instant::now(), asked.method().clone());
    let is_chunk = wanted(&asked).is_some() || Ticketed::of(&asked).is_some();
    let route = if is_chunk { ROUTE_CHUNK } else { ROUTE_OTHER };
    let asked = asked.map(|body| metrics.receives(body));
    let answer = edge.answer(asked).await.unwrap_or_else(|error| edge.own(error.into_response()));
    if let Some(code) = answer.extensions().get::<Code>() {
        metrics.refused(*code);
    }
    metrics.answered(&method, route, answer.status().as_u16(), start.elapsed());
    answer.map(|body| metrics.sends(body))
}

const HEALTH: &str = "/healthz";
/// Which the server answers, as long as the edge stays.
const READY: &str = "/readyz";
const ROUTE_CHUNK: &str = "/api/v1/vaults/{vault}/chunks/{chunk}";
const ROUTE_OTHER: &str = "other";
const RATE_KEYS_MAX: usize = 100_000;
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Fifteen of the largest chunks, whose lengths are not known before they come.
const MEMORY_SHARE_BYTES_MAX: usize = 64 * 1024 * 1024;
const CALLS_BYTES_MAX: usize = 256 * 1024 * 1024;
const CALLS_SHARE_BYTES_MAX: usize = 32 * 1024 * 1024;
