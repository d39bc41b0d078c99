//! The answers of a store, out of their XML. A hostile one is an error or an odd value, never more: no document type, no entity of its own,
//! no more than was read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Said {
    pub code: String,
    pub message: String,
    pub region: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(default)]
    pub contents: Vec<Object>,
    #[serde(default)]
    pub is_truncated: bool,
    pub next_continuation_token: Option<String>,
}

/// Numbers as text: a size that is none concerns its object alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Object {
    pub key: String,
    #[serde(default)]
    pub size: String,
    #[serde(default)]
    pub last_modified: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    pub upload_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Uploads {
    #[serde(rename = "Upload", default)]
    pub open: Vec<OpenUpload>,
    #[serde(default)]
    pub is_truncated: bool,
    pub next_key_marker: Option<String>,
    pub next_upload_id_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OpenUpload {
    pub key: String,
    pub upload_id: String,
    #[serde(default)]
    pub initiated: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Arrived {
    #[serde(rename = "Part", default)]
    pub parts: Vec<ArrivedPart>,
    #[serde(default)]
    pub is_truncated: bool,
    pub next_part_number_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ArrivedPart {
    pub part_number: u32,
    #[serde(rename = "ETag")]
    pub etag: Option<String>,
    pub size: Option<u64>,
    #[serde(rename = "ChecksumSHA256")]
    pub sha256: Option<String>,
    #[serde(default)]
    pub last_modified: String,
}

#[derive(Deserialize)]
pub(super) struct Completed {
    #[serde(rename = "ETag")]
    pub etag: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    pub sha256: Option<String>,
}

/// What an upload is completed with.
#[derive(Serialize)]
#[serde(rename = "CompleteMultipartUpload")]
pub(super) struct Complete {
    #[serde(rename = "@xmlns")]
    pub namespace: &'static str,
    #[serde(rename = "Part")]
    pub parts: Vec<SentPart>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SentPart {
    pub part_number: u32,
    #[serde(rename = "ETag")]
    pub etag: String,
    #[serde(rename = "ChecksumSHA256", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// `root`: what the name of its element begins with; some stores leave out the `Result` behind it.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], root: &str) -> Result<T> {
    let text = text(bytes).filter(|text| root_of(text).is_some_and(|name| name.starts_with(root)));
    let read = text.and_then(|text| quick_xml::de::from_str(text).ok());
    read.ok_or_else(|| {
        let detail = format!("the answer is no `{root}`");
        DestinationError::new(ErrorKind::Protocol, detail)
    })
}

/// What a refusal says. None where it says nothing of the kind.
pub(super) fn error(bytes: &[u8]) -> Option<Said> {
    read(bytes, "Error").ok()
}

pub(super) fn is_error(bytes: &[u8]) -> bool {
    text(bytes).and_then(root_of) == Some("Error")
}

pub(super) fn write(document: &Complete) -> Result<String> {
    quick_xml::se::to_string(document).map_err(|e| {
        let detail = format!("the list of parts cannot be written: {e}");
        DestinationError::new(ErrorKind::Protocol, detail)
    })
}

fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains("<!DOCTYPE") && !text.contains("<!ENTITY")).then_some(text)
}

/// The name of the first element.
fn root_of(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(instruction) = rest.strip_prefix("<?") {
        rest = instruction.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    name.split(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .next()
}
