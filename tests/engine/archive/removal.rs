//! Trees that were placed go again, whatever modes their folders have. Root may everything, so it is tried by somebody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use holdfast::archive::remove_tree;

const TREE: &str = "HOLDFAST_TEST_TREE";
const NOBODY: u32 = 65_534;

/// What the test below starts as another user; run like any test it has no tree, and nothing to do.
#[test]
fn child() {
    let Some(base) = std::env::var_os(TREE) else {
        return;
    };
    let (tree, outside) = (
        Path::new(&base).join("tree"),
        Path::new(&base).join("outside"),
    );
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(tree.join("a/b/secret"), "x").unwrap();
    symlink(&outside, tree.join("a/link")).unwrap();
    for (folder, mode) in [("a/b", 0o000), ("a", 0o500)] {
        fs::set_permissions(tree.join(folder), Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&outside, Permissions::from_mode(0o500)).unwrap();
    assert!(
        fs::remove_dir_all(&tree).is_err(),
        "it takes more than that"
    );
    remove_tree(&tree).unwrap();
    assert!(!tree.exists());
    let mode = outside.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o500, "no link is followed");
}

#[test]
fn a_tree_with_folders_that_may_not_be_written_goes() {
    let base = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "archive::removal::child"])
        .env(TREE, base.path());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(base.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
