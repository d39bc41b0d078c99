//! What a WebDAV server says of its resources: a multistatus (RFC 4918, 14.16), read as it comes. It takes no document type, knows no
//! entity but XML's own five, and keeps one resource in memory at a time.

use std::io::{self, BufRead, BufReader, Read};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use quick_xml::Error as XmlError;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use url::Url;

use crate::destination::http::date;
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of a tag or a text: what has to be held at once.
const LONGEST_EVENT: usize = 64 << 10;
const LONGEST_TEXT: usize = 16 << 10;
const DEEPEST: usize = 64;
/// A folder of a million archives is told in fewer bytes.
const LONGEST_ANSWER: u64 = 1 << 30;

/// What is said of one resource.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// The segments of its path on the server, decoded.
    pub path: Vec<String>,
    pub properties: Properties,
}

/// None: the server says nothing of it, or nothing that can be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub is_folder: bool,
    pub size: Option<u64>,
    pub modified: Option<Timestamp>,
    /// RFC 4331. Some say a negative number where they do not know.
    pub available: Option<u64>,
}

/// The decoded segments of a path; None where one of them is no text.
pub(super) fn segments(url: &Url) -> Option<Vec<String>> {
    let encoded = url.path_segments()?;
    let decoded = encoded.map(|segment| percent_decode_str(segment).decode_utf8());
    let mut path = Vec::new();
    for segment in decoded {
        path.push(segment.ok()?.into_owned());
    }
    // A folder's path ends in a slash, or does not.
    if path.last().is_some_and(String::is_empty) {
        path.pop();
    }
    Some(path)
}

/// Calls `each` with every resource that the answer to a question about `asked` names. Those that it names without a path that could be one
/// are passed over.
pub(super) fn read(
    answer: impl Read,
    asked: &Url,
    each: &mut dyn FnMut(Resource) -> Result<()>,
) -> Result<()> {
    let mut reader = NsReader::from_reader(Bounded::new(answer));
    reader.config_mut().expand_empty_elements = true;
    let mut parser = Parser::new(asked);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().event = LONGEST_EVENT;
        let event = reader.read_resolved_event_into(&mut buffer);
        match event.map_err(|e| unreadable(&e))? {
            (namespace, Event::Start(tag)) => {
                let name = tag.local_name();
                let is_dav = matches!(namespace, ResolveResult::Bound(Namespace("DAV:")));
                parser.start(is_dav.then_some(name.into_inner()))?;
            }
            (_, Event::End(_)) => {
                if let Some(resource) = parser.end() {
                    each(resource)?;
                }
            }
            (_, Event::Text(text)) => parser.text(&text.xml10_content())?,
            (_, Event::CData(text)) => parser.text(&text.xml10_content())?,
            (_, Event::GeneralRef(reference)) => parser.text(&resolved(&reference)?)?,
            (_, Event::DocType(_)) => return Err(unclear("it has a document type")),
            (_, Event::Eof) => return parser.finish(),
            _ => {}
        }
    }
}

fn unclear(why: &str) -> DestinationError {
    let detail = format!("what the server lists cannot be read: {why}");
    DestinationError::new(ErrorKind::Protocol, detail)
}

fn unreadable(error: &XmlError) -> DestinationError {
    if let XmlError::Io(cause) = error {
        return match DestinationError::of_read(cause) {
            Some(told) => DestinationError::new(told.kind, told.detail.clone()),
            None => unclear(&cause.to_string()),
        };
    }
    unclear(&error.to_string())
}

fn resolved(reference: &BytesRef<'_>) -> Result<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Ok(character.to_string());
    }
    let known = resolve_xml_entity(&reference.xml10_content()).map(str::to_owned);
    known.ok_or_else(|| unclear("it has an entity of its own"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Multistatus,
    Response,
    Href,
    Propstat,
    Status,
    Prop,
    ResourceType,
    Collection,
    Length,
    Modified,
    Available,
    Other,
}

impl Element {
    /// By what it stands in; `name` is None in other namespaces than WebDAV's.
    fn of(parent: Option<Self>, name: Option<&str>) -> Self {
        match (parent, name) {
            (None, Some("multistatus")) => Self::Multistatus,
            (Some(Self::Multistatus), Some("response")) => Self::Response,
            (Some(Self::Response), Some("href")) => Self::Href,
            (Some(Self::Response), Some("propstat")) => Self::Propstat,
            (Some(Self::Response | Self::Propstat), Some("status")) => Self::Status,
            (Some(Self::Propstat), Some("prop")) => Self::Prop,
            (Some(Self::Prop), Some("resourcetype")) => Self::ResourceType,
            (Some(Self::ResourceType), Some("collection")) => Self::Collection,
            (Some(Self::Prop), Some("getcontentlength")) => Self::Length,
            (Some(Self::Prop), Some("getlastmodified")) => Self::Modified,
            (Some(Self::Prop), Some("quota-available-bytes")) => Self::Available,
            _ => Self::Other,
        }
    }
}

struct Parser<'u> {
    asked: &'u Url,
    open: Vec<Element>,
    text: String,
    href: Option<String>,
    /// Of the resource, where the server says it of the whole.
    refused: bool,
    properties: Properties,
    /// Of the group that is being read; they count only if its status is one of success.
    group: Properties,
    group_refused: bool,
    complete: bool,
}

impl<'u> Parser<'u> {
    fn new(asked: &'u Url) -> Self {
        Self {
            asked,
            open: Vec::new(),
            text: String::new(),
            href: None,
            refused: false,
            properties: Properties::default(),
            group: Properties::default(),
            group_refused: false,
            complete: false,
        }
    }

    fn start(&mut self, name: Option<&str>) -> Result<()> {
        if self.open.len() >= DEEPEST {
            return Err(unclear("it is nested too deep"));
        }
        let element = Element::of(self.open.last().copied(), name);
        match element {
            Element::Other if self.open.is_empty() => return Err(unclear("it is no multistatus")),
            Element::Response => {
                self.href = None;
                self.refused = false;
                self.properties = Properties::default();
            }
            Element::Propstat => {
                self.group = Properties::default();
                self.group_refused = false;
            }
            Element::Collection => self.group.is_folder = true,
            _ => {}
        }
        self.text.clear();
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        match self.open.last() {
            Some(
                Element::Href
                | Element::Status
                | Element::Length
                | Element::Modified
                | Element::Available,
            ) => self.text.push_str(text),
            _ => return Ok(()),
        }
        if self.text.len() > LONGEST_TEXT {
            return Err(unclear("a text in it is too long"));
        }
        Ok(())
    }

    /// The resource, at its end.
    fn end(&mut self) -> Option<Resource> {
        let ended = self.open.pop()?;
        let text = self.text.trim();
        match ended {
            Element::Href => {
                self.href.get_or_insert_with(|| text.to_owned());
            }
            Element::Status => {
                let refused = !is_success(text);
                match self.open.last() {
                    Some(Element::Propstat) => self.group_refused = refused,
                    _ => self.refused = refused,
                }
            }
            Element::Length => self.group.size = text.parse().ok(),
            Element::Modified => self.group.modified = date(text),
            Element::Available => self.group.available = text.parse().ok(),
            Element::Propstat if !self.group_refused => {
                let group = std::mem::take(&mut self.group);
                let known = &mut self.properties;
                known.is_folder |= group.is_folder;
                known.size = known.size.or(group.size);
                known.modified = known.modified.or(group.modified);
                known.available = known.available.or(group.available);
            }
            Element::Response if !self.refused => {
                let url = self.asked.join(&self.href.take()?).ok()?;
                return Some(Resource {
                    path: segments(&url)?,
                    properties: std::mem::take(&mut self.properties),
                });
            }
            Element::Multistatus => self.complete = true,
            _ => {}
        }
        None
    }

    fn finish(&self) -> Result<()> {
        if self.complete {
            return Ok(());
        }
        let detail = "what the server lists has no end";
        Err(DestinationError::new(ErrorKind::Truncated, detail))
    }
}

/// `HTTP/1.1 200 OK`.
fn is_success(status: &str) -> bool {
    let code = status.split_whitespace().nth(1);
    code.is_some_and(|code| code.starts_with('2'))
}

/// A reader that gives no more than so much for one event, and in all.
struct Bounded<R> {
    inner: BufReader<R>,
    event: usize,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn new(inner: R) -> Self {
        Self {
            inner: BufReader::new(inner),
            event: LONGEST_EVENT,
            left: LONGEST_ANSWER,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.event == 0 {
            return Err(io::Error::other("a part of it is too long"));
        }
        if self.left == 0 {
            return Err(io::Error::other("it is too long"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.event = self.event.saturating_sub(amount);
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<Resource>> {
        let asked = Url::parse("https://nas.example/dav/b%20%C3%A4/").unwrap();
        let mut found = Vec::new();
        read(text.as_bytes(), &asked, &mut |resource| {
            found.push(resource);
            Ok(())
        })?;
        Ok(found)
    }

    fn paths(text: &str) -> Vec<String> {
        let found = told(text).unwrap();
        found.iter().map(|r| r.path.join("|")).collect()
    }

    fn of_href(href: &str) -> String {
        format!(
            r#"<multistatus xmlns="DAV:"><response><href>{href}</href></response></multistatus>"#
        )
    }

    #[test]
    fn properties_count_where_their_status_is_one_of_success() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?>
            <x:multistatus xmlns:x="DAV:" xmlns:o="other"><x:response>
            <x:href>/dav/b%20%c3%a4/a.tar</x:href>
            <x:propstat><x:prop><x:getcontentlength>12</x:getcontentlength>
              <x:getlastmodified>Mon, 12 Jan 1998 09:25:56 GMT</x:getlastmodified>
              <o:getcontentlength>99</o:getcontentlength></x:prop>
              <x:status>HTTP/1.1 200 OK</x:status></x:propstat>
            <x:propstat><x:prop><x:resourcetype><x:collection/></x:resourcetype>
              <x:quota-available-bytes>7</x:quota-available-bytes></x:prop>
              <x:status>HTTP/1.1 404 Not Found</x:status></x:propstat>
            </x:response></x:multistatus>"#;
        let found = told(text).unwrap();
        let expected = Properties {
            is_folder: false,
            size: Some(12),
            modified: Some("1998-01-12T09:25:56Z".parse().unwrap()),
            available: None,
        };
        assert_eq!(found[0].path, ["dav", "b ä", "a.tar"]);
        assert_eq!(found[0].properties, expected);
    }

    #[test]
    fn a_path_is_taken_from_whatever_an_address_may_look_like() {
        for (href, path) in [
            ("/dav/x", "dav|x"),
            ("http://other:81/dav/x/", "dav|x"),
            ("y", "dav|b ä|y"),
            ("/dav/b%20%C3%A4/a%25b%2Bc+d%23", "dav|b ä|a%b+c+d#"),
            ("/dav/a&amp;b&#x20;&lt;", "dav|a&b <"),
            ("/dav/../../etc/passwd", "etc|passwd"),
            ("/dav/%2e%2e/x", "x"),
            ("/dav/a%2Fb", "dav|a/b"),
            ("<![CDATA[/dav/a&b]]>", "dav|a&b"),
        ] {
            assert_eq!(paths(&of_href(href)), [path], "{href}");
        }
        for href in ["", "/dav/%ff%fe"] {
            let found = paths(&of_href(href));
            assert!(
                found.is_empty() || found == ["dav|b ä"],
                "{href}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_no_multistatus_is_refused() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>"#;
        let deep = format!(r#"<multistatus xmlns="DAV:">{}"#, "<a>".repeat(DEEPEST + 1));
        let long = of_href(&"x".repeat(LONGEST_EVENT * 2));
        let patient = of_href(&"x&amp;".repeat(LONGEST_TEXT));
        for text in [
            "",
            "<html></html>",
            "<multistatus></multistatus>",
            "no xml",
            r#"<multistatus xmlns="DAV:"><response></multistatus>"#,
            r#"<multistatus xmlns="DAV:"><response>"#,
            &format!("{bomb}{}", of_href("&b;")),
            &of_href("&b;"),
            &of_href("&#xD800;"),
            &deep,
            &long,
            &patient,
        ] {
            let shown: String = text.chars().take(60).collect();
            let kind = told(text).err().map(|e| e.kind);
            assert!(
                matches!(kind, Some(ErrorKind::Protocol | ErrorKind::Truncated)),
                "{shown}: {kind:?}"
            );
        }
    }

    #[test]
    fn impossible_numbers_and_dates_are_unknown() {
        for (size, modified) in [
            ("-3", "Mon, 12 Jan 10000 09:25:56 GMT"),
            ("99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"),
            ("1e3", "yesterday"),
            ("", ""),
        ] {
            let text = format!(
                r#"<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><getcontentlength>{size}</getcontentlength>
                <getlastmodified>{modified}</getlastmodified></prop></propstat></response></multistatus>"#
            );
            assert_eq!(
                told(&text).unwrap()[0].properties,
                Properties::default(),
                "{size} {modified}"
            );
        }
    }
}
