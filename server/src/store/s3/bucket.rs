//! Calls to S3: signed, bounded in time, tried again where that is safe (which is always: puts
//! are conditional, everything else repeats itself).

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, Method, Response, StatusCode, header};
use rusty_s3::actions::{ListObjectsV2, S3Action as _};
use rusty_s3::{Credentials, UrlStyle};
use tokio::runtime::Handle;

use crate::store::blob::BlobError;

/// How long a signed call may be under way before the store refuses it.
const SIGNED_FOR: Duration = Duration::from_secs(300);
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a call may take; an object has some megabytes.
const CALL_MAX: Duration = Duration::from_secs(60);
/// How long a read may wait for the next bytes; who takes them slowly may take longer for all.
const STALL_MAX: Duration = Duration::from_secs(30);
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
        let client = || Client::builder().connect_timeout(CONNECT_MAX);
        let reads = client().read_timeout(STALL_MAX).pool_max_idle_per_host(IDLE_MAX);
        let (client, reads) = (client().timeout(CALL_MAX).build(), reads.build());
        let (client, reads) = (client.map_err(failed)?, reads.map_err(failed)?);
        let credentials = Credentials::new(address.access_key.clone(), address.secret_key.clone());
        Ok(Self { bucket, prefix, credentials, client, reads, runtime })
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
        let key = self.key(name);
        let response = self
            .call(|| {
                let mut action = self.bucket.put_object(Some(&self.credentials), &key);
                action.headers_mut().insert("if-none-match", "*");
                let request = self.client.request(Method::PUT, action.sign(SIGNED_FOR));
                request.header(header::IF_NONE_MATCH, "*").body(bytes.clone())
            })
            .await?;
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
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, BlobError> {
        self.wait(async {
            let response = self.ask(&self.client, name, range).await?;
            match response.status() {
                StatusCode::NOT_FOUND => Ok(None),
                // Past the end: nothing of it is there.
                StatusCode::RANGE_NOT_SATISFIABLE => Ok(Some(Bytes::new())),
                status if status.is_success() => Ok(Some(response.bytes().await.map_err(failed)?)),
                _ => Err(refused(response).await),
            }
        })
    }

    /// Asks for a range of an object, for the task that reads the answer.
    pub(super) async fn open(&self, name: &str, range: Range<u64>) -> Result<Opened, BlobError> {
        let len = range.end - range.start;
        let response = self.ask(&self.reads, name, Some(range)).await?;
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

    async fn ask(
        &self,
        client: &Client,
        name: &str,
        range: Option<Range<u64>>,
    ) -> Result<Response, BlobError> {
        let key = self.key(name);
        self.call(|| {
            let action = self.bucket.get_object(Some(&self.credentials), &key);
            let request = client.request(Method::GET, action.sign(SIGNED_FOR));
            match &range {
                Some(Range { start, end }) => {
                    request.header(header::RANGE, format!("bytes={start}-{}", end - 1))
                }
                None => request,
            }
        })
        .await
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
                let text = response.text().await.map_err(failed)?;
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

    /// Calls until there is an answer that trying again would not change.
    async fn call(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Response, BlobError> {
        for pause in PAUSES {
            match request().send().await {
                Ok(response)
                    if !response.status().is_server_error()
                        && response.status() != StatusCode::TOO_MANY_REQUESTS =>
                {
                    return Ok(response);
                }
                Ok(response) => tracing::warn!(status = %response.status(), "S3 has trouble"),
                // Without the URL, which carries the signature.
                Err(error) => {
                    tracing::warn!(error = %error.without_url(), "cannot reach S3");
                }
            }
            tokio::time::sleep(pause).await;
        }
        request().send().await.map_err(|error| failed(error.without_url()))
    }

    fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> BlobError {
    BlobError::Io(io::Error::other(error))
}

/// An answer that is none of those expected; its body names the reason.
async fn refused(response: Response) -> BlobError {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("", |(code, _)| code).to_owned();
    BlobError::Refused { status: status.as_u16(), code }
}
