//! A data folder, a sample server and a destination of a test's own, and the built program run on them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use holdfast::service::sample::{self, SampleSize};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

pub const INSTANCE: &str = "tacacs-1";
pub const DESTINATION: &str = "nas";
pub const COMPONENTS: [&str; 7] = [
    "accounting",
    "audit",
    "config",
    "devices",
    "metrics",
    "overrides",
    "users",
];
/// Of the sample.
pub const DEVICES: u64 = 120;

pub struct Scratch {
    folder: TempDir,
}

/// One run of the program that has ended.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    /// Initialised, with a sample server as instance and a local destination.
    pub fn with_instance() -> Self {
        let scratch = Self::new();
        scratch.json(&["init"]);
        scratch.add_sample();
        scratch
    }

    pub fn add_sample(&self) {
        sample::create(&self.server(), SampleSize::SMALL).unwrap();
        self.json(&["instance", "add", INSTANCE, &text(&self.server())]);
        self.add_destination(DESTINATION);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn server(&self) -> PathBuf {
        self.path("server")
    }

    /// The base path of a destination of `add_destination`.
    pub fn place(&self, destination: &str) -> PathBuf {
        self.path(&format!("place-{destination}"))
    }

    pub fn add_destination(&self, name: &str) {
        fs::create_dir(self.place(name)).unwrap();
        let base = format!("base_path={}", text(&self.place(name)));
        self.json(&[
            "destination",
            "add",
            name,
            "--type",
            "local",
            "--set",
            &base,
        ]);
    }

    /// The program in an environment of its own: nobody's data, keyring, language or time zone.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.folder.path())
            .env("TZ", "Europe/Berlin")
            .env("HOLDFAST_DATA_DIR", self.data())
            .env("HOLDFAST_KEYRING", "file")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Its one JSON answer; it must have succeeded.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.json_with_status(0, arguments)
    }

    #[track_caller]
    pub fn json_with_status(&self, status: i32, arguments: &[&str]) -> Value {
        let ran = self.run(&[&["--json"], arguments].concat());
        assert_eq!(ran.status, status, "{arguments:?}: {ran}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
        // Trailing text would be an error of the parser.
        serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {ran}"))
    }

    /// The `error` of a run that must have failed like this, with words for people in it.
    #[track_caller]
    pub fn error(&self, status: i32, arguments: &[&str]) -> Value {
        let mut answer = self.json_with_status(status, arguments);
        let error = answer["error"].take();
        for key in ["code", "message", "hint"] {
            let said = error[key].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{arguments:?}: no {key} in {error}");
        }
        error
    }

    /// Backs the instance up; returns `DESTINATION:NAME`.
    #[track_caller]
    pub fn back_up(&self) -> String {
        let report = self.json(&["backup", INSTANCE, "--to", DESTINATION]);
        let execution = &report["executions"][0];
        assert_eq!(execution["status"], "completed", "{report}");
        format!("{DESTINATION}:{}", execution["archive"].as_str().unwrap())
    }

    pub fn database(&self, file: &str) -> Connection {
        let connection = Connection::open(self.server().join("data").join(file)).unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .unwrap();
        connection
    }

    pub fn devices(&self) -> u64 {
        count(&self.database("devices.db"), "devices")
    }

    /// Half of the devices go.
    pub fn damage(&self) {
        self.database("devices.db")
            .execute("DELETE FROM devices WHERE id % 2 = 0", [])
            .unwrap();
    }

    /// Makes an instance `name` whose one file takes a while to read and no room on disk.
    pub fn add_slow_instance(&self, name: &str) {
        const SIZE: u64 = 3 << 30;
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        let file = File::create(folder.join("large.bin")).unwrap();
        file.set_len(SIZE).unwrap();
        self.json(&["instance", "add", name, &text(&folder)]);
    }

    /// All files below the base path of a destination, temporary ones included.
    pub fn stored(&self, destination: &str) -> Vec<PathBuf> {
        files_below(&self.place(destination))
    }

    /// What runs have left in their workspaces.
    pub fn workspaces(&self) -> Vec<PathBuf> {
        files_below(&self.data().join("work"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            // Nobody ends by a signal here: such a death is no status at all.
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            status,
            stdout,
            stderr,
        } = self;
        write!(f, "status {status}\nstdout: {stdout}\nstderr: {stderr}")
    }
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub fn count(connection: &Connection, table: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    rows.try_into().unwrap()
}

/// The only element of an array.
#[track_caller]
pub fn only(array: &Value) -> &Value {
    let all = array.as_array().unwrap();
    assert_eq!(all.len(), 1, "{array}");
    &all[0]
}

/// Of each element of an array.
pub fn strings(array: &Value, key: &str) -> Vec<String> {
    let get = |v: &Value| v[key].as_str().unwrap().to_owned();
    array.as_array().unwrap().iter().map(get).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).into_iter().flatten();
    walk.filter(|e| e.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}
