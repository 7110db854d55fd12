//! Calls to S3: signed, given up when nothing moves (`silence`), tried again where that is safe (which
//! is always: puts are conditional, everything else repeats itself).
//!
//! After some failures S3 is away: calls are refused at once, and one at a time finds out whether
//! it is back. A call that was under way by then keeps its pauses, so a hiccup costs no call that
//! outlasts it; what fails to its end while S3 is away says so. A read of a task is asked a second
//! time when its answer is late.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use rusty_s3::actions::{ListObjectsV2, S3Action as _};
use rusty_s3::{Credentials, UrlStyle};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::hedge::Hedge;
use super::silence::{PATIENCE, Sent, TRIAL_PATIENCE, unless_silent, whole};
use crate::breaker::Breaker;
use crate::store::blob::{BlobError, Remote};

/// How long a signed call may be under way before the store refuses it.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// Connections of reads that are kept for the next ones.
const IDLE_MAX: usize = 64;
/// Pauses before a call is tried again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// Where a bucket is, and who asks.
#[derive(Clone)]
pub struct S3Address {
    /// `https://HOST[:PORT]/BUCKET[/PREFIX][?region=REGION]`.
    pub url: String,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl fmt::Debug for S3Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)
    }
}

/// What became of a put that must not replace anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Made,
    WasThere,
}

/// What became of asking for a range.
pub(super) enum Opened {
    /// All of it is on its way.
    Coming(Response),
    /// There is no such object.
    Gone,
    /// It ends before.
    Short,
}

/// A bucket, and the part of it that is ours.
pub(super) struct Bucket {
    bucket: rusty_s3::Bucket,
    prefix: String,
    credentials: Credentials,
    client: Client,
    /// For reads of tasks. Its connections are driven by the runtime of those tasks, so what comes
    /// changes no thread on its way.
    reads: Client,
    hedge: Hedge,
    breaker: Breaker,
    /// What the breaker's time is counted from: nobody puts this clock back.
    since: Instant,
    runtime: Handle,
}

impl Bucket {
    pub(super) fn new(address: &S3Address, runtime: Handle) -> Result<Self, BlobError> {
        let malformed = || BlobError::Address { url: address.url.clone() };
        let url: reqwest::Url = address.url.parse().map_err(|_| malformed())?;
        let region = url.query_pairs().find(|(name, _)| name == "region");
        let region = region.map_or_else(|| "us-east-1".to_owned(), |(_, region)| region.into());
        let (name, prefix) = url
            .path()
            .trim_matches('/')
            .split_once('/')
            .unwrap_or_else(|| (url.path().trim_matches('/'), ""));
        let (name, mut prefix) = (name.to_owned(), prefix.to_owned());
        if !prefix.is_empty() {
            prefix.push('/');
        }
        let mut endpoint = url.clone();
        endpoint.set_path("");
        endpoint.set_query(None);
        let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, name, region)
            .map_err(|_| malformed())?;
        // By HTTP/1 a second question has another connection than the first.
        let reads = Client::builder().http1_only().pool_max_idle_per_host(IDLE_MAX);
        let client = Client::builder().build().map_err(failed)?;
        let reads = reads.build().map_err(failed)?;
        let credentials = Credentials::new(address.access_key.clone(), address.secret_key.clone());
        Ok(Self {
            bucket,
            prefix,
            credentials,
            client,
            reads,
            hedge: Hedge::default(),
            breaker: Breaker::default(),
            since: Instant::now(),
            runtime,
        })
    }

    /// How calls went.
    pub(super) fn remote(&self) -> Remote {
        let (second_asks, second_firsts) = self.hedge.counts();
        Remote { second_asks, second_firsts, is_away: self.breaker.is_open() }
    }

    /// Puts an object unless there is one.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<Put, BlobError> {
        let bytes = Bytes::from(bytes);
        self.wait(self.put_bytes(name, &bytes))
    }

    /// Puts an object under a name that is ours alone: one that is there already is this one.
    pub(super) fn put_once(&self, name: &str, bytes: Vec<u8>) -> Result<(), BlobError> {
        let bytes = Bytes::from(bytes);
        match self.wait(self.put_bytes(name, &bytes))? {
            Put::Made => Ok(()),
            // From a try before, whose answer was lost.
            Put::WasThere if self.get(name, None)?.is_some_and(|held| held == bytes) => Ok(()),
            Put::WasThere => Err(BlobError::NotOurs { name: name.to_owned() }),
        }
    }

    async fn put_bytes(&self, name: &str, bytes: &Bytes) -> Result<Put, BlobError> {
        let (key, sent) = (self.key(name), Sent::default());
        let request = || {
            let mut action = self.bucket.put_object(Some(&self.credentials), &key);
            action.headers_mut().insert("if-none-match", "*");
            let request = self.client.request(Method::PUT, action.sign(SIGNED_FOR));
            request.header(header::IF_NONE_MATCH, "*").body(sent.body(bytes.clone()))
        };
        let response = self.until_answered(&sent, || asked(request())).await?;
        match response.status() {
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(Put::WasThere),
            status if status.is_success() => Ok(Put::Made),
            _ => Err(refused(response).await),
        }
    }

    /// Reads an object or a range of it; `None` where there is none.
    pub(super) fn get(
        &self,
        name: &str,
        range: Option<&Range<u64>>,
    ) -> Result<Option<Bytes>, BlobError> {
        self.wait(async {
            let key = self.key(name);
            let response = self.call(|| self.reading(&self.client, &key, range)).await?;
            match response.status() {
                StatusCode::NOT_FOUND => Ok(None),
                // Past the end: nothing of it is there.
                StatusCode::RANGE_NOT_SATISFIABLE => Ok(Some(Bytes::new())),
                status if status.is_success() => Ok(Some(whole(response).await?)),
                _ => Err(refused(response).await),
            }
        })
    }

    /// Asks for a range of an object, for the task that reads the answer.
    pub(super) async fn open(&self, name: &str, range: Range<u64>) -> Result<Opened, BlobError> {
        let len = range.end - range.start;
        let key = self.key(name);
        let request = || self.reading(&self.reads, &key, Some(&range));
        let response = self.until_answered(&Sent::default(), || self.asked_twice(&request)).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(Opened::Gone),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Opened::Short),
            status if status.is_success() => match response.content_length() == Some(len) {
                true => Ok(Opened::Coming(response)),
                false => Ok(Opened::Short),
            },
            _ => Err(refused(response).await),
        }
    }

    fn reading(&self, client: &Client, key: &str, range: Option<&Range<u64>>) -> RequestBuilder {
        let action = self.bucket.get_object(Some(&self.credentials), key);
        let request = client.request(Method::GET, action.sign(SIGNED_FOR));
        match range {
            Some(Range { start, end }) => {
                request.header(header::RANGE, format!("bytes={start}-{}", end - 1))
            }
            None => request,
        }
    }

    /// The length of an object; `None` where there is none.
    pub(super) fn len(&self, name: &str) -> Result<Option<u64>, BlobError> {
        let key = self.key(name);
        self.wait(async {
            let response = self
                .call(|| {
                    let action = self.bucket.head_object(Some(&self.credentials), &key);
                    self.client.request(Method::HEAD, action.sign(SIGNED_FOR))
                })
                .await?;
            match response.status() {
                StatusCode::NOT_FOUND => Ok(None),
                status if status.is_success() => {
                    let len = response.headers().get(header::CONTENT_LENGTH);
                    let len = len.and_then(|len| len.to_str().ok()?.parse().ok());
                    len.map(Some).ok_or_else(|| failed(io::Error::other("no content-length")))
                }
                _ => Err(refused(response).await),
            }
        })
    }

    /// Removes an object, if it is there.
    pub(super) fn delete(&self, name: &str) -> Result<(), BlobError> {
        let key = self.key(name);
        self.wait(async {
            let response = self
                .call(|| {
                    let action = self.bucket.delete_object(Some(&self.credentials), &key);
                    self.client.request(Method::DELETE, action.sign(SIGNED_FOR))
                })
                .await?;
            match response.status() {
                StatusCode::NOT_FOUND => Ok(()),
                status if status.is_success() => Ok(()),
                _ => Err(refused(response).await),
            }
        })
    }

    /// The names below a folder, in order.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, BlobError> {
        let prefix = self.key(folder);
        self.wait(async {
            let (mut names, mut more) = (Vec::new(), None);
            loop {
                let response = self
                    .call(|| {
                        let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
                        action.with_prefix(prefix.as_str());
                        if let Some(token) = &more {
                            action.with_continuation_token(String::clone(token));
                        }
                        self.client.request(Method::GET, action.sign(SIGNED_FOR))
                    })
                    .await?;
                if !response.status().is_success() {
                    return Err(refused(response).await);
                }
                let text = whole(response).await?;
                let text = String::from_utf8_lossy(&text);
                let page = ListObjectsV2::parse_response(&text).map_err(failed)?;
                let found =
                    page.contents.iter().filter_map(|object| object.key.strip_prefix(&prefix));
                names.extend(found.map(str::to_owned));
                more = page.next_continuation_token;
                if more.is_none() {
                    names.sort_unstable();
                    return Ok(names);
                }
            }
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn call(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, BlobError> {
        self.until_answered(&Sent::default(), || asked(request())).await
    }

    /// Asks until there is an answer that asking again would not change; not at all while S3 is away.
    async fn until_answered<F>(
        &self,
        sent: &Sent,
        ask: impl Fn() -> F,
    ) -> Result<Response, BlobError>
    where
        F: Future<Output = Result<Response, BlobError>>,
    {
        let away = |wait| BlobError::Away { wait };
        let mut leave = Ok(self.breaker.ask(self.now_ms()).map_err(away)?);
        let mut pauses = PAUSES.into_iter();
        loop {
            let answer = match leave {
                Ok(attempt) => {
                    let patience = if attempt.is_trial() { TRIAL_PATIENCE } else { PATIENCE };
                    let answer = unless_silent(patience, sent, ask()).await;
                    match &answer {
                        Ok(_) => attempt.succeeded(),
                        Err(_) => attempt.failed(self.now_ms()),
                    }
                    answer
                }
                Err(away) => Err(away),
            };
            if answer.as_ref().is_ok_and(|answer| answer.status() != StatusCode::TOO_MANY_REQUESTS)
            {
                return answer;
            }
            let Some(pause) = pauses.next() else {
                let wait = self.breaker.wait(self.now_ms());
                return answer.map_err(|error| wait.map_or(error, away));
            };
            tokio::time::sleep(pause).await;
            leave = self.breaker.ask(self.now_ms()).map_err(away);
        }
    }

    /// Asks, and once more if the answer is late; the first that comes is taken.
    async fn asked_twice(
        &self,
        request: &impl Fn() -> RequestBuilder,
    ) -> Result<Response, BlobError> {
        let began = Instant::now();
        let mut first = pin!(asked(request()));
        let answer = match timeout(self.hedge.first(), first.as_mut()).await {
            Ok(answer) => answer,
            Err(_) if !self.hedge.second() => first.await,
            Err(_) => match select(first, pin!(asked(request()))).await {
                Either::Left((Err(_), second)) => second.await,
                Either::Right((Err(_), first)) => first.await,
                Either::Left((answer, _)) => answer,
                Either::Right((answer, _)) => {
                    self.hedge.second_was_first();
                    answer
                }
            },
        };
        if answer.is_ok() {
            self.hedge.answered(began.elapsed());
        }
        answer
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }
}

/// Asks once. That S3 has trouble is no answer.
async fn asked(request: RequestBuilder) -> Result<Response, BlobError> {
    match request.send().await {
        Ok(response) => {
            let status = response.status();
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                tracing::warn!(%status, "S3 has trouble");
            }
            if status.is_server_error() { Err(refused(response).await) } else { Ok(response) }
        }
        Err(error) => {
            // Without the URL, which carries the signature.
            let error = error.without_url();
            tracing::warn!(%error, "cannot reach S3");
            Err(failed(error))
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> BlobError {
    BlobError::Io(io::Error::other(error))
}

/// An answer that is none of those expected; its body names the reason.
async fn refused(response: Response) -> BlobError {
    let status = response.status();
    let text = whole(response).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("", |(code, _)| code).to_owned();
    BlobError::Refused { status: status.as_u16(), code }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use futures_util::future::select_all;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::store::s3::coming::Coming;

    /// A bucket at a server that does this with each connection.
    async fn bucket<F>(serve: fn(TcpStream) -> F) -> Bucket
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/bucket", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket));
            }
        });
        let (access_key, secret_key) = ("key".to_owned(), "secret".to_owned());
        Bucket::new(&S3Address { url, access_key, secret_key }, Handle::current()).unwrap()
    }

    /// Takes what comes and never says a word.
    async fn is_silent(mut socket: TcpStream) {
        while socket.read(&mut [0; 1024]).await.is_ok_and(|len| len > 0) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_connections_and_never_answers_is_away_after_seconds() {
        let bucket = bucket(is_silent).await;
        let began = Instant::now();
        let reads = (0..4).map(|_| Box::pin(bucket.open("segments/1", 0..9)));
        let (first, _, others) = select_all(reads).await;
        assert!(matches!(first, Err(BlobError::Away { .. })));
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        assert!(bucket.remote().is_away);
        let began = Instant::now();
        let refused = bucket.put_bytes("segments/2", &Bytes::from_static(b"a")).await;
        assert!(matches!(refused, Err(BlobError::Away { .. })), "{refused:?}");
        assert_eq!(began.elapsed(), Duration::ZERO);
        drop(others);
    }

    #[tokio::test(start_paused = true)]
    async fn who_puts_alone_hears_that_it_is_away_within_a_minute() {
        let bucket = bucket(is_silent).await;
        let began = Instant::now();
        let refused = bucket.put_bytes("segments/1", &Bytes::from(vec![1; 100_000])).await;
        assert!(matches!(refused, Err(BlobError::Away { .. })), "{refused:?}");
        assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_slowly_comes_to_its_end() {
        let bucket = bucket(|mut socket| async move {
            assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
            socket.write_all(b"HTTP/1.1 206 \r\ncontent-length: 20\r\n\r\n").await.unwrap();
            for byte in 0..20 {
                tokio::time::sleep(Duration::from_secs(8)).await;
                socket.write_all(&[byte]).await.unwrap();
            }
        });
        let (bucket, began) = (std::sync::Arc::new(bucket.await), Instant::now());
        let read: Vec<_> = Coming::of(bucket, 1, 0..20).pieces().try_collect().await.unwrap();
        assert_eq!(read.concat(), (0..20).collect::<Vec<u8>>());
        assert!(began.elapsed() >= Duration::from_secs(160));
    }
}
