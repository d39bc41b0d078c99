//! A container of blobs in memory, as Microsoft documents it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use super::pretender::{Asked, Given};

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

    pub fn answer(&mut self, asked: &Asked) -> Given {
        match asked.operation() {
            "head" | "get" => self.get(asked),
            "block" | "try" => self.put_block(asked),
            "blocks" => self.blocks(asked),
            "commit" => self.commit(asked),
            "delete" => self.delete(asked),
            _ => self.list(asked),
        }
    }

    fn get(&self, asked: &Asked) -> Given {
        let Some(blob) = self.blobs.get(&asked.blob) else {
            return Given::error(404, "BlobNotFound");
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
            return Given::error(416, "InvalidRange");
        }
        let end = (last + 1).min(size);
        let part = told(Given::new(206, &blob.bytes[first..end]));
        part.with("Content-Range", format!("bytes {first}-{}/{size}", end - 1))
    }

    fn put_block(&mut self, asked: &Asked) -> Given {
        if asked.body.is_empty() {
            return Given::error(400, "InvalidHeaderValue");
        }
        let md5 = BASE64_STANDARD.encode(Md5::digest(&asked.body));
        if !self.ignores_sums && asked.headers["content-md5"] != md5 {
            return Given::error(400, "Md5Mismatch");
        }
        let blocks = self.blocks.entry(asked.blob.clone()).or_default();
        let name = &asked.query["blockid"];
        if blocks.keys().any(|other| other.len() != name.len()) {
            return Given::error(400, "InvalidBlobOrBlock");
        }
        blocks.insert(name.clone(), asked.body.clone());
        Given::new(201, "")
    }

    fn blocks(&self, asked: &Asked) -> Given {
        let Some(blocks) = self.blocks.get(&asked.blob) else {
            return Given::error(404, "BlobNotFound");
        };
        let mut list = String::new();
        for (name, bytes) in blocks {
            let size = bytes.len();
            let _ = write!(
                list,
                "<Block><Name>{name}</Name><Size>{size}</Size></Block>"
            );
        }
        Given::xml(&format!(
            "<BlockList><CommittedBlocks /><UncommittedBlocks>{list}</UncommittedBlocks></BlockList>"
        ))
    }

    fn commit(&mut self, asked: &Asked) -> Given {
        if self.blobs.contains_key(&asked.blob) && asked.headers.contains_key("if-none-match") {
            return Given::error(409, "BlobAlreadyExists");
        }
        let list = String::from_utf8(asked.body.clone()).unwrap();
        let names = list.split("<Uncommitted>").skip(1);
        let names = names.map(|rest| rest.split_once('<').unwrap().0);
        let blocks = self.blocks.get(&asked.blob);
        let found: Option<Vec<_>> = names.map(|name| blocks?.get(name)).collect();
        let Some(found) = found else {
            return Given::error(400, "InvalidBlockList");
        };
        let bytes = found.into_iter().flatten().copied().collect::<Vec<_>>();
        self.insert(&asked.blob, &bytes);
        self.blocks.remove(&asked.blob);
        let blob = self.blobs.get_mut(&asked.blob).unwrap();
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
        let Some(blob) = self.blobs.get(&asked.blob) else {
            return Given::error(404, "BlobNotFound");
        };
        let wanted = asked.headers.get("if-match");
        if wanted.is_some_and(|etag| *etag != blob.etag) {
            return Given::error(412, "ConditionNotMet");
        }
        self.blobs.remove(&asked.blob);
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
        let page: Vec<_> = names.by_ref().take(most).collect();
        let next = names.next().and(page.last()).map_or("", |last| last);
        let mut blobs = String::new();
        for name in &page {
            let blob = &self.blobs[*name];
            blobs.push_str(&entry(name, &blob.bytes.len().to_string(), &blob.modified));
        }
        Given::page(&blobs, &quoted(next))
    }
}

/// As HTTP writes it.
pub fn date(at: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&at).unwrap()
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
