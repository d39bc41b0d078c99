//! Claims about archives of the TACACS+ server's own backup (version 1.0), as a script sees them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::old_archive::{OldArchive, SERVER_NAME};
use crate::scratch::{
    COMPONENTS, DESTINATION, DEVICES, INSTANCE, Ran, Scratch, only, strings, text,
};

const PASSPHRASE: &str = "correct horse battery staple";

fn of_server(scratch: &Scratch) -> OldArchive {
    OldArchive::of_server(&scratch.server())
}

/// Into the destination, as the server would. Returns `DESTINATION:NAME`.
fn leave(scratch: &Scratch, bytes: &[u8]) -> String {
    let name = format!("backup-{SERVER_NAME}-20240506-070809-manual.tar.gz.enc");
    let folder = scratch.place(DESTINATION).join(SERVER_NAME).join("manual");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&name), bytes).unwrap();
    format!("{DESTINATION}:{name}")
}

fn saved(scratch: &Scratch, bytes: &[u8]) -> String {
    let path = scratch.path("old.tar.gz.enc");
    fs::write(&path, bytes).unwrap();
    text(&path)
}

fn with_passphrase(scratch: &Scratch, passphrase: &str, arguments: &[&str]) -> Ran {
    let mut command = scratch.command(&[&["--json"], arguments].concat());
    command.env("HOLDFAST_PASSPHRASE", passphrase);
    Ran::from(command.output().unwrap())
}

#[track_caller]
fn answer(scratch: &Scratch, status: i32, arguments: &[&str]) -> Value {
    let ran = with_passphrase(scratch, PASSPHRASE, arguments);
    assert_eq!(ran.status, status, "{arguments:?}: {ran}");
    assert_eq!(ran.stderr, "", "{arguments:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn every_verb_takes_an_archive_of_the_servers_own_backup() {
    let scratch = Scratch::with_instance();
    let old = of_server(&scratch);
    let sealed = old.sealed(PASSPHRASE);
    scratch.damage();
    for archive in [saved(&scratch, &sealed), leave(&scratch, &sealed)] {
        let show = answer(&scratch, 0, &["show", &archive]);
        assert_eq!(show["signature"], "none");
        assert_eq!(show["manifest"]["backup_metadata"]["backup_version"], "1.0");
        let mut components = strings(&show["manifest"]["components"], "name");
        components.sort();
        assert_eq!(components, COMPONENTS);
        let files = strings(&show["manifest"]["contents"], "file");
        assert!(
            files.contains(&"devices/devices.db".to_owned()),
            "{files:?}"
        );
        for verb in ["verify", "drill"] {
            assert_eq!(answer(&scratch, 0, &[verb, &archive])["ok"], true, "{verb}");
        }
        let plan = answer(
            &scratch,
            0,
            &[
                "plan",
                &archive,
                "--instance",
                INSTANCE,
                "--component",
                "devices",
            ],
        );
        assert_eq!(
            only(&plan["components"])["tables"]["devices"]["archive"],
            DEVICES
        );
        let out = scratch.path("out");
        answer(&scratch, 0, &["extract", &archive, "--to", &text(&out)]);
        let users = fs::read(out.join("users/local_auth.db")).unwrap();
        assert!(users == old.content("local_auth.db"));
        fs::remove_dir_all(&out).unwrap();
    }
    let archive = saved(&scratch, &sealed);
    let restore = [
        "restore",
        &archive,
        "--instance",
        INSTANCE,
        "--confirm",
        INSTANCE,
    ];
    let refused = answer(&scratch, 4, &restore);
    assert_eq!(refused["error"]["code"], "unsigned");
    assert_ne!(scratch.devices(), DEVICES);
    let restored = answer(
        &scratch,
        0,
        &[&restore[..], &["--accept-unsigned"]].concat(),
    );
    assert_eq!(scratch.devices(), DEVICES);
    let safety = restored["safety_backup"].as_str().unwrap();
    assert_eq!(scratch.json(&["drill", safety])["ok"], true);
    let execution = restored["execution_id"].as_str().unwrap();
    scratch.json(&["undo", execution, "--confirm", INSTANCE]);
    assert_ne!(scratch.devices(), DEVICES);
    assert_eq!(scratch.workspaces(), Vec::<PathBuf>::new());
}

#[test]
fn a_lost_server_comes_back_from_its_own_backup() {
    let scratch = Scratch::with_instance();
    let archive = saved(&scratch, &of_server(&scratch).plain());
    let fresh = Scratch::new();
    fresh.json(&["init"]);
    let add = [
        "instance",
        "add",
        INSTANCE,
        &text(&fresh.server()),
        "--from",
        &archive,
    ];
    fresh.error(4, &add);
    let instance = fresh.json(&[&add[..], &["--accept-unsigned"]].concat());
    assert_eq!(instance["template"], "tacacs");
    fresh.json(&[
        "restore",
        &archive,
        "--instance",
        INSTANCE,
        "--confirm",
        INSTANCE,
        "--accept-unsigned",
    ]);
    assert_eq!(fresh.devices(), DEVICES);
}

#[test]
fn the_list_says_what_is_foreign() {
    let scratch = Scratch::with_instance();
    scratch.back_up();
    let sealed = of_server(&scratch).sealed(PASSPHRASE);
    let archive = leave(&scratch, &sealed);
    let name = archive.split_once(':').unwrap().1;
    let rebuilt = scratch.json(&["catalogue", "rebuild", DESTINATION]);
    assert_eq!(rebuilt["foreign"], 1, "{rebuilt}");
    let archives = scratch.json(&["archives"]);
    let rows = archives["archives"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["foreign"], &rows[1]["foreign"]),
        (&false.into(), &true.into())
    );
    assert_eq!(rows[1]["name"], name);
    assert_eq!(rows[1]["instance"], SERVER_NAME);
    assert_eq!(
        (&rows[1]["type"], &rows[1]["encrypted"]),
        (&"manual".into(), &true.into())
    );
    let browsed = scratch.json(&["destination", "browse", DESTINATION]);
    let browsed = browsed["archives"].as_array().unwrap();
    assert_eq!(browsed.len(), 2);
    let old = browsed.iter().find(|b| b["name"] == name).unwrap();
    assert_eq!(
        (&old["foreign"], &old["known"]),
        (&true.into(), &rows[1]["execution_id"])
    );
    assert_eq!(old["size"], sealed.len());
    let copy = scratch.path("copy");
    scratch.json(&["download", &archive, "--to", &text(&copy)]);
    assert!(fs::read(&copy).unwrap() == sealed);
    scratch.error(4, &["delete", &archive, "--confirm", "yes"]);
    scratch.json(&["delete", &archive, "--confirm", name]);
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
}

#[test]
fn a_passphrase_that_is_missing_or_wrong_has_an_error_of_its_own_and_is_nowhere_repeated() {
    let scratch = Scratch::with_instance();
    let archive = saved(&scratch, &of_server(&scratch).sealed(PASSPHRASE));
    for verb in ["show", "verify", "drill"] {
        let missing = scratch.error(1, &[verb, &archive]);
        assert_eq!(missing["code"], "no_passphrase");
        let hint = missing["hint"].as_str().unwrap();
        assert!(hint.contains("HOLDFAST_PASSPHRASE"), "{hint}");
        let wrong = with_passphrase(&scratch, "an0ther-secret", &[verb, &archive]);
        assert_eq!(wrong.status, 1);
        assert!(wrong.stdout.contains("wrong_passphrase"), "{wrong}");
        assert!(!wrong.to_string().contains("an0ther"), "{wrong}");
    }
    answer(&scratch, 0, &["drill", &archive]);
    let data = walkdir::WalkDir::new(scratch.data()).into_iter().flatten();
    for file in data.filter(|e| e.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        let found = bytes
            .windows(PASSPHRASE.len())
            .any(|w| w == PASSPHRASE.as_bytes());
        assert!(!found, "{}", file.path().display());
    }
}

/// Python's pseudo-terminal stands for the person at a keyboard, who does not type in the instant between the question and the end
/// of the echo.
#[test]
fn who_sits_at_a_terminal_is_asked_for_the_passphrase() {
    const SCRIPT: &str = r"
import os, pty, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said, asked = b'', False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    said += piece
    if not asked and b'passphrase: ' in said:
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.005)
        os.write(terminal, sys.argv[1].encode() + b'\n')
        asked = True
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let scratch = Scratch::with_instance();
    let archive = saved(&scratch, &of_server(&scratch).sealed(PASSPHRASE));
    let program = scratch.command(&["verify", &archive]);
    let typed = |passphrase: &str| {
        let mut python = std::process::Command::new("python3");
        python
            .args(["-c", SCRIPT, passphrase])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear();
        for (key, value) in program.get_envs() {
            python.env(key, value.unwrap_or_default());
        }
        Ran::from(python.output().unwrap())
    };
    let good = typed(PASSPHRASE);
    assert_eq!(good.status, 0, "{good}");
    assert!(!good.stdout.contains(PASSPHRASE), "no echo: {good}");
    let wrong = typed("an0ther-secret");
    assert_eq!(wrong.status, 1, "{wrong}");
    assert!(wrong.stdout.contains("passphrase is wrong"), "{wrong}");
}

#[test]
fn a_damaged_one_is_a_finding() {
    let scratch = Scratch::with_instance();
    let mut old = of_server(&scratch);
    let devices = old.entries.iter_mut().find(|e| e.name == "./devices.db");
    devices.unwrap().content[5000] ^= 1;
    let path = saved(&scratch, &old.plain());
    for verb in ["verify", "drill"] {
        let report = scratch.json_with_status(1, &[verb, &path]);
        assert_eq!(report["ok"], false);
        assert_eq!(only(&report["problems"])["entry"], "devices.db");
    }
    let error = scratch.error(1, &["show", &path]);
    assert_eq!(error["code"], "archive_refused");
    scratch.error(1, &["plan", &path, "--instance", INSTANCE]);
    scratch.error(1, &["extract", &path, "--to", &text(&scratch.path("out"))]);
}

/// The server kept what it could not copy as a database, and called that a success.
#[test]
fn a_drill_finds_a_database_that_is_none_where_every_byte_is_as_listed() {
    let scratch = Scratch::with_instance();
    let mut old = of_server(&scratch);
    old.replace("devices.db", &b"this is no database".repeat(300));
    let path = saved(&scratch, &old.plain());
    scratch.json(&["verify", &path]);
    let report = scratch.json_with_status(1, &["drill", &path]);
    assert_eq!(only(&report["problems"])["entry"], "devices/devices.db");
}
