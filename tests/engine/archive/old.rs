//! Claims about reading version 1.0: what is accepted, and above all what is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::archive::{self, Archive, OldForm, OpenError, UnpackPolicy};
use holdfast::model::{ArchiveType, Cancel, NoObserver};
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;

use crate::old_archive::{self, Entry, OldArchive, file, listed};

/// Two databases that are none, and the rest of what an archive may have: what is in them is not this module's business.
fn small() -> OldArchive {
    OldArchive::of_files(&[
        ("config_export.json", b"{}".to_vec()),
        ("devices.db", vec![b'd'; 3000]),
        ("local_auth.db", vec![b'u'; 1024]),
        ("tacacs.conf", b"[server]\n".to_vec()),
    ])
}

struct Reader {
    scratch: TempDir,
}

impl Reader {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        Self { scratch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn open(&self, plain: &[u8]) -> Result<Archive, OpenError> {
        fs::write(self.path("plain"), plain).unwrap();
        self.open_file(&self.path("plain"))
    }

    fn open_file(&self, plain: &Path) -> Result<Archive, OpenError> {
        let cancel = Cancel::new();
        let survey = archive::survey(plain, OldForm::Plain, &cancel)?;
        let dir = self.path("content");
        fs::create_dir(&dir).unwrap();
        survey.unpack(&dir, &cancel, &NoObserver)
    }

    fn unseal(&self, sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, OpenError> {
        let (from, to) = (self.path("sealed"), self.path("unsealed"));
        fs::write(&from, sealed).unwrap();
        let passphrase = SecretString::from(passphrase);
        let done = archive::unseal(&from, &passphrase, &to, &Cancel::new(), &NoObserver);
        done.map(|()| fs::read(&to).unwrap())
    }
}

/// Refused, with this entry and this reason.
#[track_caller]
fn refused(archive: &OldArchive, at: Option<&str>, because: &str) {
    refused_bytes(&archive.plain(), at, because);
}

#[track_caller]
fn refused_bytes(plain: &[u8], at: Option<&str>, because: &str) {
    let reader = Reader::new();
    match reader.open(plain).map(|_| ()) {
        Err(OpenError::Refused { entry, reason, .. }) => {
            assert!(reason.contains(because), "{reason}");
            assert_eq!(entry.as_deref(), at, "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_file_belongs_to_its_component() {
    let old = small();
    let reader = Reader::new();
    let archive = reader.open(&old.plain()).unwrap();
    let components = archive.manifest.components.iter();
    let names: Vec<&str> = components.map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["devices", "users", "config"]);
    let metadata = &archive.manifest.backup_metadata;
    assert_eq!(metadata.backup_version, "1.0");
    assert_eq!(metadata.instance_id.as_str(), "4f3c2b1a");
    assert_eq!(metadata.backup_type, ArchiveType::Manual);
    assert!(
        metadata
            .timestamp_utc
            .to_string()
            .starts_with("2024-05-06T07:08:09")
    );
    let out = reader.path("out");
    fs::create_dir(&out).unwrap();
    let policy = UnpackPolicy {
        trusted: false,
        owners: false,
        with_metadata: true,
    };
    archive
        .unpack(&[], &out, &policy, &Cancel::new(), &NoObserver)
        .unwrap();
    for (name, at) in [
        ("devices.db", "devices/devices.db"),
        ("local_auth.db", "users/local_auth.db"),
        ("tacacs.conf", "config/tacacs.conf"),
        ("config_export.json", "config_export.json"),
    ] {
        assert_eq!(fs::read(out.join(at)).unwrap(), old.content(name), "{at}");
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest, old.manifest);
}

#[test]
fn one_component_is_unpacked_alone() {
    let reader = Reader::new();
    let archive = reader.open(&small().plain()).unwrap();
    let out = reader.path("out");
    fs::create_dir(&out).unwrap();
    let policy = UnpackPolicy {
        trusted: false,
        owners: false,
        with_metadata: false,
    };
    let users = ["users".to_owned()];
    let unpacked = archive
        .unpack(&users, &out, &policy, &Cancel::new(), &NoObserver)
        .unwrap();
    assert_eq!(unpacked.paths, [out.join("users/local_auth.db")]);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}

/// `tar.add(folder, arcname=".")` of Python's tarfile, by which the server writes, in both of its formats.
#[test]
fn what_python_writes_is_read() {
    let old = small();
    let reader = Reader::new();
    let folder = reader.path("folder");
    fs::create_dir(&folder).unwrap();
    for entry in &old.entries {
        fs::write(folder.join(&entry.name), &entry.content).unwrap();
    }
    let manifest = serde_json::to_vec(&old.manifest).unwrap();
    fs::write(folder.join("manifest.json"), manifest).unwrap();
    for format in ["PAX_FORMAT", "GNU_FORMAT"] {
        let plain = reader.path("python.tar.gz");
        let script = format!(
            "import sys, tarfile\n\
             with tarfile.open(sys.argv[2], 'w:gz', format=tarfile.{format}) as tar:\n    \
                 tar.add(sys.argv[1], arcname='.')"
        );
        let python = Command::new("python3")
            .args(["-c", &script])
            .args([&folder, &plain])
            .status();
        assert!(python.unwrap().success());
        let head = fs::read(&plain).unwrap();
        assert_eq!(OldForm::of(&head), Some(OldForm::Plain), "{format}");
        let archive = reader.open_file(&plain).unwrap();
        assert_eq!(archive.manifest.contents.len(), 4, "{format}");
        fs::remove_dir_all(reader.path("content")).unwrap();
    }
}

#[test]
fn a_form_is_known_by_its_first_bytes() {
    assert_eq!(OldForm::of(&small().plain()), Some(OldForm::Plain));
    assert_eq!(OldForm::of(b"TCBK\x01"), Some(OldForm::Sealed));
    let mut tar = super::forge::Forge::default();
    tar.append(&super::forge::raw("README.txt", b"hello"));
    let gzip = old_archive::gzip(&tar.tar);
    for other in [&b""[..], b"\x1f\x8b", b"age-encryption.org/v1", &gzip] {
        assert_eq!(OldForm::of(other), None);
    }
}

#[test]
fn what_the_manifest_does_not_hold_with_is_refused() {
    let mut changed = small();
    changed.entries[1].content[7] ^= 1;
    refused(&changed, Some("devices.db"), "SHA-256");

    let mut longer = small();
    longer.entries[1].content.push(0);
    refused(&longer, Some("devices.db"), "size");

    let mut extra = small();
    extra.entries.push(file("./metrics_history.db", b"x"));
    refused(&extra, Some("metrics_history.db"), "not in the manifest");

    let mut missing = small();
    missing.entries.remove(1);
    refused(&missing, Some("devices.db"), "not in the archive");

    let mut unlisted = small();
    unlisted.manifest["contents"]
        .as_array_mut()
        .unwrap()
        .remove(1);
    refused(&unlisted, Some("devices.db"), "not in the manifest");

    let mut twice = small();
    let again = twice.manifest["contents"][1].clone();
    twice.manifest["contents"]
        .as_array_mut()
        .unwrap()
        .push(again);
    refused(&twice, Some("devices.db"), "twice");

    let mut digest = small();
    digest.manifest["contents"][1]["checksum_sha256"] = json!("none");
    refused(&digest, Some("devices.db"), "SHA-256");

    let mut nothing = small();
    nothing.entries.truncate(1);
    nothing.manifest["contents"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    refused(&nothing, Some("manifest.json"), "nothing");

    let mut no_manifest = small();
    no_manifest.manifest = json!({});
    refused(&no_manifest, Some("manifest.json"), "cannot be read");

    let mut kind = small();
    kind.manifest["backup_metadata"]["backup_type"] = json!("weekly");
    refused(&kind, Some("manifest.json"), "weekly");

    let mut dated = small();
    dated.manifest["backup_metadata"]["timestamp_utc"] = json!("2024-13-40T00:00:00");
    refused(&dated, Some("manifest.json"), "is no time");
}

#[test]
fn another_version_is_not_called_damaged() {
    let mut newer = small();
    newer.manifest["backup_metadata"]["backup_version"] = json!("1.1");
    let error = Reader::new().open(&newer.plain()).map(|_| ()).unwrap_err();
    assert!(
        matches!(&error, OpenError::UnknownVersion(v) if v == "1.1"),
        "{error:?}"
    );
}

#[test]
fn what_is_no_plain_file_at_the_root_is_refused() {
    let with = |entry: Entry| {
        let mut archive = small();
        let name = entry.name.trim_start_matches("./").to_owned();
        let manifest = archive.manifest["contents"].as_array_mut().unwrap();
        manifest.push(listed(&name, &entry.content));
        archive.entries.push(entry);
        archive
    };
    let of_kind = |kind: u8, link: &str| Entry {
        kind,
        link: link.to_owned(),
        ..file("./audit_trail.db", b"")
    };
    refused(
        &with(of_kind(b'2', "/etc/passwd")),
        Some("audit_trail.db"),
        "plain file",
    );
    refused(
        &with(of_kind(b'1', "./devices.db")),
        Some("audit_trail.db"),
        "plain file",
    );
    refused(&with(of_kind(b'3', "")), Some("./audit_trail.db"), "device");
    refused(&with(of_kind(b'6', "")), Some("./audit_trail.db"), "pipe");
    refused(&with(of_kind(b'5', "")), Some("audit_trail.db"), "folder");
    for (name, shown, reason) in [
        ("./../audit_trail.db", "../audit_trail.db", "`..`"),
        ("./data/audit_trail.db", "data/audit_trail.db", "no file of"),
        ("/audit_trail.db", "/audit_trail.db", "absolute"),
        ("././audit_trail.db", "./audit_trail.db", "`.`"),
        ("./notes.txt", "notes.txt", "no file of"),
        ("./manifest.json", "manifest.json", "twice"),
        ("./devices.db", "devices.db", "twice"),
    ] {
        refused(&with(file(name, b"x")), Some(shown), reason);
    }
}

#[test]
fn more_than_announced_is_refused_before_anything_is_written() {
    let mut bomb = small();
    bomb.entries[1].content = vec![0; 64 << 20];
    let reader = Reader::new();
    let error = reader.open(&bomb.plain()).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    assert!(!reader.path("content").exists());
    let mut manifest = small();
    manifest.manifest["padding"] = json!("x".repeat(2 << 20));
    refused(&manifest, Some("manifest.json"), "too large");
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let whole = small().plain();
    for length in (1..whole.len()).step_by(7) {
        let error = Reader::new().open(&whole[..length]).map(|_| ());
        let refused = matches!(error, Err(OpenError::Refused { .. }));
        assert!(refused, "{length}: {error:?}");
    }
    let mut more = whole.clone();
    more.extend_from_slice(&old_archive::gzip(b"more"));
    refused_bytes(&more, None, "follows");
    let mut tar = small().tar();
    tar.extend_from_slice(b"more");
    refused_bytes(&old_archive::gzip(&tar), None, "follows");
    let headless = tar.len() / 10240 * 10240 - 10240;
    let unended = old_archive::gzip(&small().tar()[..headless]);
    refused_bytes(&unended, None, "");
}

#[test]
fn a_sealed_archive_opens_with_its_passphrase_and_no_other() {
    let old = small();
    let sealed = old.sealed("correct horse");
    assert_eq!(
        Reader::new().unseal(&sealed, "correct horse").unwrap(),
        old.plain()
    );
    let wrong = Reader::new().unseal(&sealed, "battery staple");
    assert!(matches!(wrong, Err(OpenError::WrongPassphrase)));
}

#[test]
fn not_a_byte_of_a_changed_seal_is_written() {
    let sealed = small().sealed("correct horse");
    let magic_version_salt_head_middle_code =
        [0, 4, 5, 20, 21, 40, 45, sealed.len() / 2, sealed.len() - 9];
    for at in magic_version_salt_head_middle_code {
        let mut changed = sealed.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let reader = Reader::new();
        let error = reader.unseal(&changed, "correct horse").unwrap_err();
        let known = matches!(
            error,
            OpenError::WrongPassphrase | OpenError::Refused { .. } | OpenError::UnknownVersion(_)
        );
        assert!(known, "{at}: {error:?}");
        assert!(!reader.path("unsealed").exists(), "{at}");
    }
    for length in [
        0,
        4,
        5,
        20,
        21,
        22,
        24,
        100,
        sealed.len() - 4,
        sealed.len() - 1,
    ] {
        let reader = Reader::new();
        reader
            .unseal(&sealed[..length], "correct horse")
            .unwrap_err();
        assert!(!reader.path("unsealed").exists(), "{length}");
    }
    let mut longer = sealed.clone();
    longer.extend_from_slice(b"AAAA");
    Reader::new().unseal(&longer, "correct horse").unwrap_err();
}

/// The Fernet specification's example (generate.json): what the tests seal with is what the world calls so.
#[test]
fn the_tests_own_seal_is_a_fernet_token() {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::URL_SAFE
        .decode("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")
        .unwrap();
    assert_eq!(
        old_archive::token(b"hello", &key.try_into().unwrap()),
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
    );
}
