//! Claims about a data folder that cannot be written: on a disk that is mounted read-only, and on a full one.

use std::fs;
use std::path::Path;

use holdfast::service::sample::{self, SampleSize};
use serde_json::Value;

use crate::scratch::{INSTANCE, Ran, Scratch, text};
use crate::small_disk::{make_read_only, with_small_disk};

/// A scratch whose data folder lies on the small disk, with an instance, a destination and an archive at it.
struct Stage<'a> {
    scratch: Scratch,
    disk: &'a Path,
    /// `nas:NAME`.
    archive: String,
    /// The same as a file.
    file: String,
}

impl<'a> Stage<'a> {
    fn on(disk: &'a Path) -> Self {
        let mut stage = Self {
            scratch: Scratch::new(),
            disk,
            archive: String::new(),
            file: String::new(),
        };
        let server = stage.scratch.server();
        let place = stage.scratch.place("nas");
        sample::create(&server, SampleSize::SMALL).unwrap();
        fs::create_dir(&place).unwrap();
        let base = format!("base_path={}", text(&place));
        stage.done(&["init"]);
        stage.done(&["instance", "add", INSTANCE, &text(&server)]);
        stage.done(&[
            "destination",
            "add",
            "nas",
            "--type",
            "local",
            "--set",
            &base,
        ]);
        let report = stage.done(&["backup", INSTANCE, "--to", "nas"]);
        let name = report["executions"][0]["archive"].as_str().unwrap();
        stage.archive = format!("nas:{name}");
        stage.file = text(&stage.scratch.stored("nas")[0]);
        stage
    }

    fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let data = text(&self.disk.join("data"));
        let all = [&["--json", "--data-dir", &data], arguments].concat();
        let Ran { status, stdout, .. } = self.scratch.run(&all);
        (status, serde_json::from_str(&stdout).unwrap())
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let (status, answer) = self.run(arguments);
        assert_eq!(status, 0, "{arguments:?}: {answer}");
        answer
    }

    fn refused(&self, codes: &[&str], arguments: &[&str]) {
        let (status, answer) = self.run(arguments);
        assert_eq!(status, 1, "{arguments:?}: {answer}");
        let code = answer["error"]["code"].as_str().unwrap();
        assert!(codes.contains(&code), "{arguments:?}: {answer}");
        for raw in ["sqlite", "SQLite", "os error", "database"] {
            assert!(!answer.to_string().contains(raw), "{arguments:?}: {answer}");
        }
    }

    fn writing(&self) -> Vec<Vec<&str>> {
        let (archive, instance) = (self.archive.as_str(), INSTANCE);
        vec![
            vec!["backup", instance, "--to", "nas"],
            vec!["drill", archive],
            vec!["pin", archive],
            vec!["settings", "set", "theme=dark"],
            vec!["instance", "set", instance, "check=full"],
            vec!["destination", "disable", "nas"],
            vec![
                "restore",
                archive,
                "--instance",
                instance,
                "--confirm",
                instance,
            ],
        ]
    }
}

#[test]
fn a_data_folder_on_a_read_only_disk_can_be_looked_at_and_says_why_no_more() {
    let name = "read_only::a_data_folder_on_a_read_only_disk_can_be_looked_at_and_says_why_no_more";
    with_small_disk(name, 65_536, |disk| {
        let stage = Stage::on(disk);
        make_read_only(disk);
        let (status, answer) = stage.run(&["status"]);
        assert_eq!(
            (status, &answer["state"]),
            (3, &"attention".into()),
            "{answer}"
        );
        assert!(answer["sentence"].as_str().unwrap().contains("read-only"));
        let out = text(&stage.scratch.path("out"));
        for looking in [
            &["history"][..],
            &["archives"],
            &["retention", "preview", "nas"],
            &["instance", "list"],
            &["destination", "list"],
            &["settings", "show"],
            &["show", &stage.archive],
            &["show", &stage.file],
            &["verify", &stage.archive],
            &["verify", &stage.file],
            &["extract", &stage.archive, "--to", &out],
        ] {
            stage.done(looking);
        }
        for writing in stage.writing() {
            stage.refused(&["store_read_only", "read_only"], &writing);
        }
        let apply = ["retention", "apply", "nas"];
        stage.refused(&["store_read_only", "read_only"], &apply);
        let deleted = ["delete", &stage.archive, "--confirm"];
        let name = stage.archive.trim_start_matches("nas:");
        let deleted = [&deleted[..], &[name]].concat();
        stage.refused(&["store_read_only", "read_only"], &deleted);
        assert!(
            Path::new(&stage.file).exists(),
            "what cannot be recorded is not done"
        );
    });
}

#[test]
fn a_data_folder_on_a_full_disk_says_so() {
    let name = "read_only::a_data_folder_on_a_full_disk_says_so";
    with_small_disk(name, 65_536, |disk| {
        let stage = Stage::on(disk);
        fs::write(disk.join("filler"), vec![0; 128 << 20]).unwrap_err();
        for writing in stage.writing() {
            stage.refused(&["store_full", "no_space"], &writing);
        }
        // Not even these: the index of the store's log does not fit.
        for looking in ["history", "archives", "status"] {
            stage.refused(&["store_full"], &[looking]);
        }
        fs::remove_file(disk.join("filler")).unwrap();
        stage.done(&["status"]);
        stage.done(&["verify", &stage.archive]);
    });
}
