//! A store of S3, as Amazon documents it: what it holds, and its usual answers.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use holdfast::model::DestinationConfig;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::pretender::{self, Asked, Given, Store};
use crate::servers::s3;

#[derive(Clone)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub mark: Option<String>,
    pub sha256: Option<String>,
}

#[derive(Clone, Default)]
pub struct Upload {
    pub key: String,
    pub mark: Option<String>,
    pub initiated: Timestamp,
    /// With the time at which it came.
    pub parts: BTreeMap<u32, (Vec<u8>, Timestamp)>,
}

#[derive(Default)]
pub struct Shop {
    pub objects: BTreeMap<String, Object>,
    pub uploads: BTreeMap<String, Upload>,
    /// What was asked, in its order: `operation`s.
    pub log: Vec<&'static str>,
    /// How much its clock is ahead.
    pub ahead: SignedDuration,
    /// It repeats checksums, and looks at none.
    pub believes_sums: bool,
    /// None: all on one page.
    pub uploads_a_page: Option<usize>,
}

const SUM: &str = "x-amz-checksum-sha256";
const MARK: &str = "x-amz-meta-holdfast-write";

fn sum(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

pub type Pretender = pretender::Pretender<Shop>;

impl Pretender {
    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        s3::config(&self.address(), more)
    }

    /// Objects, and uploads that are open.
    pub fn holds(&self) -> (usize, usize) {
        let shop = self.store.lock().unwrap();
        (shop.objects.len(), shop.uploads.len())
    }
}

fn upload_of(asked: &Asked) -> String {
    asked.query.get("uploadId").cloned().unwrap_or_default()
}

pub fn error(status: u16, code: &str, more: &str) -> Given {
    let text = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>{more}</Error>");
    Given::new(status, text)
}

impl Store for Shop {
    const PATH: &str = "/archives";

    fn operation(asked: &Asked) -> &'static str {
        let has = |name| asked.query.contains_key(name);
        match asked.method.as_str() {
            "HEAD" => "head",
            "GET" if has("uploads") => "uploads",
            "GET" if has("uploadId") => "parts",
            "GET" if asked.name.is_empty() => "list",
            "GET" => "get",
            "PUT" if has("uploadId") => "part",
            "PUT" => "put",
            "POST" if has("uploads") => "create",
            "POST" => "complete",
            "DELETE" if has("uploadId") => "abort",
            _ => "delete",
        }
    }

    fn log(&mut self) -> &mut Vec<&'static str> {
        &mut self.log
    }

    fn ahead(&self) -> SignedDuration {
        self.ahead
    }

    fn answer(&mut self, asked: &Asked) -> Given {
        match asked.operation() {
            "head" => self.head(asked),
            "get" => self.get(asked),
            "put" => self.put(asked),
            "delete" => {
                self.objects.remove(&asked.name);
                Given::new(204, "")
            }
            "list" => self.list(asked),
            "create" => self.create(asked),
            "part" => self.part(asked),
            "parts" => self.parts(asked),
            "complete" => self.complete(asked),
            "uploads" => self.open_uploads(asked),
            _ => match self.uploads.remove(&upload_of(asked)) {
                Some(_) => Given::new(204, ""),
                None => error(404, "NoSuchUpload", ""),
            },
        }
    }
}

impl Shop {
    /// A wrong one is refused.
    fn accepts(&self, asked: &Asked) -> bool {
        let told = asked.header(SUM);
        self.believes_sums || told.is_none_or(|told| told == sum(&asked.body))
    }

    fn taken(&self, asked: &Asked) -> bool {
        asked.headers.contains_key("if-none-match") && self.objects.contains_key(&asked.name)
    }

    fn head(&self, asked: &Asked) -> Given {
        let Some(object) = self.objects.get(&asked.name) else {
            return Given::new(404, "");
        };
        let mut given = Given::new(200, "")
            .with("content-length", object.bytes.len().to_string())
            .with("etag", format!("\"{}\"", sum(&object.bytes)))
            .with("last-modified", "Wed, 25 Nov 2026 10:00:00 GMT");
        if let Some(mark) = &object.mark {
            given = given.with(MARK, mark);
        }
        if let Some(sha256) = &object.sha256 {
            given = given.with(SUM, sha256);
        }
        given
    }

    fn get(&self, asked: &Asked) -> Given {
        let Some(object) = self.objects.get(&asked.name) else {
            return error(404, "NoSuchKey", "");
        };
        let Some(range) = asked.header("range") else {
            return Given::new(200, object.bytes.clone());
        };
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let size = object.bytes.len();
        if first >= size {
            return error(416, "InvalidRange", "");
        }
        let last = last.min(size - 1);
        Given::new(206, &object.bytes[first..=last])
            .with("content-range", format!("bytes {first}-{last}/{size}"))
    }

    fn put(&mut self, asked: &Asked) -> Given {
        if self.taken(asked) {
            return error(412, "PreconditionFailed", "");
        }
        if !self.accepts(asked) {
            return error(400, "BadDigest", "");
        }
        let object = Object {
            bytes: asked.body.clone(),
            mark: asked.header(MARK),
            sha256: asked.header(SUM),
        };
        let mut given = Given::new(200, "").with("etag", format!("\"{}\"", sum(&asked.body)));
        if let Some(sha256) = &object.sha256 {
            given = given.with(SUM, sha256);
        }
        self.objects.insert(asked.name.clone(), object);
        given
    }

    fn list(&self, asked: &Asked) -> Given {
        let prefix = asked.query.get("prefix").cloned().unwrap_or_default();
        let mut body = String::from("<ListBucketResult><EncodingType>url</EncodingType>");
        for (key, object) in self.objects.range(prefix.clone()..) {
            if !key.starts_with(&prefix) {
                break;
            }
            let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
            let _ = write!(
                body,
                "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-11-25T10:00:00.000Z</LastModified></Contents>",
                key.replace("%2F", "/"),
                object.bytes.len()
            );
        }
        Given::new(
            200,
            body + "<IsTruncated>false</IsTruncated></ListBucketResult>",
        )
    }

    fn create(&mut self, asked: &Asked) -> Given {
        let id = format!("upload {}", self.log.len());
        let upload = Upload {
            key: asked.name.clone(),
            mark: asked.header(MARK),
            initiated: Timestamp::now() + self.ahead,
            parts: BTreeMap::new(),
        };
        self.uploads.insert(id.clone(), upload);
        Given::new(
            200,
            format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ),
        )
    }

    fn part(&mut self, asked: &Asked) -> Given {
        if !self.accepts(asked) {
            return error(400, "BadDigest", "");
        }
        let now = Timestamp::now() + self.ahead;
        let Some(upload) = self.uploads.get_mut(&upload_of(asked)) else {
            return error(404, "NoSuchUpload", "");
        };
        let number = asked.query["partNumber"].parse().unwrap();
        upload.parts.insert(number, (asked.body.clone(), now));
        let mut given = Given::new(200, "").with("etag", format!("\"{}\"", sum(&asked.body)));
        if let Some(told) = asked.header(SUM) {
            given = given.with(SUM, told);
        }
        given
    }

    fn parts(&self, asked: &Asked) -> Given {
        let Some(upload) = self.uploads.get(&upload_of(asked)) else {
            return error(404, "NoSuchUpload", "");
        };
        let mut body = String::from("<ListPartsResult>");
        for (number, (bytes, at)) in &upload.parts {
            let _ = write!(
                body,
                "<Part><PartNumber>{number}</PartNumber><LastModified>{at}</LastModified><ETag>&quot;{0}&quot;</ETag><Size>{1}</Size><ChecksumSHA256>{0}</ChecksumSHA256></Part>",
                sum(bytes),
                bytes.len()
            );
        }
        Given::new(
            200,
            body + "<IsTruncated>false</IsTruncated></ListPartsResult>",
        )
    }

    fn complete(&mut self, asked: &Asked) -> Given {
        if self.taken(asked) {
            return error(412, "PreconditionFailed", "");
        }
        let Some(upload) = self.uploads.get(&upload_of(asked)).cloned() else {
            return error(404, "NoSuchUpload", "");
        };
        let named = String::from_utf8_lossy(&asked.body)
            .matches("<Part>")
            .count();
        if named != upload.parts.len() {
            return error(400, "InvalidPart", "");
        }
        let mut bytes = Vec::new();
        let mut sums = Vec::new();
        for (part, _) in upload.parts.values() {
            sums.extend_from_slice(&Sha256::digest(part));
            bytes.extend_from_slice(part);
        }
        let sha256 = format!("{}-{}", sum(&sums), upload.parts.len());
        let object = Object {
            bytes,
            mark: upload.mark,
            sha256: Some(sha256.clone()),
        };
        self.uploads.remove(&upload_of(asked));
        self.objects.insert(asked.name.clone(), object);
        Given::new(
            200,
            format!(
                "<?xml version=\"1.0\"?>\n   <CompleteMultipartUploadResult><ETag>\"e\"</ETag><ChecksumSHA256>{sha256}</ChecksumSHA256></CompleteMultipartUploadResult>"
            ),
        )
    }

    /// Written as it is asked for; the markers, too.
    fn open_uploads(&self, asked: &Asked) -> Given {
        let asked_for = |name: &str| asked.query.get(name).cloned().unwrap_or_default();
        let prefix = asked_for("prefix");
        let is_encoded = asked.query.contains_key("encoding-type");
        let written = |key: &str| -> String {
            if is_encoded {
                return url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
            }
            key.replace('&', "&amp;").replace('<', "&lt;")
        };
        let mut open: Vec<_> = self
            .uploads
            .iter()
            .map(|(id, upload)| (&upload.key, id, upload))
            .filter(|(key, ..)| key.starts_with(&prefix))
            .collect();
        open.sort_by_key(|(key, id, _)| (*key, *id));
        let after = (asked_for("key-marker"), asked_for("upload-id-marker"));
        open.retain(|(key, id, _)| (*key, *id) > (&after.0, &after.1));
        let page = self.uploads_a_page.unwrap_or(usize::MAX).min(open.len());
        let mut body = String::from("<ListMultipartUploadsResult>");
        for (key, id, upload) in &open[..page] {
            let _ = write!(
                body,
                "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>{}</Initiated></Upload>",
                written(key),
                upload.initiated
            );
        }
        if let Some((key, id, _)) = open[..page].last() {
            let _ = write!(
                body,
                "<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>",
                written(key)
            );
        }
        let is_truncated = page < open.len();
        Given::new(
            200,
            format!("{body}<IsTruncated>{is_truncated}</IsTruncated></ListMultipartUploadsResult>"),
        )
    }
}
