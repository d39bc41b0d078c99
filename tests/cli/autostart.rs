//! Claims about the entry that starts Holdfast with the desktop's session.

use std::fs;

use crate::scratch::{Scratch, text};

#[test]
fn the_entry_comes_and_goes_with_the_setting() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let entry = scratch
        .path("home")
        .join(".config/autostart/holdfast.desktop");
    scratch.json(&["settings", "set", "theme=dark"]);
    assert!(!entry.exists());

    scratch.json(&["settings", "set", "autostart=yes"]);
    let written = fs::read_to_string(&entry).unwrap();
    let command = written.lines().find_map(|line| line.strip_prefix("Exec="));
    let program = env!("CARGO_BIN_EXE_holdfast");
    // The session does not know the variable that names this data folder.
    let data = text(&scratch.data());
    let wanted = format!("\"{program}\" --background --data-dir \"{data}\"");
    assert_eq!(command, Some(wanted.as_str()));
    assert!(written.starts_with("[Desktop Entry]\nType=Application\n"));

    for off in ["autostart=no", "autostart="] {
        scratch.json(&["settings", "set", "autostart=yes"]);
        assert!(entry.exists());
        scratch.json(&["settings", "set", off]);
        assert!(!entry.exists(), "{off}");
        scratch.json(&["settings", "set", off]);
    }
}

#[test]
fn a_data_folder_that_the_session_finds_by_itself_is_not_named() {
    let scratch = Scratch::new();
    let run = |arguments: &[&str]| {
        let mut command = scratch.command(arguments);
        let status = command.env_remove("HOLDFAST_DATA_DIR").status().unwrap();
        assert!(status.success(), "{arguments:?}");
    };
    run(&["settings", "set", "autostart=yes"]);
    let entry = scratch
        .path("home")
        .join(".config/autostart/holdfast.desktop");
    let written = fs::read_to_string(entry).unwrap();
    assert!(!written.contains("--data-dir"), "{written}");
}

#[test]
fn an_entry_that_cannot_be_written_is_said() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    fs::create_dir_all(scratch.path("home")).unwrap();
    fs::write(scratch.path("home").join(".config"), "").unwrap();
    let error = scratch.error(1, &["settings", "set", "autostart=yes"]);
    assert_eq!(error["code"], "autostart");
}
