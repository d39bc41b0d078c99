//! Claims about keys, recipients, signers and the recovery kit.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast::keys::Backend;
use holdfast::service::report::State;
use holdfast::service::{ArchiveRef, BackupService, Error};
use jiff::Timestamp;

use super::fixture::{House, INSTANCE, files_below};

#[test]
fn init_twice_keeps_the_keys() {
    let house = House::new();
    assert_eq!(
        house.service.init().unwrap(),
        house.service.public_keys().unwrap().unwrap()
    );
}

#[test]
fn lost_keys_are_said_to_be_lost_and_never_made_anew() {
    let house = House::new();
    fs::remove_file(house.path("data/keys.json")).unwrap();
    let error = house.service.init().unwrap_err();
    assert_eq!(error.problem().code, "keys_unavailable");
    let error = house.backup_to(&["vault"]).unwrap_err();
    assert_eq!(error.problem().code, "keys_unavailable");
    assert!(!house.path("data/keys.json").exists());
    let status = house.service.status(Timestamp::now()).unwrap();
    assert_eq!(status.state, State::Failing);
    let hint = status.problem.unwrap().hint;
    assert!(hint.contains("recovery kit"), "{hint}");
}

#[test]
fn a_file_once_chosen_is_used_without_being_asked_for_again() {
    let house = House::new();
    let again = BackupService::open(&house.path("data"), Backend::Keyring).unwrap();
    again.export_kit(&house.path("kit.txt")).unwrap();
}

#[test]
fn the_kit_is_private_and_never_overwrites() {
    let house = House::new();
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    assert_eq!(kit.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        house.service.export_kit(&kit).unwrap_err().problem().code,
        "taken"
    );
}

#[test]
fn a_new_machine_gets_its_instance_back_from_kit_and_archive() {
    let house = House::new();
    house.backup();
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    let old = house.service.instance(INSTANCE).unwrap();
    let fresh = House::empty();
    let report = fresh.service.import_kit(&kit).unwrap();
    assert_eq!(report.destinations, ["vault"]);
    assert_eq!(report.instances[0].id, old.id.to_string());
    let name = files_below(&house.path("vault"))[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let instance = fresh.add_instance(Some(&format!("vault:{name}"))).unwrap();
    assert_eq!(instance.id, old.id);
    assert_eq!(instance.template, old.template);
    assert_eq!(instance.components.len(), old.components.len());
    assert!(matches!(
        fresh.service.import_kit(&kit),
        Err(Error::NotEmptyInstallation)
    ));
}

#[test]
fn a_foreign_archive_makes_no_instance_until_it_is_accepted() {
    let house = House::new();
    house
        .service
        .set_instance(INSTANCE, &[("encryption".into(), "none".into())])
        .unwrap();
    house.backup();
    let archive = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let stranger = House::empty();
    stranger.service.init().unwrap();
    let error = stranger
        .add_instance(Some(&archive.display().to_string()))
        .unwrap_err();
    assert_eq!(error.problem().code, "unknown_signer");
    assert_eq!(error.exit_status(), 4);
    let shown = stranger
        .service
        .show(&ArchiveRef(archive.display().to_string()), &stranger.act())
        .unwrap();
    assert_eq!(
        shown.signature,
        holdfast::service::report::SignatureVerdict::Unknown
    );
}

#[test]
fn an_archive_is_sealed_to_every_recipient_and_one_stays() {
    let house = House::new();
    let paper = age::x25519::Identity::generate();
    house
        .service
        .add_recipient(&paper.to_public().to_string(), "paper key")
        .unwrap();
    house.backup();
    let archive = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let decryptor = age::Decryptor::new(fs::File::open(archive).unwrap()).unwrap();
    assert!(
        decryptor
            .decrypt(std::iter::once(&paper as &dyn age::Identity))
            .is_ok()
    );
    let rows = house.service.recipients().unwrap();
    house.service.remove_recipient(&rows[0].recipient).unwrap();
    assert_eq!(
        house
            .service
            .remove_recipient(&rows[1].recipient)
            .unwrap_err()
            .problem()
            .code,
        "last_recipient"
    );
}

#[test]
fn no_secret_is_in_the_store() {
    let house = House::new();
    house.backup();
    let keys: serde_json::Value =
        serde_json::from_slice(&fs::read(house.path("data/keys.json")).unwrap()).unwrap();
    let mut secrets = Vec::new();
    collect_strings(&keys, &mut secrets);
    assert!(
        secrets.iter().any(|s| s.starts_with("AGE-SECRET-KEY-")),
        "the test looks for the right thing"
    );
    for file in files_below(&house.path("data"))
        .into_iter()
        .filter(|f| !f.ends_with("keys.json"))
    {
        let bytes = fs::read(house.path("data").join(&file)).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "a secret is in {}", file.display());
        }
    }
}

fn collect_strings(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if text.len() > 20 => into.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|v| collect_strings(v, into)),
        serde_json::Value::Object(map) => map.values().for_each(|v| collect_strings(v, into)),
        _ => {}
    }
}
