//! A container of blobs in memory, as Microsoft documents it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use holdfast::model::DestinationConfig;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use crate::pretender::{self, Asked, Given, Store, date};
use crate::servers::azurite;

#[derive(Default)]
pub struct Container {
    pub blobs: BTreeMap<String, Blob>,
    /// By blob, by name: what no list of blocks has named yet.
    pub blocks: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// What was asked, in order.
    pub log: Vec<&'static str>,
    /// Takes whatever comes for what it should be.
    pub ignores_sums: bool,
    /// How many names a page of a listing has; 0: all.
    pub page: usize,
    /// Of its clock.
    pub ahead: SignedDuration,
    made: u32,
}

pub struct Blob {
    pub bytes: Vec<u8>,
    pub headers: BTreeMap<String, String>,
    pub etag: String,
    modified: String,
}

pub type Pretender = pretender::Pretender<Container>;

impl Pretender {
    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        azurite::config(&self.address(), more)
    }

    /// Names of blobs, and how many blocks are of none.
    pub fn holds(&self) -> (Vec<String>, usize) {
        let container = self.store.lock().unwrap();
        let blocks = container.blocks.values().map(BTreeMap::len).sum();
        (container.blobs.keys().cloned().collect(), blocks)
    }
}

impl Store for Container {
    const PATH: &str = "/devstoreaccount1/archives";

    fn operation(asked: &Asked) -> &'static str {
        let is = |name: &str, value: &str| asked.query.get(name).is_some_and(|v| v == value);
        match asked.method.as_str() {
            "HEAD" => "head",
            "GET" if is("comp", "blocklist") => "blocks",
            "GET" if is("comp", "list") => "list",
            "GET" => "get",
            "PUT" if is("comp", "block") && is_a_try(asked) => "try",
            "PUT" if is("comp", "block") => "block",
            "PUT" if is("comp", "blocklist") => "commit",
            "DELETE" => "delete",
            other => panic!("{other} {:?}", asked.query),
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
            "head" | "get" => self.get(asked),
            "block" | "try" => self.put_block(asked),
            "blocks" => self.blocks(asked),
            "commit" => self.commit(asked),
            "delete" => self.delete(asked),
            _ => self.list(asked),
        }
    }
}

/// Of what becomes of a wrong checksum.
fn is_a_try(asked: &Asked) -> bool {
    asked.body == b"a" && asked.headers["content-md5"] == "kutf/uauL+w61xx3dTFXjw=="
}

impl Container {
    pub fn insert(&mut self, name: &str, bytes: &[u8]) {
        self.made += 1;
        let blob = Blob {
            bytes: bytes.to_vec(),
            headers: BTreeMap::new(),
            etag: format!("\"0x{:X}\"", self.made),
            modified: date(Timestamp::now() + self.ahead),
        };
        self.blobs.insert(name.to_owned(), blob);
    }

    fn get(&self, asked: &Asked) -> Given {
        let Some(blob) = self.blobs.get(&asked.name) else {
            return error(404, "BlobNotFound");
        };
        let size = blob.bytes.len();
        let told = |given: Given| {
            let mut given = given
                .with("ETag", &blob.etag)
                .with("Last-Modified", &blob.modified);
            for (name, value) in &blob.headers {
                given = given.with(name, value);
            }
            given
        };
        let range = asked.headers.get("range");
        let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((first, last)) = range else {
            let given = told(Given::new(200, blob.bytes.clone()));
            return given.with("Content-Length", size.to_string());
        };
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        if first >= size {
            return error(416, "InvalidRange");
        }
        let end = (last + 1).min(size);
        let part = told(Given::new(206, &blob.bytes[first..end]));
        part.with("Content-Range", format!("bytes {first}-{}/{size}", end - 1))
    }

    fn put_block(&mut self, asked: &Asked) -> Given {
        if asked.body.is_empty() {
            return error(400, "InvalidHeaderValue");
        }
        let md5 = BASE64_STANDARD.encode(Md5::digest(&asked.body));
        if !self.ignores_sums && asked.headers["content-md5"] != md5 {
            return error(400, "Md5Mismatch");
        }
        let blocks = self.blocks.entry(asked.name.clone()).or_default();
        let name = &asked.query["blockid"];
        if blocks.keys().any(|other| other.len() != name.len()) {
            return error(400, "InvalidBlobOrBlock");
        }
        blocks.insert(name.clone(), asked.body.clone());
        Given::new(201, "")
    }

    fn blocks(&self, asked: &Asked) -> Given {
        let Some(blocks) = self.blocks.get(&asked.name) else {
            return error(404, "BlobNotFound");
        };
        let mut list = String::new();
        for (name, bytes) in blocks {
            let size = bytes.len();
            let _ = write!(
                list,
                "<Block><Name>{name}</Name><Size>{size}</Size></Block>"
            );
        }
        xml(&format!(
            "<BlockList><CommittedBlocks /><UncommittedBlocks>{list}</UncommittedBlocks></BlockList>"
        ))
    }

    fn commit(&mut self, asked: &Asked) -> Given {
        if self.blobs.contains_key(&asked.name) && asked.headers.contains_key("if-none-match") {
            return error(409, "BlobAlreadyExists");
        }
        let list = String::from_utf8(asked.body.clone()).unwrap();
        let names = list.split("<Uncommitted>").skip(1);
        let names = names.map(|rest| rest.split_once('<').unwrap().0);
        let blocks = self.blocks.get(&asked.name);
        let found: Option<Vec<_>> = names.map(|name| blocks?.get(name)).collect();
        let Some(found) = found else {
            return error(400, "InvalidBlockList");
        };
        let bytes = found.into_iter().flatten().copied().collect::<Vec<_>>();
        self.insert(&asked.name, &bytes);
        self.blocks.remove(&asked.name);
        let blob = self.blobs.get_mut(&asked.name).unwrap();
        for (name, value) in &asked.headers {
            let kept = match name.strip_prefix("x-ms-blob-") {
                Some(rest) => rest,
                None if name.starts_with("x-ms-meta-") => name,
                None => continue,
            };
            blob.headers.insert(kept.to_owned(), value.clone());
        }
        Given::new(201, "").with("ETag", &blob.etag)
    }

    fn delete(&mut self, asked: &Asked) -> Given {
        let Some(blob) = self.blobs.get(&asked.name) else {
            return error(404, "BlobNotFound");
        };
        let wanted = asked.headers.get("if-match");
        if wanted.is_some_and(|etag| *etag != blob.etag) {
            return error(412, "ConditionNotMet");
        }
        self.blobs.remove(&asked.name);
        Given::new(202, "")
    }

    fn list(&self, asked: &Asked) -> Given {
        let of = |name: &str| asked.query.get(name).cloned().unwrap_or_default();
        let (prefix, marker) = (of("prefix"), of("marker"));
        let names = self.blobs.keys();
        let mut names = names.filter(|name| name.starts_with(&prefix) && **name > marker);
        let most = if self.page == 0 {
            usize::MAX
        } else {
            self.page
        };
        let named: Vec<_> = names.by_ref().take(most).collect();
        let next = names.next().and(named.last()).map_or("", |last| last);
        let mut blobs = String::new();
        for name in &named {
            let blob = &self.blobs[*name];
            blobs.push_str(&entry(name, &blob.bytes.len().to_string(), &blob.modified));
        }
        page(&blobs, &quoted(next))
    }
}

pub fn xml(text: &str) -> Given {
    let text = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>{text}");
    Given::new(200, text).with("Content-Type", "application/xml")
}

/// Of a listing.
pub fn page(blobs: &str, next: &str) -> Given {
    xml(&format!(
        "<EnumerationResults ContainerName=\"x\"><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    ))
}

pub fn error(status: u16, code: &str) -> Given {
    error_with(
        status,
        code,
        "<Message>It says so.\nRequestId:0\nTime:0</Message>",
    )
}

pub fn error_with(status: u16, code: &str, more: &str) -> Given {
    let text = format!("<Error><Code>{code}</Code>{more}</Error>");
    let given = xml(&text).with("x-ms-error-code", code);
    Given { status, ..given }
}

pub fn quoted(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;")
}

pub fn entry(name: &str, size: &str, modified: &str) -> String {
    let name = quoted(name);
    format!(
        "<Blob><Name>{name}</Name><Properties><Last-Modified>{modified}</Last-Modified>\
         <Content-Length>{size}</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
    )
}
