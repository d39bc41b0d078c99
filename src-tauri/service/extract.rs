//! The verbs that bring an archive, or parts of it, into a folder of the user's: `extract` and `download`.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::archive::{OpenError, UnpackPolicy, remove_tree};
use crate::model::{Manifest, Phase};
use crate::service::error::{at, was_cancelled};
use crate::service::report::ExtractReport;
use crate::service::watched::Meter;
use crate::service::{Act, ArchiveRef, BackupService, Error, Result, space};

impl BackupService {
    /// `to` is made, or must be empty. A failure leaves it as it was.
    pub fn extract(
        &self,
        archive: &ArchiveRef,
        to: &Path,
        components: &[String],
        act: &Act<'_>,
    ) -> Result<ExtractReport> {
        let made = prepare(to)?;
        let opened = self.open_archive(archive, act);
        let extracted = opened.and_then(|opened| {
            let chosen = choose(&opened.archive.manifest, components)?;
            space::require(
                to,
                opened
                    .archive
                    .manifest
                    .total_size_bytes
                    .min(size_of(&opened.archive.manifest, &chosen)),
            )?;
            let policy = UnpackPolicy {
                trusted: opened.trusted() && opened.broken.is_empty(),
                owners: rustix::process::geteuid().is_root(),
                with_metadata: components.is_empty(),
            };
            let unpacked = opened
                .archive
                .unpack(&chosen, to, &policy, act.cancel, act.observer);
            let unpacked = unpacked.map_err(|e| was_cancelled(e.into(), act.cancel))?;
            Ok(ExtractReport {
                files: unpacked.paths,
                fetched_bytes: opened.fetched_bytes(),
                signature: opened.verdict,
                warnings: unpacked.warnings,
            })
        });
        if extracted.is_err() {
            clear(to, &made);
        }
        extracted
    }

    /// Create-only; the bytes are compared with our record where there is one.
    pub fn download(&self, archive: &ArchiveRef, to: &Path, act: &Act<'_>) -> Result<()> {
        if to.symlink_metadata().is_ok() {
            return Err(Error::Taken {
                what: "file",
                name: to.display().to_string(),
            });
        }
        let located = self.locate(archive, act)?;
        let folder = to
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        space::require(folder, located.size)?;
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        let part = folder.join(name);
        let (source, _) = located.source(act)?;
        let meter = Meter::new(act, Phase::Fetching, located.size);
        let fetched = source
            .read_range(0, located.size)
            .map_err(|e| Error::from(OpenError::Read(e)))
            .and_then(|inner| {
                copy(&mut meter.reader(inner, &located.label), &part)
                    .map_err(|e| was_cancelled(e, act.cancel))
            });
        let expected = located.recorded_digest();
        let done = fetched.and_then(|sha256| match expected {
            Some(expected) if expected != sha256 => Err(Error::DigestDiffers {
                archive: located.label.clone(),
            }),
            _ => publish(&part, to).map_err(|e| at(to, e.into())),
        });
        if done.is_err() {
            // What cannot be removed carries a name that says what it is.
            let _ = fs::remove_file(&part);
        }
        done
    }
}

/// The named components, each of which must be there; all of them where none is named.
pub(crate) fn choose(manifest: &Manifest, names: &[String]) -> Result<Vec<String>> {
    let all = manifest.components.iter().map(|c| c.name.clone());
    if names.is_empty() {
        return Ok(all.collect());
    }
    let all: Vec<String> = all.collect();
    match names.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(Error::Unknown {
            what: "component of this archive",
            name: name.clone(),
        }),
        None => Ok(all.into_iter().filter(|c| names.contains(c)).collect()),
    }
}

fn size_of(manifest: &Manifest, components: &[String]) -> u64 {
    let files = manifest
        .contents
        .iter()
        .filter(|c| components.contains(&c.component))
        .map(|c| c.size_bytes);
    let trees = manifest
        .components
        .iter()
        .filter(|c| components.contains(&c.name))
        .filter_map(|c| c.counts);
    files
        .fold(0u64, u64::saturating_add)
        .saturating_add(trees.fold(0, |sum, c| sum.saturating_add(c.size_bytes)))
}

/// The folders that were made for it, the outermost first. None: it was there, and is the user's.
struct Made(Vec<PathBuf>);

fn prepare(to: &Path) -> Result<Made> {
    match fs::read_dir(to) {
        Ok(mut entries) => match entries.next() {
            None => Ok(Made(Vec::new())),
            Some(_) => Err(Error::NotEmpty {
                path: to.to_owned(),
            }),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let absent = |path: &&Path| {
                let stat = path.symlink_metadata();
                stat.is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
            };
            let mut made: Vec<PathBuf> = to
                .ancestors()
                .take_while(absent)
                .map(Path::to_path_buf)
                .collect();
            made.reverse();
            fs::create_dir_all(to).map_err(|e| at(to, e))?;
            Ok(Made(made))
        }
        Err(e) => Err(at(to, e)),
    }
}

/// The folder was empty before, so that everything in it is ours. The error that led here is the one to report.
fn clear(to: &Path, made: &Made) {
    let paths: Vec<PathBuf> = fs::read_dir(to)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    for path in paths {
        let folder = path.symlink_metadata().is_ok_and(|m| m.is_dir());
        let _ = if folder {
            remove_tree(&path)
        } else {
            fs::remove_file(&path)
        };
    }
    for folder in made.0.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// Create-only. File systems that cannot rename so (NFS, some of FUSE's) can link.
fn publish(part: &Path, to: &Path) -> std::result::Result<(), Errno> {
    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            linkat(CWD, part, CWD, to, AtFlags::empty())?;
            // It carries a name that says what it is.
            let _ = fs::remove_file(part);
            Ok(())
        }
        renamed => renamed,
    }
}

/// Returns the SHA-256 of what was copied, which is on disk by then.
fn copy(from: &mut impl Read, to: &Path) -> Result<String> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|e| at(to, e))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        let n = from.read(&mut buffer).map_err(OpenError::Read)?;
        let Some(bytes) = buffer.get(..n).filter(|b| !b.is_empty()) else {
            break;
        };
        hash.update(bytes);
        file.write_all(bytes).map_err(|e| at(to, e))?;
    }
    file.sync_all().map_err(|e| at(to, e))?;
    Ok(hex::encode(hash.finalize()))
}
