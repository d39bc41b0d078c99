//! What stock tools make of an archive.

use std::path::Path;
use std::process::{Command, Output};

use holdfast::model::Compression;
use holdfast::model::instance::ComponentKind;

use super::packing::{Packing, Part, file, folder, hardlink, part, records, symlink};

fn parts() -> Vec<Part> {
    let long = format!("deep/{}/{}", "x".repeat(150), "y".repeat(150));
    vec![
        part(
            "config",
            ComponentKind::Config,
            vec![file("tacacs.conf", b"[server]\nport = 49\n")],
        ),
        part(
            "devices",
            ComponentKind::Database,
            vec![file("devices.db", &records(3 * 1024 * 1024 + 77, 1))],
        ),
        part(
            "files",
            ComponentKind::Files,
            vec![
                folder("deep"),
                folder(long.rsplit_once('/').unwrap().0),
                file(&long, b"long"),
                folder("empty"),
                file("größe €.txt", "unicode".as_bytes()),
                file("with space and\nnewline", b"odd"),
                hardlink("with space and\nnewline 2", "with space and\nnewline"),
                symlink("zlink", "größe €.txt"),
            ],
        ),
    ]
}

fn sh(line: &str, dir: &Path) -> Output {
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", line])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn stock_tar_gives_every_byte(compression: Compression, sealed: bool, line: &str) {
    let packing = Packing::new(compression, sealed);
    let parts = parts();
    let packed = packing.pack(&parts);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("archive"), &packed.out).unwrap();
    std::fs::copy(packing.identity_file(), dir.path().join("key.txt")).unwrap();
    let output = sh(line, dir.path());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for part in &parts {
        for (entry, content) in &part.entries {
            let path = dir
                .path()
                .join(part.name)
                .join(std::str::from_utf8(&entry.name).unwrap());
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_file() && entry.link.is_none() {
                assert!(
                    std::fs::read(&path).unwrap() == *content,
                    "{}",
                    path.display()
                );
                let modified = jiff::Timestamp::try_from(metadata.modified().unwrap()).unwrap();
                assert_eq!(modified, entry.mtime, "{}", path.display());
            }
        }
    }
    assert_eq!(
        std::fs::read(dir.path().join("files/with space and\nnewline 2")).unwrap(),
        b"odd"
    );
    assert!(
        dir.path()
            .join("files/zlink")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        std::fs::read(dir.path().join("manifest.json")).unwrap(),
        packed.manifest_json
    );
    let key = packing.keys.pk.to_base64();
    sh(
        &format!("minisign -V -m manifest.json -P {key}"),
        dir.path(),
    );
}

#[test]
fn tar_opens_a_gzip_archive() {
    stock_tar_gives_every_byte(Compression::Gzip, false, "tar xzf archive");
}

#[test]
fn tar_opens_a_zstd_archive() {
    stock_tar_gives_every_byte(Compression::Zstd, false, "tar x --zstd -f archive");
}

#[test]
fn age_and_tar_open_a_sealed_gzip_archive() {
    stock_tar_gives_every_byte(
        Compression::Gzip,
        true,
        "age -d -i key.txt archive | tar xz",
    );
}

#[test]
fn age_and_tar_open_a_sealed_zstd_archive() {
    stock_tar_gives_every_byte(
        Compression::Zstd,
        true,
        "age -d -i key.txt archive | tar x --zstd",
    );
}

#[test]
fn gzip_and_zstd_find_nothing_wrong() {
    for (compression, line) in [
        (Compression::Gzip, "gzip -t < archive && pigz -t < archive"),
        (Compression::Zstd, "zstd -qt < archive"),
    ] {
        let packed = Packing::new(compression, false).pack(&parts());
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("archive"), &packed.out).unwrap();
        assert_eq!(sh(line, dir.path()).stderr, b"");
    }
}

#[test]
fn gzip_members_take_at_most_two_percent_more_than_pigz() {
    let content = records(8 * 1024 * 1024, 3);
    let packed = Packing::gzip().pack(&[part(
        "accounting",
        ComponentKind::Database,
        vec![file("accounting.db", &content)],
    )]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plain"), &content).unwrap();
    sh("pigz -6 -k plain", dir.path());
    let reference = std::fs::metadata(dir.path().join("plain.gz"))
        .unwrap()
        .len();
    assert!(
        packed.size * 100 <= reference * 102,
        "{} to {reference}",
        packed.size
    );
}
