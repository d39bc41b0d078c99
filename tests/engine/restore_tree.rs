//! Claims about trees: mirrored, all or nothing, never through a link, and undone to the last name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use holdfast::model::instance::ComponentKind;
use holdfast::service::restore::prepare::Wanted;
use holdfast::service::restore::tree::Extent;
use holdfast::source::files::WalkRules;

use crate::site::Site;

fn rules(exclude: &[&str]) -> WalkRules {
    WalkRules {
        exclude: exclude.iter().map(|glob| (*glob).to_owned()).collect(),
        skip: Vec::new(),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every kind of entry, odd names included.
fn plant(site: &Site) {
    let www = site.live("www");
    fs::create_dir_all(www.join("a/deep/er")).unwrap();
    fs::create_dir(www.join("empty")).unwrap();
    fs::write(www.join("index"), "archived index").unwrap();
    fs::write(www.join("a/deep/er/file"), "deep").unwrap();
    fs::write(www.join("a/mode"), "mode").unwrap();
    set_mode(&www.join("a/mode"), 0o4711);
    fs::write(www.join(OsStr::from_bytes(b"odd\xff\n name")), "odd").unwrap();
    fs::hard_link(www.join("index"), www.join("same")).unwrap();
    symlink("a/deep", www.join("link")).unwrap();
    fs::write(www.join("becomes-dir"), "file in the archive").unwrap();
    fs::create_dir(www.join("becomes-file")).unwrap();
    fs::write(www.join("becomes-file/inner"), "inner").unwrap();
    fs::create_dir(www.join("read-only")).unwrap();
    fs::write(www.join("read-only/file"), "kept").unwrap();
    set_mode(&www.join("read-only"), 0o555);
}

fn damage(site: &Site) {
    let www = site.live("www");
    fs::remove_dir_all(www.join("a/deep")).unwrap();
    fs::remove_dir(www.join("empty")).unwrap();
    fs::remove_file(www.join("same")).unwrap();
    fs::write(www.join("same"), "no link any more").unwrap();
    fs::write(www.join("index"), "changed  index").unwrap();
    set_mode(&www.join("a/mode"), 0o600);
    fs::remove_file(www.join("link")).unwrap();
    symlink("elsewhere", www.join("link")).unwrap();
    fs::remove_file(www.join("becomes-dir")).unwrap();
    fs::create_dir_all(www.join("becomes-dir/x")).unwrap();
    fs::write(www.join("becomes-dir/x/y"), "y").unwrap();
    fs::remove_dir_all(www.join("becomes-file")).unwrap();
    fs::write(www.join("becomes-file"), "now a file").unwrap();
    fs::create_dir_all(www.join("extra/more")).unwrap();
    fs::write(www.join("extra/more/file"), "extra").unwrap();
    fs::write(www.join("cache.tmp"), "excluded").unwrap();
}

#[test]
fn a_tree_is_mirrored_and_undone_to_the_last_name_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["www"]);
    let rules = rules(&["**/*.tmp"]);
    plant(&site);
    let archived = site.picture();
    let time =
        |site: &Site, name: &str| fs::symlink_metadata(site.live(name)).unwrap().mtime_nsec();
    let times = ["www/index", "www/a", "www/read-only"].map(|n| time(&site, n));
    site.archive_tree("www", &rules);
    damage(&site);
    let before = site.picture();
    let before_time = time(&site, "www/index");

    let grounds = site.grounds();
    let (folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    let done = done.unwrap();
    assert_eq!(done.warnings, []);
    let mut restored = site.picture();
    assert_eq!(
        restored.remove("www/cache.tmp").as_deref(),
        Some("644 excluded")
    );
    assert_eq!(restored, archived);
    let inode = |name: &str| fs::metadata(site.live(name)).unwrap().ino();
    assert_eq!(inode("www/index"), inode("www/same"));
    assert_eq!(
        ["www/index", "www/a", "www/read-only"].map(|n| time(&site, n)),
        times
    );

    let undo = site.undo(&folder, "2");
    assert_eq!(site.picture(), before);
    assert_eq!(time(&site, "www/index"), before_time);
    folder.remove().unwrap();
    site.undo(&undo, "3");
    restored.insert("www/cache.tmp".to_owned(), "644 excluded".to_owned());
    assert_eq!(site.picture(), restored);
}

#[test]
fn an_equal_tree_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["www"]);
    plant(&site);
    site.archive_tree("www", &rules(&[]));
    let grounds = site.grounds();
    let rules = rules(&[]);
    let (folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    done.unwrap();
    assert!(folder.journal().unwrap().unwrap().parts[0].is_nothing());
}

#[test]
fn a_missing_tree_is_made_with_its_parents_and_undo_removes_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["var/lib/www"]);
    fs::create_dir_all(site.live("var/lib/www")).unwrap();
    fs::write(site.live("var/lib/www/page"), "page").unwrap();
    let archived = site.picture();
    site.archive_tree("www", &rules(&[]));
    fs::remove_dir_all(site.live("var")).unwrap();
    let grounds = site.grounds();
    let rules = rules(&[]);
    let (folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    done.unwrap();
    assert_eq!(site.picture(), archived);
    site.undo(&folder, "2");
    assert!(!site.live("var").exists());
}

#[test]
fn a_folder_that_became_a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["www"]);
    fs::create_dir_all(site.live("www/sub")).unwrap();
    fs::write(site.live("www/sub/page"), "archived").unwrap();
    site.archive_tree("www", &rules(&[]));
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("page"), "somebody else's").unwrap();
    fs::remove_dir_all(site.live("www/sub")).unwrap();
    symlink(&outside, site.live("www/sub")).unwrap();
    let before = site.picture();
    let grounds = site.grounds();
    let rules = rules(&[]);
    let (folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    done.unwrap();
    assert_eq!(
        fs::read_to_string(outside.join("page")).unwrap(),
        "somebody else's"
    );
    assert_eq!(
        fs::read_to_string(site.live("www/sub/page")).unwrap(),
        "archived"
    );
    assert!(!site.live("www/sub").is_symlink());
    site.undo(&folder, "2");
    assert_eq!(site.picture(), before);
}

#[test]
fn bytes_that_are_not_the_listed_ones_leave_the_tree_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["www"]);
    plant(&site);
    site.archive_tree("www", &rules(&[]));
    damage(&site);
    let before = site.picture();
    fs::write(site.unpacked.join("www/www/a/deep/er/file"), "DEEP").unwrap();
    let grounds = site.grounds();
    let rules = rules(&[]);
    let (_folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    assert!(
        matches!(
            done,
            Err(holdfast::service::restore::error::RestoreError::Content { .. })
        ),
        "{done:?}"
    );
    assert_eq!(site.picture(), before);
}

#[test]
fn a_tree_that_could_not_be_read_whole_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["www"]);
    fs::create_dir_all(site.live("www/private")).unwrap();
    fs::write(site.live("www/index"), "archived").unwrap();
    let rules = rules(&[]);
    site.archive_tree("www", &rules);
    // What the backup could not read is no entry of the archive.
    fs::write(site.live("www/private/key"), "secret").unwrap();
    fs::write(site.live("www/index"), "changed").unwrap();
    let grounds = site.grounds();
    let mut wanted = site.wanted_tree(&grounds, "www", &rules);
    for one in &mut wanted.wanted {
        if let Wanted::Tree(tree) = one {
            tree.extent = Extent::WithHoles;
        }
    }
    let (_folder, done) = site.restore("1", &[wanted]);
    done.unwrap();
    assert_eq!(fs::read(site.live("www/private/key")).unwrap(), b"secret");
    assert_eq!(fs::read(site.live("www/index")).unwrap(), b"archived");
}

/// A walk begins at the source: a destination in a folder above it, or an exclude that matches one, is no reason to leave all of it out.
#[test]
fn what_is_left_out_above_a_tree_does_not_keep_it_from_being_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.component("www", ComponentKind::Files, &["srv/www"]);
    let rules = WalkRules {
        exclude: vec!["srv".to_owned()],
        skip: vec![site.root.parent().unwrap().to_path_buf()],
    };
    fs::create_dir_all(site.live("srv/www/sub")).unwrap();
    fs::write(site.live("srv/www/sub/page"), "archived").unwrap();
    site.archive_tree("www", &rules);
    let archived = site.picture();
    fs::write(site.live("srv/www/sub/page"), "changed").unwrap();
    fs::write(site.live("srv/www/extra"), "extra").unwrap();
    let grounds = site.grounds();
    let (_folder, done) = site.restore("1", &[site.wanted_tree(&grounds, "www", &rules)]);
    done.unwrap();
    assert_eq!(site.picture(), archived);
}
