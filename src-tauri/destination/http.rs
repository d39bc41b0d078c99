//! Requests over HTTP, for the types that speak it: one client with the trust of a destination, the proxies of the environment, and limits
//! on silence. It knows no service, follows no redirect, and keeps no secret out of what it is asked to send.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{CONTENT_LENGTH, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Body as RequestBody, Client, Request, Response};
use tokio::sync::mpsc;

use super::body::Sending;
use super::net::{Incoming, Net, within};
use super::settings::Settings;
use super::{Call, DestinationError, ErrorKind, tls};

type Result<T> = std::result::Result<T, DestinationError>;

const CONNECT: Duration = Duration::from_secs(15);
/// Blocks between the reader of the body and the connection.
const AHEAD: usize = 4;
/// The largest answer that is kept whole: a page of a listing.
const LARGEST_ANSWER: usize = 32 << 20;
/// What of a refusal is worth reading.
const LARGEST_REFUSAL: usize = 64 << 10;

pub(super) struct Http {
    net: Net,
    client: Client,
    idle: Duration,
}

/// An answer that was read whole.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer whose body is still to come.
pub(super) enum Download {
    /// 200 or 206.
    Content {
        headers: HeaderMap,
        status: StatusCode,
        reader: Incoming,
    },
    Refused(Answer),
}

impl Http {
    pub fn new(settings: &Settings<'_>) -> Result<Self> {
        let idle = settings.timeout()?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(settings)?)
            .redirect(Policy::none())
            .connect_timeout(CONNECT.min(idle))
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .build()
            .map_err(|e| failed(&e))?;
        Ok(Self {
            net: Net::shared()?,
            client,
            idle,
        })
    }

    /// Sends a request with what it has in it, and reads the answer.
    pub fn send(&self, request: Request, call: &Call<'_>) -> Result<Answer> {
        self.net.run(call, async {
            let response = self.response(request).await?;
            self.answer(response, LARGEST_ANSWER).await
        })
    }

    /// Sends the next `length` bytes of a body. Where the place answers before all were sent, that is the answer.
    pub fn upload(
        &self,
        request: Request,
        body: &mut Sending<'_>,
        length: u64,
        call: &Call<'_>,
    ) -> Result<Answer> {
        self.net.run(call, async {
            let (request, blocks) = streamed(request, length);
            let response = self.sent(request, body, length, blocks).await?;
            self.answer(response, LARGEST_REFUSAL).await
        })
    }

    /// A body of `length` bytes, or what was answered instead. `length`: what was asked for; None: what the answer says.
    pub fn download(
        &self,
        request: Request,
        length: Option<u64>,
        call: &Call<'_>,
    ) -> Result<Download> {
        self.net.run(call, async {
            let response = self.response(request).await?;
            let status = response.status();
            if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
                let answer = self.answer(response, LARGEST_REFUSAL).await?;
                return Ok(Download::Refused(answer));
            }
            let headers = response.headers().clone();
            let told = response.content_length();
            let Some(length) = length.or(told) else {
                let detail = "the answer does not say how long it is";
                return Err(DestinationError::new(ErrorKind::Protocol, detail));
            };
            if told.is_some_and(|told| told != length) {
                let detail = format!("{length} bytes were asked for, {} come", told.unwrap_or(0));
                return Err(DestinationError::new(ErrorKind::Protocol, detail));
            }
            let blocks = blocks_of(response);
            let reader = Incoming::new(&self.net, blocks, length, self.idle, call);
            Ok(Download::Content {
                headers,
                status,
                reader,
            })
        })
    }

    async fn response(&self, request: Request) -> Result<Response> {
        let what = describe(&request);
        let sent = async { self.client.execute(request).await.map_err(|e| failed(&e)) };
        within(self.idle, &what, sent).await
    }

    async fn answer(&self, response: Response, most: usize) -> Result<Answer> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        let mut blocks = pin!(blocks_of(response));
        loop {
            let next = async { blocks.next().await.transpose() };
            match within(self.idle, "reading the answer", next).await? {
                Some(block) if body.len() + block.len() <= most => body.extend_from_slice(&block),
                Some(_) if status.is_success() => {
                    let detail = format!("the answer has more than {most} bytes");
                    return Err(DestinationError::new(ErrorKind::Protocol, detail));
                }
                // Enough of a refusal.
                Some(_) | None => break,
            }
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }

    /// The request and its body at once: the place may answer before it has read everything, and stop reading.
    async fn sent(
        &self,
        request: Request,
        body: &mut Sending<'_>,
        length: u64,
        blocks: mpsc::Sender<Bytes>,
    ) -> Result<Response> {
        let what = describe(&request);
        let response = pin!(async { self.client.execute(request).await.map_err(|e| failed(&e)) });
        let fed = pin!(self.feed(body, length, blocks));
        match select(response, fed).await {
            Either::Left((response, _)) => response,
            Either::Right((fed, response)) => {
                let all = fed?;
                let answered = within(self.idle, &what, response).await;
                match (all, answered) {
                    // It stopped reading and gave no reason.
                    (Fed::Stopped, Err(e)) => Err(e),
                    (_, answered) => answered,
                }
            }
        }
    }

    async fn feed(
        &self,
        body: &mut Sending<'_>,
        length: u64,
        blocks: mpsc::Sender<Bytes>,
    ) -> Result<Fed> {
        let mut left = length;
        while left > 0 {
            let Some(block) = body.next_up_to(left)? else {
                break;
            };
            left -= block.len() as u64;
            let given = async { Ok(blocks.send(block).await.is_ok()) };
            if !within(self.idle, "sending the archive", given).await? {
                return Ok(Fed::Stopped);
            }
        }
        Ok(Fed::All)
    }
}

enum Fed {
    All,
    Stopped,
}

fn describe(request: &Request) -> String {
    // Not the query: it may be signed.
    format!("{} {}", request.method(), request.url().path())
}

fn streamed(mut request: Request, length: u64) -> (Request, mpsc::Sender<Bytes>) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(AHEAD);
    let blocks = stream::poll_fn(move |context| receiver.poll_recv(context));
    let blocks = blocks.map(Ok::<_, std::convert::Infallible>);
    request
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    *request.body_mut() = Some(RequestBody::wrap_stream(blocks));
    (request, sender)
}

fn blocks_of(response: Response) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    response
        .bytes_stream()
        .map(|block| block.map_err(|e| failed(&e)))
}

/// A failure of the connection, by what it means.
fn failed(error: &reqwest::Error) -> DestinationError {
    if let Some(trust) = tls::refusal(error) {
        return trust;
    }
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_builder() {
        ErrorKind::Config
    } else if error.is_body() || error.is_decode() {
        ErrorKind::Truncated
    } else {
        ErrorKind::Unreachable
    };
    DestinationError::new(kind, causes(error))
}

/// What led to it, innermost last, without the address: it may hold a signature.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() {
        return "the connection failed".to_owned();
    }
    texts.join(": ")
}

/// What a status means where a type knows nothing more particular. `what`: what was done.
pub(super) fn refused(answer: &Answer, what: &str) -> DestinationError {
    let kind = match answer.status.as_u16() {
        401 | 407 => ErrorKind::Authentication,
        403 | 405 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::Missing,
        408 | 504 => ErrorKind::Timeout,
        412 => ErrorKind::Exists,
        413 | 507 => ErrorKind::Space,
        416 => ErrorKind::Truncated,
        429 | 503 => ErrorKind::Throttled,
        500 | 502 => ErrorKind::Unreachable,
        _ => ErrorKind::Protocol,
    };
    let mut detail = format!("{what}: it answered {}", answer.status);
    if answer.status.is_redirection() {
        detail.push_str(" and points elsewhere");
    }
    DestinationError {
        retry_after: retry_after(answer),
        ..DestinationError::new(kind, detail)
    }
}

/// In seconds; a date is not looked at, the usual wait will do.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// A request without a body. `url` was checked when the settings were read.
pub(super) fn request(method: Method, url: url::Url) -> Request {
    Request::new(method, url)
}

/// Runs what a type needs besides: a signature that is made asynchronously.
impl Http {
    pub fn wait<T>(&self, call: &Call<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.net.run(call, work)
    }
}
