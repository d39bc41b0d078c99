//! Opens the demonstration's archive as a stranger would: the identity out of the recovery kit, plain age, gzip and tar, and then every
//! signature, hash, size and database looked at. Holdfast's own reader is not asked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::proof::Proof;
use super::stage::{Stage, Stored};
use super::{look, stuck};
use crate::cli::error::Result;
use crate::cli::words;
use crate::model::manifest::{EntryType, Manifest};
use crate::service::sample;

const AGE_HEADER: &[u8] = b"age-encryption.org/v1\n";

/// What is in no component and vouched for by the manifest's own signature or hash.
const AROUND: [&str; 4] = [
    "README.txt",
    "config_export.json",
    "manifest.json",
    "manifest.json.minisig",
];

/// Entry name → size and SHA-256, as found on disk after unpacking.
type Found = BTreeMap<String, (u64, String)>;

pub(super) fn prove(archive: &Stored, stage: &Stage<'_>, proof: &mut Proof<'_>) -> Result<()> {
    proof.claim(
        "It was backed up, and without the key nothing of the archive can be read",
        is_sealed(&archive.path)?,
        format!("{}, {}", archive.name, words::size(archive.size)),
    )?;
    let folder = stage.opened()?;
    let found = unpack(archive, &stage.recovery_kit()?, &folder)?;
    proof.claim(
        "The recovery kit's identity and the plain formats (age, gzip, tar) open it",
        !found.is_empty(),
        words::count(found.len() as u64, "entry", "entries"),
    )?;
    let manifest_json = read(&folder.join("manifest.json"))?;
    let signature = read(&folder.join("manifest.json.minisig"))?;
    proof.claim(
        "Its manifest is signed by this installation's key",
        is_signed(&manifest_json, &signature, &stage.verification_key)?,
        "checked as `minisign -V` does".to_owned(),
    )?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest_json).map_err(stuck("reading the manifest"))?;
    let strangers = strangers(&manifest, &found);
    proof.claim(
        "Every entry is what the signed manifest says, and there are no others",
        strangers.is_empty(),
        if strangers.is_empty() {
            "names, sizes and SHA-256 compared".to_owned()
        } else {
            strangers.join(", ")
        },
    )?;
    prove_databases(&manifest, &folder, proof)?;
    prove_one_moment(&manifest, &folder, proof)
}

fn prove_databases(manifest: &Manifest, folder: &Path, proof: &mut Proof<'_>) -> Result<()> {
    let (mut count, mut rows, mut good) = (0, 0, true);
    for entry in &manifest.contents {
        let Some(facts) = &entry.database else {
            continue;
        };
        let database = folder.join(&entry.file);
        good &= look::is_sound(&database)?;
        for (table, expected) in &facts.tables {
            let counted = look::count(&database, table)?;
            good &= *expected == Some(counted);
            rows += counted;
        }
        count += 1;
    }
    let databases = words::count(count, "database", "databases");
    proof.claim(
        "Every database in it opens, is sound, and holds the rows that the manifest says",
        good && count > 0,
        format!("{databases}, {}", words::count(rows, "row", "rows")),
    )
}

/// Of rows that the writer made in pairs, one here and one there, a single moment shows both, or the first alone.
fn prove_one_moment(manifest: &Manifest, folder: &Path, proof: &mut Proof<'_>) -> Result<()> {
    let gap = sample::pair_gap(
        &folder.join("accounting/tacacs_accounting.db"),
        &folder.join("audit/audit_trail.db"),
    )
    .map_err(stuck("looking at pairs of rows"))?;
    let width = manifest.capture.window_ms;
    proof.claim(
        "All databases show one moment, or the manifest says that they do not",
        !manifest.capture.exact || (0..=1).contains(&gap),
        if manifest.capture.exact {
            format!("pinned within {width:.1} ms, no pair of rows is torn")
        } else {
            format!("the manifest says {width:.1} ms apart")
        },
    )
}

fn is_sealed(path: &Path) -> Result<bool> {
    const STEP: &str = "looking at the sealed archive";
    let mut file = File::open(path).map_err(stuck(STEP))?;
    let mut header = [0; AGE_HEADER.len()];
    file.read_exact(&mut header).map_err(stuck(STEP))?;
    let stranger = age::x25519::Identity::generate();
    let file = BufReader::new(File::open(path).map_err(stuck(STEP))?);
    let opened = age::Decryptor::new_buffered(file)
        .map_err(stuck(STEP))?
        .decrypt(std::iter::once(&stranger as &dyn age::Identity));
    Ok(header == AGE_HEADER && opened.is_err())
}

fn unpack(archive: &Stored, kit: &Path, folder: &Path) -> Result<Found> {
    const STEP: &str = "opening the archive";
    let kit = BufReader::new(File::open(kit).map_err(stuck(STEP))?);
    let identities = age::IdentityFile::from_buffer(kit)
        .map_err(stuck(STEP))?
        .into_identities()
        .map_err(stuck(STEP))?;
    let file = BufReader::new(File::open(&archive.path).map_err(stuck(STEP))?);
    let plain = age::Decryptor::new_buffered(file)
        .map_err(stuck(STEP))?
        .decrypt(identities.iter().map(|i| i.as_ref() as &dyn age::Identity))
        .map_err(stuck(STEP))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(plain)));
    let mut found = Found::new();
    for entry in tar.entries().map_err(stuck(STEP))? {
        let mut entry = entry.map_err(stuck(STEP))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        entry.unpack_in(folder).map_err(stuck(STEP))?;
        if entry.header().entry_type().is_file() {
            let seen = hash(&folder.join(&name)).map_err(stuck(STEP))?;
            found.insert(name, seen);
        }
    }
    Ok(found)
}

fn is_signed(manifest: &[u8], signature: &[u8], verification_key: &str) -> Result<bool> {
    const STEP: &str = "checking the signature";
    let key = minisign::PublicKey::from_base64(verification_key).map_err(stuck(STEP))?;
    let signature = std::str::from_utf8(signature).map_err(stuck(STEP))?;
    let signature = minisign::SignatureBox::from_string(signature).map_err(stuck(STEP))?;
    Ok(minisign::verify(&key, &signature, Cursor::new(manifest), true, false, false).is_ok())
}

/// Names that are only on one side, or differ.
fn strangers(manifest: &Manifest, found: &Found) -> Vec<String> {
    let mut rest = found.clone();
    let mut strangers = Vec::new();
    let files = manifest
        .contents
        .iter()
        .filter(|e| e.entry == EntryType::File);
    for entry in files {
        let promised = (entry.size_bytes, entry.checksum_sha256.clone());
        if rest.remove(&entry.file) != Some(promised) {
            strangers.push(entry.file.clone());
        }
    }
    let unknown = rest.into_keys().filter(|n| !AROUND.contains(&n.as_str()));
    strangers.extend(unknown);
    strangers
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hex::encode(hasher.finalize()))),
            n => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(stuck("reading what came out of the archive"))
}
