//! Claims that commands of another installation are never taken over: not from its archives, not from its recovery kit.

use std::fs;

use holdfast::model::instance::InstanceSettings;
use holdfast::model::{Hooks, Instance};
use holdfast::service::{Accept, ArchiveRef, NewInstance, RestoreRequest};
use serde_json::json;

use super::fixture::{House, INSTANCE};
use crate::archive::forge::{Forge, raw};

const KEYS: [&str; 4] = ["before_hook", "after_hook", "stop_hook", "start_hook"];

/// A house whose hooks leave a trace that is not there yet, and an archive of it.
fn with_hooks() -> (House, ArchiveRef) {
    let house = House::new();
    for key in KEYS {
        let change = [(
            key.to_owned(),
            format!("touch {}", house.path("ran").display()),
        )];
        house.service.set_instance(INSTANCE, &change).unwrap();
    }
    let archive = house.archive();
    fs::remove_file(house.path("ran")).expect("the hooks ran");
    (house, archive)
}

fn add_from(house: &House, archive: &str) -> Instance {
    let new = NewInstance {
        name: INSTANCE.to_owned(),
        path: house.instance_dir(),
        template: None,
        from: Some(ArchiveRef(archive.to_owned())),
        exclude: Vec::new(),
    };
    let accept = Accept {
        unsigned: true,
        signer: None,
        mismatch: true,
    };
    house
        .service
        .add_instance(&new, &accept, &house.act())
        .unwrap()
}

fn restore_all(house: &House, archive: &str) {
    let request = RestoreRequest {
        archive: ArchiveRef(archive.to_owned()),
        instance: INSTANCE.to_owned(),
        components: Vec::new(),
        confirm: INSTANCE.to_owned(),
        accept: Accept {
            unsigned: true,
            signer: None,
            mismatch: true,
        },
    };
    house.service.restore(&request, &house.act()).unwrap();
}

/// The whole way to a replacement machine: kit, archive, restore, backup.
#[test]
fn hooks_stay_behind_on_the_way_to_another_machine() {
    let (old, archive) = with_hooks();
    let kit = old.path("kit.txt");
    old.service.export_kit(&kit).unwrap();
    let kit_text = fs::read_to_string(&kit).unwrap();
    assert!(!kit_text.contains("touch"), "{kit_text}");
    let new = House::empty();
    let report = new.service.import_kit(&kit).unwrap();
    assert_eq!(report.instances.len(), 1);
    assert_eq!(new.service.instances().unwrap(), [], "listed, not made");
    assert_eq!(report.destinations, ["vault"]);
    new.service.rebuild_catalogue("vault", &new.act()).unwrap();
    let instance = add_from(&new, &archive.0);
    assert_eq!(instance.settings, InstanceSettings::default());
    restore_all(&new, &archive.0);
    new.backup();
    assert!(!old.path("ran").exists());
}

#[test]
fn a_manifest_that_names_hooks_brings_none() {
    let house = House::empty();
    house.service.init().unwrap();
    let run = format!("touch {}", house.path("ran").display());
    let hooks = json!({"before": run, "after": run, "stop": run, "start": run});
    let settings = json!({
        "hooks": hooks, "before_hook": run, "after_hook": run, "stop_hook": run, "start_hook": run,
        "encryption": "none", "exclude": ["**"],
    });
    let mut forge = Forge::default();
    forge.tree("data", &[raw("data/a", b"1")], |lines| {
        lines[0]["hooks"] = hooks.clone();
    });
    let bytes = forge.build(|manifest| {
        for place in ["", "/backup_metadata", "/config_info", "/components/0"] {
            let there = manifest.pointer_mut(place).unwrap();
            there["hooks"] = hooks.clone();
            there["settings"] = settings.clone();
            there["start_hook"] = json!(run);
        }
    });
    let archive = house.path("backup-lab-20260301-040506-manual.tar.gz");
    fs::write(&archive, bytes).unwrap();
    let archive = archive.to_str().unwrap();
    let instance = add_from(&house, archive);
    assert_eq!(instance.settings, InstanceSettings::default());
    restore_all(&house, archive);
    house.add_local("vault");
    house.backup();
    let kept = house.service.instance(INSTANCE).unwrap();
    assert_eq!(kept.settings.hooks, Hooks::default());
    assert!(!house.path("ran").exists());
}

#[test]
fn a_kit_that_names_hooks_brings_none() {
    let (old, archive) = with_hooks();
    let kit = old.path("kit.txt");
    old.service.export_kit(&kit).unwrap();
    let run = format!("touch {}", old.path("ran").display());
    let text = fs::read_to_string(&kit).unwrap();
    let hostile = text.replace(
        r#"{"id":"#,
        &format!(r#"{{"hooks":{{"before":"{run}","start":"{run}"}},"start_hook":"{run}","id":"#),
    );
    assert_ne!(hostile, text);
    fs::write(&kit, hostile).unwrap();
    let new = House::empty();
    new.service.import_kit(&kit).unwrap();
    assert_eq!(new.service.instances().unwrap(), []);
    new.service.rebuild_catalogue("vault", &new.act()).unwrap();
    assert_eq!(add_from(&new, &archive.0).settings.hooks, Hooks::default());
    restore_all(&new, &archive.0);
    new.backup();
    assert!(!old.path("ran").exists());
}
