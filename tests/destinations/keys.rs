//! Claims about the names that a destination takes.

use holdfast::destination::{ErrorKind, Key};
use proptest::prelude::*;

#[test]
fn a_name_that_could_leave_the_base_path_is_no_key() {
    let long = format!("a/{}", "x".repeat(256));
    let refused = [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        "a\\b",
        "a\nb",
        "a\0b",
        "a\u{7f}b",
        "a\u{85}b",
        ".holdfast-test",
        "a/.holdfast-test",
        ".holdfast-0123-0123.upload",
        "a/.holdfast-x",
        &long,
    ];
    for path in refused {
        let error = Key::new(path).expect_err(path);
        assert_eq!(error.kind, ErrorKind::Config, "{path:?}");
    }
}

#[test]
fn the_names_of_archives_are_keys() {
    let longest = "x".repeat(255);
    for path in [
        "tacacs-0a1b2c3d/manual/backup-tacacs-20260101-000000-manual.tar.gz.age",
        ".holdfast-test/a/b",
        "a",
        "ä/€ ü",
        "..a/b..",
        &longest,
    ] {
        assert_eq!(Key::new(path).unwrap().as_str(), path);
    }
    let key = Key::new("a/b/c").unwrap();
    assert_eq!(
        (key.file_name(), key.folders().collect::<Vec<_>>()),
        ("c", vec!["a", "b"])
    );
}

proptest! {
    #[test]
    fn no_text_becomes_a_key_that_climbs(path in "[./a\\\\\\PC]{0,12}") {
        if let Ok(key) = Key::new(&path) {
            let names: Vec<_> = key.folders().chain([key.file_name()]).collect();
            prop_assert_eq!(names.join("/"), path.clone());
            for name in names {
                prop_assert!(!name.is_empty() && name != "." && name != ".." && !name.contains('/'));
            }
        }
    }
}
