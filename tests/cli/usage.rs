//! Claims about the parser and the two streams: they need no backup.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::scratch::{INSTANCE, Ran, Scratch, text};

#[test]
fn a_wrong_command_line_is_status_2_in_words_and_in_json() {
    let scratch = Scratch::new();
    let wrong: [&[&str]; 8] = [
        &["nonsense"],
        &["backup"],
        &["backup", "x"],
        &["instance", "set", "x", "compression"],
        &["destination", "add", "x", "--type", "floppy"],
        &["history", "--limit", "many"],
        &[
            "restore",
            "a",
            "--instance",
            "i",
            "--accept-unsigned",
            "--accept-signer",
            "K",
        ],
        &["show", ""],
    ];
    for arguments in wrong {
        let ran = scratch.run(arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {ran}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {ran}");
        assert_eq!(scratch.error(2, arguments)["code"], "usage");
    }
    assert!(!scratch.data().exists(), "nothing was begun");
}

/// What was typed is wrong in itself: 2, whatever the store and the machine hold.
#[test]
fn what_nobody_could_mean_is_status_2() {
    let scratch = Scratch::with_instance();
    let place = format!("base_path={}", text(&scratch.place("nas")));
    let server = text(&scratch.server());
    let local = ["destination", "add", "x", "--type", "local", "--set"];
    let wrong: [&[&str]; 22] = [
        &["settings", "set", "colour=red"],
        &["settings", "set", "alarm_days=0"],
        &["settings", "set", "theme=blue"],
        &["settings", "set", "work_dir=relative/folder"],
        &["instance", "set", INSTANCE, "colour=red"],
        &["instance", "set", INSTANCE, "compression=rar"],
        &["instance", "set", INSTANCE, "max_block_ms=soon"],
        &["instance", "set", INSTANCE, "exclude=a["],
        &["instance", "add", "a b", &server],
        &["instance", "add", "", &server],
        &["instance", "add", "x", &server, "--exclude", "a["],
        &["instance", "scan", &server, "--exclude", "a["],
        &[
            "destination",
            "add",
            "a/b",
            "--type",
            "local",
            "--set",
            &place,
        ],
        &[&local[..], &["colour=red"]].concat(),
        &[&local[..], &["base_path=relative"]].concat(),
        &["destination", "add", "x", "--type", "local"],
        &[&local[..], &[&place, "--secret", "password=env:PATH"]].concat(),
        &["destination", "set", "nas", "--set", "colour=red"],
        &["destination", "set", "nas", "--set", "base_path="],
        &["destination", "set", "nas", "--set", "base_path=relative"],
        &["recipients", "add", "age1nobody"],
        &["signers", "add", "RWnobody"],
    ];
    for arguments in wrong {
        scratch.error(2, arguments);
    }
}

/// What was typed could be right; the thing of that name is not there, or the world refuses.
#[test]
fn what_is_not_there_and_what_the_world_refuses_is_status_1() {
    let scratch = Scratch::with_instance();
    let (server, gone) = (text(&scratch.server()), text(&scratch.path("gone")));
    let file = text(&scratch.server().join("config/tacacs.conf"));
    let base = |path: &str| format!("base_path={path}");
    let local = |setting: &str| {
        let fixed = ["destination", "add", "x", "--type", "local", "--set"];
        [&fixed[..], &[setting]]
            .concat()
            .iter()
            .map(|a| (*a).to_owned())
            .collect::<Vec<_>>()
    };
    let (to_gone, to_file) = (local(&base(&gone)), local(&base(&file)));
    let as_text = |v: &'static [&'static str]| v.iter().map(|a| (*a).to_owned()).collect();
    let mut refused: Vec<Vec<String>> = [
        &["instance", "show", "nobody"][..],
        &["instance", "show", "a b"],
        &["instance", "set", "nobody", "compression=gzip"],
        &["instance", "remove", "nobody"],
        &["destination", "show", "nowhere"],
        &["destination", "set", "nowhere", "--set", "base_path=/"],
        &["destination", "test", "nowhere"],
        &["backup", INSTANCE, "--to", "nowhere"],
        &["backup", "nobody", "--to", "nas"],
        &["show", "nas:backup-nothing"],
        &["verify", "nothing"],
        &["catalogue", "rebuild", "nowhere"],
        &["undo", "nothing", "--confirm", INSTANCE],
        &["recipients", "remove", "age1nobody"],
        &["signers", "remove", "0123456789ABCDEF"],
    ]
    .into_iter()
    .map(as_text)
    .collect();
    refused.push(to_gone);
    refused.push(to_file);
    for more in [
        vec!["settings", "set", &format!("work_dir={gone}")],
        vec!["settings", "set", &format!("work_dir={file}")],
        vec!["instance", "add", "x", &gone],
        vec!["instance", "add", INSTANCE, &server],
        vec!["key", "import", &gone],
    ] {
        refused.push(more.into_iter().map(str::to_owned).collect());
    }
    for arguments in &refused {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        scratch.error(1, &arguments);
    }
}

#[test]
fn another_place_for_keys_than_there_is_is_wrong_usage() {
    let scratch = Scratch::new();
    let output = scratch
        .command(&["--json", "init"])
        .env("HOLDFAST_KEYRING", "flie")
        .output();
    let ran = Ran::from(output.unwrap());
    assert_eq!(ran.status, 2, "{ran}");
    for word in ["usage", "flie", "`file`", "`os`"] {
        assert!(ran.stdout.contains(word), "{word}: {ran}");
    }
    assert!(!scratch.data().exists(), "nothing was begun");
}

#[test]
fn the_message_names_what_is_missing() {
    let error = Scratch::new().error(2, &["backup", "tacacs-1"]);
    assert!(
        error["message"].as_str().unwrap().contains("--to"),
        "{error}"
    );
}

#[test]
fn verbs_of_later_are_not_there() {
    assert_eq!(Scratch::new().run(&["retention"]).status, 2);
}

#[test]
fn what_runs_for_real_says_so_beforehand() {
    let help = Scratch::new().run(&["instance", "test-hook", "--help"]);
    let said = help.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the line is really executed"), "{help}");
    for variable in ["HOOK", "INSTANCE", "INSTANCE_DIR", "RESULT"] {
        let variable = format!("HOLDFAST_{variable}");
        assert!(said.contains(&variable), "{variable}: {help}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let scratch = Scratch::new();
    for arguments in [["--help"], ["--version"], ["help"]] {
        let ran = scratch.run(&arguments);
        assert_eq!(ran.status, 0, "{ran}");
        assert!(ran.stdout.contains("holdfast"), "{ran}");
    }
    assert!(!scratch.run(&["--help"]).stdout.contains("demo-writer"));
}

#[test]
fn options_without_a_verb_are_wrong_usage() {
    let scratch = Scratch::new();
    assert_eq!(scratch.error(2, &[])["code"], "usage");
    assert_eq!(scratch.run(&["--data-dir", "/nowhere"]).status, 2);
}

#[test]
fn a_secret_typed_as_plain_text_is_refused_and_repeated_nowhere() {
    let scratch = Scratch::new();
    let arguments = [
        "destination",
        "add",
        "x",
        "--type",
        "sftp",
        "--secret",
        "password=hunter2",
    ];
    for ran in [
        scratch.run(&arguments),
        scratch.run(&[&["--json"], &arguments[..]].concat()),
    ] {
        assert_eq!(ran.status, 2, "{ran}");
        assert!(!format!("{ran}").contains("hunter2"), "{ran}");
    }
}

#[test]
fn a_secret_of_an_unset_variable_is_wrong_usage() {
    let arguments = [
        "destination",
        "add",
        "x",
        "--type",
        "sftp",
        "--secret",
        "password=env:NOT_SET",
    ];
    let error = Scratch::new().error(2, &arguments);
    assert!(
        error["message"].as_str().unwrap().contains("NOT_SET"),
        "{error}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scratch = Scratch::new();
    let mut child = scratch
        .command(&["--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before anything can be written.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), stderr.as_str()),
        (Some(0), "")
    );
}

#[test]
fn an_answer_that_does_not_fit_on_the_disk_is_a_failure() {
    let scratch = Scratch::with_instance();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let run = |arguments: &[&str]| {
        let output = scratch.command(arguments).stdout(full()).output();
        Ran::from(output.unwrap())
    };
    let ran = run(&["instance", "list"]);
    assert_eq!(ran.status, 1, "{ran}");
    assert!(ran.stderr.contains("standard output"), "{ran}");
    assert_eq!(run(&["--json", "instance", "list"]).status, 1);
}

#[test]
fn a_hook_is_tried_and_its_outcome_is_the_exit_status() {
    let scratch = Scratch::with_instance();
    scratch.json(&[
        "instance",
        "set",
        INSTANCE,
        "before_hook=echo asked; exit 3",
    ]);
    let test = ["instance", "test-hook", INSTANCE, "before"];
    let bad = scratch.json_with_status(1, &test);
    assert_eq!(
        (&bad["ok"], &bad["exit_status"], &bad["output"]),
        (&false.into(), &3.into(), &"asked\n".into())
    );
    assert!(bad["seconds"].is_number());
    let ran = scratch.run(&test);
    assert_eq!(ran.status, 1);
    for words in ["asked", "it ended with exit status: 3", "hint: "] {
        assert!(ran.stdout.contains(words), "{words}: {ran}");
    }
    scratch.json(&["instance", "set", INSTANCE, "before_hook=true"]);
    assert_eq!(scratch.json(&test)["ok"], true);
    assert!(scratch.run(&test).stdout.starts_with("It went well, in "));
    let none = scratch.error(1, &["instance", "test-hook", INSTANCE, "stop"]);
    assert_eq!(none["code"], "no_hook");
}

#[test]
fn whoever_adds_a_place_in_clear_is_told_so() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let add = |name: &str, tls: &str, more: &[&str]| {
        let tls = format!("tls={tls}");
        let mut arguments = vec!["destination", "add", name, "--type", "ftp"];
        for setting in ["host=localhost", "username=ada", &tls] {
            arguments.extend(["--set", setting]);
        }
        arguments.extend(["--secret", "password=env:FTP_PASSWORD"]);
        arguments.extend(more);
        let mut command = scratch.command(&arguments);
        let ran = command.env("FTP_PASSWORD", "secret").output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let told = "can be read on the way";
    assert!(add("clear", "none", &[]).contains(told));
    assert!(add("clear-json", "none", &["--json"]).contains(told));
    for safe in [
        add("safe", "explicit", &[]),
        add("safe-json", "explicit", &["--json"]),
    ] {
        assert!(!safe.contains(told) && !safe.contains("warnings"), "{safe}");
    }
    let changed = scratch.json(&["destination", "set", "safe", "--set", "tls=none"]);
    assert!(
        changed["warnings"][0].as_str().unwrap().contains(told),
        "{changed}"
    );
}

/// Account key to signature, password to key: without forgetting the one the other is never asked.
#[test]
fn a_way_to_sign_in_can_be_left_for_another() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let run = |arguments: &[&str]| {
        let mut command = scratch.command(arguments);
        command.env("KEY", "a2V5").env("SAS", "sv=2026&sig=x");
        Ran::from(command.output().unwrap())
    };
    let add = ["destination", "add", "cloud", "--type", "azure"];
    let place = [
        "--set",
        "account_name=ada",
        "--set",
        "container_name=archives",
    ];
    let key = ["--secret", "account_key=env:KEY"];
    let added = run(&[&add[..], &place, &key].concat());
    assert_eq!(added.status, 0, "{added}");
    let set = ["destination", "set", "cloud"];
    let sas = ["--secret", "sas_token=env:SAS"];
    let both = run(&[&set[..], &sas].concat());
    assert_eq!(both.status, 2, "{both}");
    let left = ["--secret", "account_key="];
    let other = run(&[&set[..], &sas, &left].concat());
    assert_eq!(other.status, 0, "{other}");
    let again = run(&[&set[..], &key].concat());
    assert_eq!(again.status, 2, "the signature is there: {again}");
}
