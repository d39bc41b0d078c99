//! Reads tar headers strictly: what this format writes and nothing else. It reads no content and touches no file system.

use std::io::{self, BufRead};

use jiff::Timestamp;
use tar::Header;

use crate::model::manifest::EntryType;

use super::{MAX_PAX, OpenError, as_usize, names, padding};

/// Whose tar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// This format's own.
    Ours,
    /// Python's, as version 1.0 was written with it: GNU headers too, and names below `./`. The root folder has an empty name.
    Old,
}

/// One entry as its headers describe it.
#[derive(Clone, Debug)]
pub(super) struct TarEntry {
    /// Raw bytes, checked, without the slash of folders.
    pub name: Vec<u8>,
    pub entry: EntryType,
    pub link: Option<Vec<u8>>,
    pub size: u64,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// Of the content, in the uncompressed stream.
    pub offset: u64,
}

/// A stream of entries. The caller reads each content, then the padding, before it asks for the next.
pub(super) struct TarReader<R> {
    pub inner: R,
    /// Of the next byte, in the uncompressed stream.
    pub position: u64,
    /// A block of zeros was met: for every reader of tar the stream is over.
    pub ended: bool,
    dialect: Dialect,
}

impl<R: BufRead> TarReader<R> {
    pub(super) fn new(inner: R, position: u64) -> Self {
        Self {
            position,
            ..Self::of(inner, Dialect::Ours)
        }
    }

    /// From the stream's first byte.
    pub(super) fn of(inner: R, dialect: Dialect) -> Self {
        Self {
            inner,
            position: 0,
            ended: false,
            dialect,
        }
    }

    /// The next entry; None at the end of the stream or at a block of zeros.
    pub(super) fn next_entry(&mut self) -> Result<Option<TarEntry>, OpenError> {
        let Some(mut header) = self.header()? else {
            return Ok(None);
        };
        let mut pax = Pax::default();
        if header.entry_type() == tar::EntryType::XHeader {
            let size = header.entry_size().map_err(|e| self.bad(&e.to_string()))?;
            if size > MAX_PAX {
                return Err(self.bad(&format!("a pax header of {size} bytes")));
            }
            let mut records = vec![0; as_usize(size)];
            self.read_exact(&mut records)?;
            self.skip(padding(size))?;
            pax = Pax::parse(&records).map_err(|reason| self.bad(&reason))?;
            header = self
                .header()?
                .ok_or_else(|| self.bad("a pax header without its entry"))?;
        }
        self.entry(&header, pax).map(Some)
    }

    /// Passes over bytes of the stream.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), OpenError> {
        while count > 0 {
            let available = self.inner.fill_buf().map_err(OpenError::from_io)?.len();
            if available == 0 {
                return Err(self.bad("the stream ends inside an entry"));
            }
            let step = usize::try_from(count).map_or(available, |count| count.min(available));
            self.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.position += count as u64;
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), OpenError> {
        self.inner.read_exact(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                self.bad("the stream ends inside an entry")
            } else {
                OpenError::from_io(error)
            }
        })?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    fn header(&mut self) -> Result<Option<Header>, OpenError> {
        if self
            .inner
            .fill_buf()
            .map_err(OpenError::from_io)?
            .is_empty()
        {
            return Ok(None);
        }
        let mut header = Header::new_ustar();
        self.read_exact(header.as_mut_bytes())?;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(i, byte)| {
                // Its own field counts as spaces.
                if (148..156).contains(&i) {
                    u32::from(b' ')
                } else {
                    u32::from(*byte)
                }
            })
            .sum();
        let known = match self.dialect {
            Dialect::Ours => header.as_ustar().is_some(),
            Dialect::Old => header.as_ustar().is_some() || header.as_gnu().is_some(),
        };
        if header.cksum().ok() != Some(sum) || !known {
            return Err(self.bad("not a tar header"));
        }
        Ok(Some(header))
    }

    fn entry(&self, header: &Header, pax: Pax) -> Result<TarEntry, OpenError> {
        let number = |value: io::Result<u64>| value.map_err(|e| self.bad(&e.to_string()));
        let mut name = pax.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = header.entry_type();
        let entry = match kind {
            tar::EntryType::Regular => EntryType::File,
            tar::EntryType::Directory => EntryType::Dir,
            tar::EntryType::Symlink => EntryType::Symlink,
            tar::EntryType::Link => EntryType::Hardlink,
            other => {
                let what = match other {
                    tar::EntryType::Char | tar::EntryType::Block => "a device node".to_owned(),
                    tar::EntryType::Fifo => "a named pipe".to_owned(),
                    other => format!("an entry of type {:?}", char::from(other.as_byte())),
                };
                return Err(OpenError::refused_entry(&name, what));
            }
        };
        if entry == EntryType::Dir && name.last() == Some(&b'/') {
            name.pop();
        }
        let root = self.dialect == Dialect::Old && below_root(&mut name);
        if !(root && entry == EntryType::Dir) {
            names::check(&name).map_err(|reason| OpenError::refused_entry(&name, reason))?;
        }
        let link = match entry {
            EntryType::File | EntryType::Dir => None,
            EntryType::Symlink | EntryType::Hardlink => pax
                .linkpath
                .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)),
        };
        let size = pax.size.map_or_else(|| number(header.entry_size()), Ok)?;
        if size > 0 && entry != EntryType::File {
            return Err(OpenError::refused_entry(
                &name,
                format!("{size} bytes of content in what is no file"),
            ));
        }
        if self.position.checked_add(size).is_none() {
            return Err(OpenError::refused_entry(&name, "an impossible size"));
        }
        let field =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"")).into_owned();
        let mtime = match pax.mtime {
            Some(mtime) => mtime,
            None => i64::try_from(number(header.mtime())?)
                .ok()
                .and_then(|second| Timestamp::from_second(second).ok())
                .ok_or_else(|| OpenError::refused_entry(&name, "an impossible time"))?,
        };
        Ok(TarEntry {
            entry,
            link,
            size,
            mode: header.mode().map_err(|e| self.bad(&e.to_string()))? & 0o7777,
            uid: pax.uid.map_or_else(|| number(header.uid()), Ok)?,
            gid: pax.gid.map_or_else(|| number(header.gid()), Ok)?,
            user: pax.uname.unwrap_or_else(|| field(header.username_bytes())),
            group: pax.gname.unwrap_or_else(|| field(header.groupname_bytes())),
            mtime,
            xattrs: pax.xattrs,
            offset: self.position,
            name,
        })
    }

    fn bad(&self, reason: &str) -> OpenError {
        let position = self.position;
        OpenError::refused(format!("{reason} (at byte {position} of the tar stream)"))
    }
}

/// Takes `./` away. Returns whether it is the root itself.
fn below_root(name: &mut Vec<u8>) -> bool {
    if name.starts_with(b"./") {
        name.drain(..2);
    } else if name == b"." {
        name.clear();
    }
    name.is_empty()
}

#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    linkpath: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    uname: Option<String>,
    gname: Option<String>,
    mtime: Option<Timestamp>,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Pax {
    fn parse(mut rest: &[u8]) -> Result<Self, String> {
        let mut pax = Self::default();
        while !rest.is_empty() {
            let (key, value, after) = split_record(rest).ok_or("a broken pax record")?;
            pax.set(key, value)?;
            rest = after;
        }
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let broken = || format!("a broken pax record `{}`", names::show(key));
        let text = || std::str::from_utf8(value).map_err(|_| broken());
        let number = || text()?.parse::<u64>().map_err(|_| broken());
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.linkpath = Some(value.to_vec()),
            b"size" => self.size = Some(number()?),
            b"uid" => self.uid = Some(number()?),
            b"gid" => self.gid = Some(number()?),
            b"uname" => self.uname = Some(text()?.to_owned()),
            b"gname" => self.gname = Some(text()?.to_owned()),
            b"mtime" => self.mtime = Some(seconds(text()?).ok_or_else(broken)?),
            _ if key.starts_with(b"GNU.sparse.") => return Err("a sparse file".to_owned()),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    let name = std::str::from_utf8(name).map_err(|_| broken())?;
                    let name = name.replace("%3D", "=").replace("%25", "%");
                    self.xattrs.push((name, value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// Key, value and what follows.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], &bytes[length..]))
}

/// Decimal seconds since 1970.
fn seconds(text: &str) -> Option<Timestamp> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 9 || whole.len() > 15 {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::from_nanosecond(sign * (whole * 1_000_000_000 + nanos)).ok()
}
