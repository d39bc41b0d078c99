//! A disk of one test's own: a tmpfs in a mount namespace, so that full and read-only are what the kernel says.

use std::env;
use std::path::Path;
use std::process::Command;

const INSIDE: &str = "HOLDFAST_TEST_SMALL_DISK";

/// Starts the test `name` again where it may mount; there `claim` gets the mount point of a disk of `kib` KiB.
pub fn with_small_disk(name: &str, kib: u32, claim: impl FnOnce(&Path)) {
    if env::var_os(INSIDE).is_some() {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k,mode=0700");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], dir.path());
        return claim(dir.path());
    }
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare (util-linux) is needed");
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{err}");
    assert!(
        out.contains("1 passed"),
        "`{name}` is not this test's name: {out}"
    );
}

/// The mount, not the file system: whose options name an owner that whoever is not root in truth cannot name again.
pub fn make_read_only(disk: &Path) {
    mount(&["-o", "remount,bind,ro"], disk);
}

fn mount(arguments: &[&str], on: &Path) {
    let status = Command::new("mount")
        .args(arguments)
        .arg(on)
        .status()
        .unwrap();
    assert!(status.success(), "mount {arguments:?}: {status}");
}
