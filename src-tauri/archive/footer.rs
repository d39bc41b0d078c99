//! The footer: where the manifest is, in bytes that every decompressor passes over. It reads and writes itself only.

use crate::model::Compression;

/// Of the member that starts with `manifest.json`, in the compressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub offset: u64,
    /// From there to the footer.
    pub length: u64,
}

/// An empty member with FEXTRA (RFC 1952 2.3.1.1): 20 bytes of subfield, `HF`, 16 of data.
const GZIP_HEAD: [u8; 16] = [
    0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, b'H', b'F', 16, 0,
];
/// Empty deflate data, its CRC and its length.
const GZIP_END: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const GZIP_LENGTH: usize = GZIP_HEAD.len() + 16 + GZIP_END.len();

/// A skippable frame (RFC 8878 3.1.2) of 20 bytes.
const ZSTD_HEAD: [u8; 12] = [0x5f, 0x2a, 0x4d, 0x18, 20, 0, 0, 0, b'H', b'F', b'Z', b'2'];
pub(super) const ZSTD_LENGTH: usize = ZSTD_HEAD.len() + 16;

impl Footer {
    pub(super) fn to_bytes(self, compression: Compression) -> Vec<u8> {
        let (head, end): (&[u8], &[u8]) = match compression {
            Compression::Gzip => (&GZIP_HEAD, &GZIP_END),
            Compression::Zstd => (&ZSTD_HEAD, &[]),
        };
        let mut out = head.to_vec();
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(end);
        out
    }

    /// From the last bytes of a stream of `total` bytes. None where there is no footer, or one whose sums do not fit.
    pub(super) fn find(tail: &[u8], total: u64) -> Option<(Self, Compression)> {
        [
            (Compression::Gzip, GZIP_LENGTH, GZIP_HEAD.len()),
            (Compression::Zstd, ZSTD_LENGTH, ZSTD_HEAD.len()),
        ]
        .into_iter()
        .find_map(|(compression, length, head)| {
            let bytes = tail.get(tail.len().checked_sub(length)?..)?;
            let number = |at: usize| {
                let field = bytes.get(at..at + 8)?;
                Some(u64::from_le_bytes(field.try_into().ok()?))
            };
            let footer = Self {
                offset: number(head)?,
                length: number(head + 8)?,
            };
            // Every byte of it is fixed or one of the numbers.
            let end = footer
                .offset
                .checked_add(footer.length)?
                .checked_add(length as u64)?;
            (footer.to_bytes(compression) == bytes && end == total).then_some((footer, compression))
        })
    }

    /// Whether a footer begins here.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&GZIP_HEAD) || bytes.starts_with(&ZSTD_HEAD)
    }
}
