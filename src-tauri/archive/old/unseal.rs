//! The encrypted form of version 1.0: `TCBK`, a version, a salt, and one Fernet token. Read in two passes over a file that nobody else
//! changes: the first authenticates all of it, the second decrypts. No byte is written before the first has ended well.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE};
use base64::read::DecoderReader;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use crate::archive::{OpenError, as_usize};
use crate::model::{Cancel, Observer, Phase, Progress};

pub(super) const MAGIC: &[u8; 4] = b"TCBK";
const VERSION: u8 = 1;
const SALT: usize = 16;
/// Magic, version and salt.
const HEAD: usize = MAGIC.len() + 1 + SALT;
/// Of PBKDF2, as the server does it.
const ROUNDS: u32 = 100_000;

/// Fernet (github.com/fernet/spec): version, seconds, initialisation vector; then the ciphertext; then the authentication code.
const TOKEN_VERSION: u8 = 0x80;
const BLOCK: usize = 16;
const TOKEN_HEAD: usize = 1 + 8 + BLOCK;
const CODE: usize = 32;

/// Bytes of the token that are held at once: whole blocks.
const PIECE: usize = 64 << 10;

/// The signing key, then the encryption key.
type Keys = SecretBox<[u8; 32]>;

/// Writes the plain archive to the new file `plain`, 0600. `sealed` must be nobody else's to change meanwhile.
pub fn unseal(
    sealed: &Path,
    passphrase: &SecretString,
    plain: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<(), OpenError> {
    let mut file = File::open(sealed).map_err(OpenError::Read)?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head).map_err(|_| cut_off())?;
    let (magic, rest) = head.split_at(MAGIC.len());
    let version = rest[0];
    if magic != MAGIC || version != VERSION {
        return Err(OpenError::UnknownVersion(format!(
            "{}/{version}",
            String::from_utf8_lossy(magic)
        )));
    }
    let token = Token::of(&file, cancel, observer)?;
    let keys: Keys = SecretBox::init_with_mut(|keys: &mut [u8; 32]| {
        let passphrase = passphrase.expose_secret().as_bytes();
        pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, &rest[1..], ROUNDS, keys);
    });
    token.authenticate(&keys)?;
    let write = |cause| OpenError::Write {
        path: plain.to_owned(),
        cause,
    };
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(plain)
        .map_err(write)?;
    let mut out = BufWriter::new(out);
    token.decrypt(&keys, &mut |bytes| out.write_all(bytes).map_err(write))?;
    out.flush().map_err(write)
}

/// One token in a file, from `HEAD` to its end.
struct Token<'a> {
    file: &'a File,
    /// Of its bytes, without base64.
    size: u64,
    cancel: &'a Cancel,
    observer: &'a dyn Observer,
}

type Each<'e> = dyn FnMut(&mut [u8]) -> Result<(), OpenError> + 'e;
type Raw<'a> = DecoderReader<'static, GeneralPurpose, BufReader<&'a File>>;

impl<'a> Token<'a> {
    fn of(
        file: &'a File,
        cancel: &'a Cancel,
        observer: &'a dyn Observer,
    ) -> Result<Self, OpenError> {
        let mut reader = file;
        let end = reader.seek(SeekFrom::End(0)).map_err(OpenError::Read)?;
        let text = end.saturating_sub(HEAD as u64);
        if text < 4 || !text.is_multiple_of(4) {
            return Err(cut_off());
        }
        let mut last = [0; 2];
        reader
            .seek(SeekFrom::End(-2))
            .and_then(|_| reader.read_exact(&mut last))
            .map_err(OpenError::Read)?;
        let pads = match last {
            [b'=', b'='] => 2,
            [_, b'='] => 1,
            _ => 0,
        };
        let token = Self {
            file,
            size: text / 4 * 3 - pads,
            cancel,
            observer,
        };
        match token.ciphertext() {
            Some(length) if length > 0 && length.is_multiple_of(BLOCK as u64) => Ok(token),
            _ => Err(cut_off()),
        }
    }

    fn ciphertext(&self) -> Option<u64> {
        self.size.checked_sub((TOKEN_HEAD + CODE) as u64)
    }

    fn raw(&self) -> Result<Raw<'a>, OpenError> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(HEAD as u64))
            .map_err(OpenError::Read)?;
        Ok(DecoderReader::new(
            BufReader::with_capacity(PIECE, file),
            &URL_SAFE,
        ))
    }

    /// Over every byte of it, before any is used.
    fn authenticate(&self, keys: &Keys) -> Result<(), OpenError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&keys.expose_secret()[..16])
            .map_err(|_| OpenError::WrongPassphrase)?;
        let mut raw = self.raw()?;
        let length = self.size - CODE as u64;
        self.pieces(&mut raw, length, Phase::Checking, &mut |piece| {
            mac.update(piece);
            Ok(())
        })?;
        let mut code = [0; CODE];
        read_exact(&mut raw, &mut code)?;
        mac.verify_slice(&code)
            .map_err(|_| OpenError::WrongPassphrase)
    }

    /// Only after `authenticate`.
    fn decrypt(
        &self,
        keys: &Keys,
        each: &mut dyn FnMut(&[u8]) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let mut raw = self.raw()?;
        let mut head = [0; TOKEN_HEAD];
        read_exact(&mut raw, &mut head)?;
        if head[0] != TOKEN_VERSION {
            let version = format!("Fernet {:#04x}", head[0]);
            return Err(OpenError::UnknownVersion(version));
        }
        let padding = || OpenError::refused("its padding is broken");
        let decryptor = cbc::Decryptor::<Aes128>::new_from_slices(
            &keys.expose_secret()[16..],
            &head[TOKEN_HEAD - BLOCK..],
        );
        let mut decryptor = Some(decryptor.map_err(|_| padding())?);
        let length = self.ciphertext().unwrap_or_default();
        let mut left = length;
        self.pieces(&mut raw, length, Phase::Preparing, &mut |piece| {
            left -= piece.len() as u64;
            match (decryptor.take(), left) {
                (None, _) => Err(padding()),
                (Some(last), 0) => {
                    each(last.decrypt_padded::<Pkcs7>(piece).map_err(|_| padding())?)
                }
                (Some(mut goes_on), _) => {
                    // Pieces are whole blocks.
                    let (blocks, _) = Array::slice_as_chunks_mut(piece);
                    goes_on.decrypt_blocks(blocks);
                    decryptor = Some(goes_on);
                    each(piece)
                }
            }
        })
    }

    /// `length` bytes in pieces, all but the last of them of `PIECE` bytes.
    fn pieces(
        &self,
        raw: &mut Raw<'_>,
        length: u64,
        phase: Phase,
        each: &mut Each<'_>,
    ) -> Result<(), OpenError> {
        let mut buffer = vec![0; PIECE];
        let mut left = length;
        while left > 0 {
            self.cancel.check()?;
            let piece = &mut buffer[..as_usize(left.min(PIECE as u64))];
            read_exact(raw, piece)?;
            left -= piece.len() as u64;
            each(piece)?;
            self.observer.progress(&Progress {
                phase,
                done_bytes: length - left,
                total_bytes: length,
                what: "decryption".to_owned(),
            });
        }
        Ok(())
    }
}

fn read_exact(raw: &mut Raw<'_>, buffer: &mut [u8]) -> Result<(), OpenError> {
    raw.read_exact(buffer).map_err(|cause| match cause.kind() {
        io::ErrorKind::InvalidData => OpenError::refused(format!("its token is damaged: {cause}")),
        io::ErrorKind::UnexpectedEof => cut_off(),
        _ => OpenError::Read(cause),
    })
}

fn cut_off() -> OpenError {
    OpenError::refused("its encrypted token is cut off")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::model::NoObserver;

    /// The Fernet specification's own example (verify.json), behind a header of ours.
    const TOKEN: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    fn open(token: &str, keys: &Keys) -> Result<Vec<u8>, OpenError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; HEAD]).unwrap();
        file.write_all(token.as_bytes()).unwrap();
        let cancel = Cancel::new();
        let token = Token::of(&file, &cancel, &NoObserver)?;
        token.authenticate(keys)?;
        let mut plain = Vec::new();
        token.decrypt(keys, &mut |bytes| {
            plain.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(plain)
    }

    fn keys(text: &str) -> Keys {
        use base64::Engine as _;
        let bytes = URL_SAFE.decode(text).unwrap();
        SecretBox::init_with_mut(|keys: &mut [u8; 32]| keys.copy_from_slice(&bytes))
    }

    #[test]
    fn the_specifications_own_token_opens_with_its_key() {
        assert_eq!(open(TOKEN, &keys(KEY)).unwrap(), b"hello");
    }

    #[test]
    fn not_one_character_of_a_token_can_be_another() {
        let keys = keys(KEY);
        for at in 0..TOKEN.len() - 2 {
            let mut other = TOKEN.as_bytes().to_vec();
            other[at] = if other[at] == b'B' { b'C' } else { b'B' };
            let other = String::from_utf8(other).unwrap();
            assert!(open(&other, &keys).is_err(), "{at}");
        }
        for length in 0..TOKEN.len() {
            assert!(open(&TOKEN[..length], &keys).is_err(), "{length}");
        }
    }

    /// PBKDF2-HMAC-SHA256 as Python's hashlib computes it.
    #[test]
    fn the_key_is_derived_as_the_server_derives_it() {
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(b"correct horse", b"0123456789abcdef", ROUNDS, &mut key);
        assert_eq!(
            hex::encode(key),
            "598115575ba5d2a06dee21a7385a6ae51987d1a385be638a4e5500827f665983"
        );
    }
}
