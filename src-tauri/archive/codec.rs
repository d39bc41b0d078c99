//! One member: a gzip member or a zstd frame, whole buffers in and out. It knows no order and no manifest.

use std::io::{self, Read};

use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};
use zstd::zstd_safe;

use crate::model::Compression;

/// Measured on one core with accounting records: level 5 compresses 93 MB/s to 0.337, level 6 78 MB/s to 0.334. `pigz -6` is the
/// measure of size, and 5 stays within 2 % of it.
const GZIP_LEVEL: i32 = 5;
/// Measured likewise on a generated server's databases: level 1 compresses 410 MB/s to 0.303, level 3 278 MB/s to 0.289, level 4
/// 253 MB/s to 0.288, level 5 130 MB/s to 0.282. Level 3 is the first whose archives are no larger than those of borg's `zstd,3`.
const ZSTD_LEVEL: i32 = 3;

/// RFC 1952 2.3 with nothing that could differ: no flags, no time, no extra flags, unknown system.
pub(super) const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const GZIP_TRAILER: usize = 8;
pub(super) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Makes members. One a thread.
pub(super) enum Compress {
    Gzip(Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compress {
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Gzip => Self::Gzip(Compressor::new(
                CompressionLvl::new(GZIP_LEVEL).unwrap_or_default(),
            )),
            Compression::Zstd => {
                let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
                compressor.set_parameter(zstd_safe::CParameter::ChecksumFlag(true))?;
                Self::Zstd(compressor)
            }
        })
    }

    /// Replaces what `out` holds.
    pub(super) fn member(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Gzip(compressor) => {
                let head = GZIP_HEADER.len();
                let bound = compressor.deflate_compress_bound(data.len());
                out.resize(head + bound + GZIP_TRAILER, 0);
                let length = compressor
                    .deflate_compress(data, &mut out[head..head + bound])
                    .map_err(io::Error::other)?;
                out.truncate(head + length);
                out[..head].copy_from_slice(&GZIP_HEADER);
                out.extend_from_slice(&gzip_trailer(data));
            }
            Self::Zstd(compressor) => {
                out.clear();
                out.reserve(zstd_safe::compress_bound(data.len()));
                compressor.compress_to_buffer(data, out)?;
            }
        }
        Ok(())
    }
}

/// CRC and length modulo 2^32 of what was compressed.
fn gzip_trailer(data: &[u8]) -> [u8; GZIP_TRAILER] {
    let mut crc = Crc::new();
    crc.update(data);
    let mut trailer = [0; GZIP_TRAILER];
    trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
    // Modulo 2^32 is what the field holds: the low half.
    trailer[4..].copy_from_slice(&(data.len() as u64).to_le_bytes()[..4]);
    trailer
}

/// Reads members. One a thread.
pub(super) enum Expand {
    Gzip(Decompressor),
    Zstd(zstd::bulk::Decompressor<'static>),
}

impl Expand {
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Gzip => Self::Gzip(Decompressor::new()),
            Compression::Zstd => Self::Zstd(zstd::bulk::Decompressor::new()?),
        })
    }

    /// `data` must be one member exactly, as this program writes it, and fill `out` exactly. An error is the reason.
    pub(super) fn member(&mut self, data: &[u8], out: &mut [u8]) -> Result<(), String> {
        match self {
            Self::Gzip(decompressor) => {
                if !data.starts_with(&GZIP_HEADER) {
                    return Err("it does not begin with a gzip header of this format".to_owned());
                }
                let length = decompressor
                    .gzip_decompress(data, out)
                    .map_err(|error| gzip_reason(&error))?;
                // The decoder stops at the member's own end; what would follow it is caught here.
                if length != out.len() || !data.ends_with(&gzip_trailer(out)) {
                    return Err("it is not as long as announced".to_owned());
                }
            }
            Self::Zstd(decompressor) => {
                check_frame(data, out.len() as u64)?;
                let length = decompressor
                    .decompress_to_buffer(data, out)
                    .map_err(|e| e.to_string())?;
                if length != out.len() {
                    return Err("it is not as long as announced".to_owned());
                }
            }
        }
        Ok(())
    }
}

fn gzip_reason(error: &libdeflater::DecompressionError) -> String {
    match error {
        libdeflater::DecompressionError::BadData => "its gzip data is broken",
        libdeflater::DecompressionError::InsufficientSpace => "it holds more than announced",
    }
    .to_owned()
}

/// One frame, with its length and a checksum in its header, and no bit set that has no meaning (RFC 8878 3.1.1.1.1).
fn check_frame(data: &[u8], length: u64) -> Result<(), String> {
    const CHECKSUM: u8 = 0b100;
    const UNUSED: u8 = 0b1_1000;
    let descriptor = data.get(4).copied().unwrap_or(UNUSED);
    if !data.starts_with(&ZSTD_MAGIC) || descriptor & UNUSED != 0 || descriptor & CHECKSUM == 0 {
        return Err("it does not begin with a zstd header of this format".to_owned());
    }
    if zstd_safe::find_frame_compressed_size(data) != Ok(data.len())
        || zstd_safe::get_frame_content_size(data).ok().flatten() != Some(length)
    {
        return Err("it is not as long as announced".to_owned());
    }
    Ok(())
}

/// The last member, whose length nobody announced: at most `limit` bytes, and nothing after it.
pub(super) fn expand_last(
    compression: Compression,
    data: &[u8],
    limit: u64,
) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = data;
    let read = match compression {
        Compression::Gzip => {
            if !data.starts_with(&GZIP_HEADER) {
                return Err("it does not begin with a gzip header of this format".to_owned());
            }
            flate2::bufread::GzDecoder::new(&mut rest)
                .take(limit + 1)
                .read_to_end(&mut out)
        }
        Compression::Zstd => zstd::stream::read::Decoder::with_buffer(&mut rest)
            .and_then(|decoder| decoder.single_frame().take(limit + 1).read_to_end(&mut out)),
    };
    read.map_err(|e| e.to_string())?;
    if out.len() as u64 > limit {
        return Err(format!("it holds more than {limit} bytes"));
    }
    if !rest.is_empty() {
        return Err(format!("{} bytes follow its end", rest.len()));
    }
    if compression == Compression::Zstd {
        check_frame(data, out.len() as u64)?;
    }
    Ok(out)
}
