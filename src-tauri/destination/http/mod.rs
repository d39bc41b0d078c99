//! Requests over HTTP, for the types that speak it: one client with the trust of a destination, the proxies of the environment, and limits
//! on silence. It knows no service, follows no redirect, and keeps no secret out of what it is asked to send.

mod meaning;

use std::cell::Cell;
use std::ops::Range;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use reqsign_core::{Context, SignRequest};
pub(super) use reqwest::Request;
use reqwest::redirect::Policy;
use reqwest::{Body as RequestBody, Client, Response};
use tokio::sync::mpsc;
use url::Url;

use super::body::Outgoing;
use super::net::{Incoming, Net, within};
use super::settings::Settings;
use super::tls::{Need, client_config};
use super::{Call, DestinationError, ErrorKind};

pub(super) use meaning::refused;
use meaning::{asked_range, failed, told_length};

type Result<T> = std::result::Result<T, DestinationError>;

const CONNECT: Duration = Duration::from_secs(15);
/// Blocks between the reader of the body and the connection.
const AHEAD: usize = 4;
/// The largest answer that is kept whole: a page of a listing.
const LARGEST_ANSWER: usize = 32 << 20;
/// What of a refusal is worth reading.
const LARGEST_REFUSAL: usize = 64 << 10;
/// How many times the idle limit an answer may take that comes drop by drop.
const SLOWEST_ANSWER: u32 = 10;
/// What was given away and may not have left this machine yet: blocks, and buffers of the system.
const BUFFERED: u64 = 6 << 20;

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
    Content {
        headers: HeaderMap,
        status: StatusCode,
        reader: Incoming,
    },
    Refused(Answer),
}

impl Http {
    pub fn new(settings: &Settings<'_>, tls: Need) -> Result<Self> {
        let idle = settings.timeout()?;
        let client = Client::builder()
            .tls_backend_preconfigured(client_config(settings, tls)?)
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

    /// Sends the next `length` bytes of a body. Where the place refuses before all were sent, that is the answer.
    pub fn upload(
        &self,
        request: Request,
        body: &mut dyn Outgoing,
        length: u64,
        call: &Call<'_>,
    ) -> Result<Answer> {
        self.net.run(call, async {
            // The sender lives until the answer was read: without it the connection ends, and a refusal's text with it.
            let (request, blocks) = streamed(request, length);
            let response = self.sent(request, body, length, &blocks).await?;
            self.answer(response, LARGEST_REFUSAL).await
        })
    }

    /// A body of `length` bytes, or what was answered instead. `length`: what was asked for; None: what the answer says, and then it may
    /// also be the whole (200) where a part was asked for.
    pub fn download(
        &self,
        request: Request,
        length: Option<u64>,
        call: &Call<'_>,
    ) -> Result<Download> {
        let asked = asked_range(&request);
        self.net.run(call, async {
            let response = self.response(request).await?;
            let status = response.status();
            if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
                let answer = self.answer(response, LARGEST_REFUSAL).await?;
                return Ok(Download::Refused(answer));
            }
            let told = told_length(&response, asked)?;
            if let Some(length) = length.filter(|length| *length != told) {
                let detail = format!("{length} bytes were asked for, {told} come");
                let kind = if told < length {
                    ErrorKind::Truncated
                } else {
                    ErrorKind::Protocol
                };
                return Err(DestinationError::new(kind, detail));
            }
            Ok(self.content(response, Some(told), call))
        })
    }

    /// An answer (any of success) that is read as it comes, however long it is: a listing.
    pub fn stream(&self, request: Request, call: &Call<'_>) -> Result<Download> {
        self.net.run(call, async {
            let response = self.response(request).await?;
            if response.status().is_success() {
                let told = response.content_length();
                return Ok(self.content(response, told, call));
            }
            let answer = self.answer(response, LARGEST_REFUSAL).await?;
            Ok(Download::Refused(answer))
        })
    }

    fn content(&self, response: Response, length: Option<u64>, call: &Call<'_>) -> Download {
        let (status, headers) = (response.status(), response.headers().clone());
        let blocks = blocks_of(response);
        Download::Content {
            headers,
            status,
            reader: Incoming::new(&self.net, blocks, length, self.idle, call),
        }
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
        let what = "reading the answer";
        let reading = within(self.idle * SLOWEST_ANSWER, what, async {
            loop {
                let next = async { blocks.next().await.transpose() };
                match within(self.idle, what, next).await? {
                    Some(block) if body.len() + block.len() > most => {
                        let detail = format!("the answer has more than {most} bytes");
                        return Err(DestinationError::new(ErrorKind::Protocol, detail));
                    }
                    Some(block) => body.extend_from_slice(&block),
                    None => return Ok(()),
                }
            }
        });
        // A refusal is one without its text, too: a place that has said no may close the connection at once.
        match reading.await {
            Err(e) if status.is_success() => Err(e),
            _ => Ok(Answer {
                status,
                headers,
                body: body.freeze(),
            }),
        }
    }

    /// The request and its body at once: the place may refuse before it has read everything, and stop reading.
    async fn sent(
        &self,
        request: Request,
        body: &mut dyn Outgoing,
        length: u64,
        blocks: &mpsc::Sender<Bytes>,
    ) -> Result<Response> {
        let what = describe(&request);
        let began = Instant::now();
        let response = pin!(async { self.client.execute(request).await.map_err(|e| failed(&e)) });
        let left = Cell::new(length);
        let fed = pin!(self.feed(body, &left, blocks));
        let early = match select(response, fed).await {
            // Of an empty body, the answer may be there before anybody looks.
            Either::Left((response, _)) if left.get() == 0 => return response,
            Either::Left((response, _)) => response?,
            Either::Right((fed, response)) => match fed? {
                Fed::All => {
                    let limit = self.idle + time_for_buffers(began.elapsed(), length);
                    return within(limit, &what, response).await;
                }
                Fed::Stopped => within(self.idle, &what, response).await?,
            },
        };
        if early.status().is_success() {
            let detail = format!(
                "{what}: it answered {} before everything was sent",
                early.status()
            );
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        Ok(early)
    }

    async fn feed(
        &self,
        body: &mut dyn Outgoing,
        left: &Cell<u64>,
        blocks: &mpsc::Sender<Bytes>,
    ) -> Result<Fed> {
        while left.get() > 0 {
            let Some(block) = body.next_up_to(left.get())? else {
                break;
            };
            let length = block.len() as u64;
            let given = async { Ok(blocks.send(block).await.is_ok()) };
            if !within(self.idle, "sending the archive", given).await? {
                return Ok(Fed::Stopped);
            }
            left.set(left.get() - length);
        }
        Ok(Fed::All)
    }
}

enum Fed {
    All,
    Stopped,
}

/// How long what was given away last may still be on its way, on a line that took so long for all of it.
fn time_for_buffers(took: Duration, length: u64) -> Duration {
    if length <= BUFFERED {
        return took;
    }
    // Both are exact enough as floats.
    #[allow(clippy::cast_precision_loss)]
    took.mul_f64(BUFFERED as f64 / length as f64)
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

/// The address of a place, from a setting. No error repeats it: somebody may have written a password into it.
pub(super) fn address(settings: &Settings<'_>, key: &str) -> Result<Url> {
    checked_address(settings, key, settings.require(key)?)
}

/// The same where it comes from elsewhere. `key`: the setting that it stands for.
pub(super) fn checked_address(settings: &Settings<'_>, key: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        return Err(settings.bad(format!("takes a `{key}` such as https://host/path")));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(settings.bad(format!(
            "takes no user name and no password in its `{key}`: they are set on their own"
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(settings.bad(format!("takes a `{key}` without `?` and `#`")));
    }
    Ok(url)
}

/// A request without a body. `url` was checked when the settings were read.
pub(super) fn request(method: Method, url: Url) -> Request {
    Request::new(method, url)
}

/// `bytes=FIRST-LAST` of a range that is not empty.
pub(super) fn range(range: &Range<u64>) -> HeaderValue {
    let text = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
    // Digits and a few letters are a header's value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("bytes=0-0"))
}

/// A time as HTTP writes it.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// Adds what proves who asks. The credential is there, so that no signer waits for anything.
pub(super) fn sign<S: SignRequest>(
    request: &mut Request,
    signer: &S,
    credential: &S::Credential,
) -> Result<()> {
    let unsigned = || DestinationError::new(ErrorKind::Config, "the request cannot be signed");
    let head = ::http::Request::builder()
        .method(request.method())
        .uri(request.url().as_str())
        .body(());
    let mut head = head.map_err(|_| unsigned())?.into_parts().0;
    head.headers = request.headers().clone();
    let context = Context::new();
    let signed = signer.sign_request(&context, &mut head, Some(credential), None);
    match signed.now_or_never() {
        Some(Ok(())) => {
            *request.headers_mut() = head.headers;
            Ok(())
        }
        _ => Err(unsigned()),
    }
}
