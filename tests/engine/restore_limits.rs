//! Claims about what a restore must not do: leave the instance, or lose the old content for want of space.

use std::fs;
use std::path::Path;

use holdfast::model::instance::ComponentKind;
use holdfast::service::restore::error::RestoreError;

use crate::holder::Holder;
use crate::site::{Rows, Site, rows};

#[test]
fn a_restore_never_leaves_the_instance() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("listed.db"), "").unwrap();
    std::os::unix::fs::symlink(&outside, site.live("link")).unwrap();
    std::os::unix::fs::symlink(outside.join("nothing"), site.live("dangling")).unwrap();
    let listed = outside.join("listed.db");
    site.component(
        "devices",
        ComponentKind::Database,
        &["link/listed.db", listed.to_str().unwrap(), "d.db"],
    );
    let grounds = site.grounds();
    let refused = |source: &str| match grounds.single("devices", Path::new(source)) {
        Err(RestoreError::Target { reason, .. }) => reason.to_owned(),
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(refused("../outside/x.db"), "it leads upwards");
    assert_eq!(refused("a/../../x.db"), "it leads upwards");
    assert_eq!(refused("link/x.db"), "a link leads out of the instance");
    assert_eq!(refused("link/new/x.db"), "a link leads out of the instance");
    assert_eq!(
        refused("/etc/passwd"),
        "it lies outside, and the instance does not name it"
    );
    assert_eq!(refused("dangling"), "it is a link to nothing");
    assert_eq!(refused("d.db-wal"), "it is the side file of a database");
    assert_eq!(refused("."), "it names no file");
    let real = outside.canonicalize().unwrap().join("listed.db");
    for source in ["link/listed.db", listed.to_str().unwrap()] {
        assert_eq!(
            grounds.single("devices", Path::new(source)).unwrap().path(),
            real
        );
    }
    assert!(
        grounds.single("users", &listed).is_err(),
        "another component's place"
    );
}

#[test]
fn a_full_disk_leaves_the_old_rows_and_a_working_handle() {
    for mode in ["wal", "delete"] {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        let Some(_small) = SmallDisk::mount(&site.root) else {
            println!("skipped: a small file system cannot be mounted here");
            return;
        };
        let big = |label, count| Rows {
            ballast: 3000,
            ..Rows::few(label, count)
        };
        site.database("devices", mode, Some(&big("old", 1000)), &big("new", 4000));
        let mut holder = Holder::open(&site.live("devices.db"));
        let grounds = site.grounds();
        let (_folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", mode)]);
        assert!(matches!(done, Err(RestoreError::NoSpace(_))), "{done:?}");
        assert_eq!(
            holder.ask("SELECT label, count(*) FROM t"),
            "[('old', 1000)]"
        );
        assert_eq!(holder.ask("UPDATE t SET label = 'mine' WHERE id = 1"), "[]");
        drop(holder);
        assert_eq!(
            rows(&site.live("devices.db")),
            format!("mine 1 1.0,old 999 500499.0 {mode} ok")
        );
    }
}

/// A file system of twelve MiB, while it lives. Needs the right to mount.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|ran| ran.status.success())
            .then(|| Self(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
