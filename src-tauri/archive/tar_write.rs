//! Tar headers of the format: POSIX ustar, with a pax header in front where ustar cannot say it. It writes no content.

use jiff::Timestamp;
use tar::Header;

use crate::model::manifest::EntryType;

use super::{as_usize, padding};

/// What a header says. `name` without the slash that folders get.
pub(super) struct Facts<'a> {
    pub name: &'a [u8],
    pub entry: EntryType,
    pub link: Option<&'a [u8]>,
    pub size: u64,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: &'a str,
    pub group: &'a str,
    pub mtime: Timestamp,
    pub xattrs: &'a [(String, Vec<u8>)],
}

/// What eleven and seven octal digits hold.
const MAX_SIZE_FIELD: u64 = 0o777_7777_7777;
const MAX_ID_FIELD: u64 = 0o777_7777;
const NAME_FIELD: usize = 100;
/// One byte of the field is kept for the end mark that some readers rely on.
const USER_FIELD: usize = 31;

/// Appends the header, and its pax header where one is needed.
pub(super) fn append(out: &mut Vec<u8>, facts: &Facts<'_>) {
    let mut name = facts.name.to_vec();
    if facts.entry == EntryType::Dir {
        name.push(b'/');
    }
    let records = pax_records(&name, facts);
    if !records.is_empty() {
        let mut header = Header::new_ustar();
        header.set_entry_type(tar::EntryType::XHeader);
        set_field(&mut header, |ustar| &mut ustar.name, b"././@PaxHeader");
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(records.len() as u64);
        header.set_mtime(0);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&records);
        pad(out, records.len() as u64);
    }
    out.extend_from_slice(main_header(&name, facts).as_bytes());
}

/// Appends the zeros that follow `size` bytes of content.
pub(super) fn pad(out: &mut Vec<u8>, size: u64) {
    let zeros = [0u8; 512];
    // A remainder of 512 always fits.
    out.extend_from_slice(&zeros[..as_usize(padding(size))]);
}

fn main_header(name: &[u8], facts: &Facts<'_>) -> Header {
    let fits = |value: u64, limit: u64| if value <= limit { value } else { 0 };
    let mut header = Header::new_ustar();
    header.set_entry_type(match facts.entry {
        EntryType::File => tar::EntryType::Regular,
        EntryType::Dir => tar::EntryType::Directory,
        EntryType::Symlink => tar::EntryType::Symlink,
        EntryType::Hardlink => tar::EntryType::Link,
    });
    set_field(&mut header, |ustar| &mut ustar.name, name);
    if let Some(link) = facts.link {
        set_field(&mut header, |ustar| &mut ustar.linkname, link);
    }
    header.set_mode(facts.mode & 0o7777);
    header.set_uid(fits(facts.uid, MAX_ID_FIELD));
    header.set_gid(fits(facts.gid, MAX_ID_FIELD));
    header.set_size(fits(facts.size, MAX_SIZE_FIELD));
    let seconds = u64::try_from(facts.mtime.as_second()).unwrap_or(0);
    header.set_mtime(fits(seconds, MAX_SIZE_FIELD));
    if fits_user(facts.user) {
        set_field(&mut header, |ustar| &mut ustar.uname, facts.user.as_bytes());
    }
    if fits_user(facts.group) {
        set_field(
            &mut header,
            |ustar| &mut ustar.gname,
            facts.group.as_bytes(),
        );
    }
    header.set_cksum();
    header
}

/// As much of `value` as fits; what does not has a pax record.
fn set_field<const N: usize>(
    header: &mut Header,
    field: impl FnOnce(&mut tar::UstarHeader) -> &mut [u8; N],
    value: &[u8],
) {
    if let Some(ustar) = header.as_ustar_mut() {
        let length = value.len().min(N);
        field(ustar)[..length].copy_from_slice(&value[..length]);
    }
}

fn fits_user(name: &str) -> bool {
    name.len() <= USER_FIELD && name.is_ascii()
}

/// Plain ustar for short ASCII names, and for short ones that are not UTF-8: a pax value has to be.
fn fits_name(name: &[u8]) -> bool {
    name.len() <= NAME_FIELD && (name.is_ascii() || std::str::from_utf8(name).is_err())
}

fn pax_records(name: &[u8], facts: &Facts<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    if !fits_name(name) {
        record(&mut out, "path", name);
    }
    if let Some(link) = facts.link.filter(|link| !fits_name(link)) {
        record(&mut out, "linkpath", link);
    }
    for (key, value, limit) in [
        ("size", facts.size, MAX_SIZE_FIELD),
        ("uid", facts.uid, MAX_ID_FIELD),
        ("gid", facts.gid, MAX_ID_FIELD),
    ] {
        if value > limit {
            record(&mut out, key, value.to_string().as_bytes());
        }
    }
    for (key, value) in [("uname", facts.user), ("gname", facts.group)] {
        if !fits_user(value) {
            record(&mut out, key, value.as_bytes());
        }
    }
    let second = facts.mtime.as_second();
    let whole = facts.mtime.subsec_nanosecond() == 0;
    if !whole || !(0..=MAX_SIZE_FIELD.cast_signed()).contains(&second) {
        record(&mut out, "mtime", decimal(facts.mtime).as_bytes());
    }
    for (key, value) in facts.xattrs {
        // As GNU tar does: the first `=` ends a keyword.
        let key = key.replace('%', "%25").replace('=', "%3D");
        record(&mut out, &format!("SCHILY.xattr.{key}"), value);
    }
    out
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = 3 + key.len() + value.len();
    let mut length = rest + 1;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn digits(n: usize) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Seconds since 1970 with as many decimals as it takes.
fn decimal(time: Timestamp) -> String {
    let nanos = time.as_nanosecond();
    let sign = if nanos < 0 { "-" } else { "" };
    let (second, rest) = (
        nanos.unsigned_abs() / 1_000_000_000,
        nanos.unsigned_abs() % 1_000_000_000,
    );
    if rest == 0 {
        return format!("{sign}{second}");
    }
    let text = format!("{sign}{second}.{rest:09}");
    text.trim_end_matches('0').to_owned()
}
