//! The first 100 bytes of a database file, read as bytes: they tell what a file is without a connection, and of a damaged one too.

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 100;

/// Where the write and read versions are: 1 for rollback journals, 2 for WAL.
pub(super) const VERSIONS_OFFSET: u64 = 18;
pub(super) const ROLLBACK_VERSIONS: [u8; 2] = [1, 1];

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How a database keeps its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Rollback,
    Wal,
}

impl Mode {
    /// As manifests write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rollback => "delete",
            Self::Wal => "wal",
        }
    }
}

/// The facts of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub mode: Mode,
    /// 0 where the stored number is not a page size.
    pub page_size: u32,
    pub encoding: &'static str,
    pub user_version: i32,
    pub application_id: i32,
}

impl Header {
    /// None where these are not the first bytes of a database.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.get(..HEADER_BYTES)?.try_into().ok()?;
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let number = |at: usize| {
            i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let page_size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => u32::from(size),
            _ => 0,
        };
        Some(Self {
            mode: if bytes[18] == 2 || bytes[19] == 2 {
                Mode::Wal
            } else {
                Mode::Rollback
            },
            page_size,
            encoding: match number(56) {
                2 => "UTF-16le",
                3 => "UTF-16be",
                _ => "UTF-8",
            },
            user_version: number(60),
            application_id: number(68),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_magic_of_a_whole_header_makes_a_database() {
        assert_eq!(Header::parse(b""), None);
        assert_eq!(Header::parse(MAGIC), None);
        assert_eq!(Header::parse(&[0x5a; 4096]), None);
    }

    #[test]
    fn a_header_tells_its_facts() {
        let mut bytes = [0u8; HEADER_BYTES];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..20].copy_from_slice(&[0, 1, 2, 2]);
        bytes[56..60].copy_from_slice(&3i32.to_be_bytes());
        bytes[60..64].copy_from_slice(&(-7i32).to_be_bytes());
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!(
            header,
            Header {
                mode: Mode::Wal,
                page_size: 65_536,
                encoding: "UTF-16be",
                user_version: -7,
                application_id: 0,
            }
        );
    }
}
