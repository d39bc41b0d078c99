//! The answers of the service, out of their XML. A hostile one is an error or an odd value, never more: no document type, no entity of its
//! own, no more than was read. What a refusal means is told in `refusal`.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::destination::http::Answer;
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of `List Blobs`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(default)]
    pub blobs: Blobs,
    pub next_marker: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Blobs {
    #[serde(rename = "Blob")]
    pub blobs: Vec<Blob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Blob {
    pub name: String,
    #[serde(default)]
    pub properties: Properties,
}

/// Numbers as text: a size that is none concerns its blob alone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Properties {
    #[serde(rename = "Content-Length")]
    pub length: String,
    #[serde(rename = "Last-Modified")]
    pub modified: String,
}

/// Of `Get Block List`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BlockList {
    #[serde(default)]
    pub uncommitted_blocks: Blocks,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Blocks {
    #[serde(rename = "Block")]
    pub blocks: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Block {
    pub name: String,
    pub size: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Failure {
    pub code: String,
    pub message: String,
    /// It may hold what was signed.
    pub authentication_error_detail: String,
}

/// What the service calls each, and nobody else.
pub(super) trait Document: DeserializeOwned {
    const ROOT: &str;
}

impl Document for Page {
    const ROOT: &str = "EnumerationResults";
}

impl Document for BlockList {
    const ROOT: &str = "BlockList";
}

impl Document for Failure {
    const ROOT: &str = "Error";
}

pub(super) fn parsed<T: Document>(answer: &Answer, what: &str) -> Result<T> {
    read(&answer.body).ok_or_else(|| {
        let detail = format!("{what}: the answer is no `{}`", T::ROOT);
        DestinationError::new(ErrorKind::Protocol, detail)
    })
}

pub(super) fn failure(answer: &Answer) -> Failure {
    read(&answer.body).unwrap_or_default()
}

fn read<T: Document>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") || root_of(text)? != T::ROOT {
        return None;
    }
    quick_xml::de::from_str(text).ok()
}

/// The name of the first element.
fn root_of(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(instruction) = rest.strip_prefix("<?") {
        rest = instruction.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let ends = |c: char| c.is_whitespace() || c == '>' || c == '/';
    name.split(ends).next()
}
