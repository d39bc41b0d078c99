//! Claims about what the verbs do with an archive of the TACACS+ server's own backup (version 1.0).

use std::fs;
use std::path::PathBuf;

use holdfast::model::manifest::ComponentStatus;
use holdfast::model::plan::PlanAction;
use holdfast::service::error::Refusal;
use holdfast::service::report::{RestoreReport, SignatureVerdict};
use holdfast::service::{Accept, Act, ArchiveRef, Error, RestoreRequest};
use rusqlite::Connection;
use secrecy::SecretString;

use super::fixture::{House, INSTANCE, count, digests_below, files_below};
use crate::holder::Holder;
use crate::old_archive::OldArchive;

const PASSPHRASE: &str = "correct horse battery staple";

/// A file in the user's hands.
fn saved(house: &House, bytes: &[u8]) -> ArchiveRef {
    let path = house.path("from the server.tar.gz");
    fs::write(&path, bytes).unwrap();
    ArchiveRef(path.display().to_string())
}

fn of_server(house: &House) -> OldArchive {
    OldArchive::of_server(&house.instance_dir())
}

fn with_passphrase<'a>(house: &'a House, passphrase: &str) -> Act<'a> {
    house.act().with_passphrase(SecretString::from(passphrase))
}

fn request(archive: &ArchiveRef, components: &[&str], accept: Accept) -> RestoreRequest {
    RestoreRequest {
        archive: archive.clone(),
        instance: INSTANCE.to_owned(),
        components: components.iter().map(|c| (*c).to_owned()).collect(),
        confirm: INSTANCE.to_owned(),
        accept,
    }
}

fn unsigned() -> Accept {
    Accept {
        unsigned: true,
        ..Accept::default()
    }
}

fn restore(
    house: &House,
    archive: &ArchiveRef,
    components: &[&str],
) -> Result<RestoreReport, Error> {
    house
        .service
        .restore(&request(archive, components, unsigned()), &house.act())
}

fn damage(house: &House) {
    let db = Connection::open(house.database("devices.db")).unwrap();
    db.execute_batch("DELETE FROM devices; UPDATE realms SET name = 'gone'")
        .unwrap();
}

fn left_in_workspaces(house: &House) -> Vec<PathBuf> {
    files_below(&house.path("data/work"))
}

#[test]
fn nobody_signed_it_so_a_restore_wants_that_said() {
    let house = House::new();
    let archive = saved(&house, &of_server(&house).plain());
    let show = house.service.show(&archive, &house.act()).unwrap();
    assert_eq!(show.signature, SignatureVerdict::None);
    let before = digests_below(&house.instance_dir());
    let refused = house
        .service
        .restore(&request(&archive, &[], Accept::default()), &house.act())
        .unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Unsigned)));
    assert_eq!(digests_below(&house.instance_dir()), before);
    // The server knows nothing of this installation's ids, so there is no other claim that could be broken.
    restore(&house, &archive, &[]).unwrap();
}

#[test]
fn one_component_comes_back_under_a_running_service_and_undo_takes_it_back() {
    let house = House::new();
    let devices = house.database("devices.db");
    let there = count(&devices, "devices");
    let archive = saved(&house, &of_server(&house).plain());
    damage(&house);
    let mut holder = Holder::open(&devices);
    assert_eq!(holder.ask("SELECT count(*) FROM devices"), "[(0,)]");
    let mode = holder.ask("PRAGMA journal_mode");
    let report = restore(&house, &archive, &["devices"]).unwrap();
    assert_eq!(report.components.len(), 1);
    assert_eq!(
        holder.ask("SELECT count(*) FROM devices"),
        format!("[({there},)]")
    );
    assert_eq!(holder.ask("PRAGMA journal_mode"), mode);
    let undone = house
        .service
        .undo(&report.execution_id, INSTANCE, &house.act());
    undone.unwrap();
    assert_eq!(holder.ask("SELECT count(*) FROM devices"), "[(0,)]");
    assert_eq!(left_in_workspaces(&house), Vec::<PathBuf>::new());
}

#[test]
fn a_plan_counts_the_rows_of_both_sides() {
    let house = House::new();
    let archive = saved(&house, &of_server(&house).plain());
    let there = count(&house.database("devices.db"), "devices");
    damage(&house);
    let plan = house
        .service
        .plan(&archive, INSTANCE, &[], &house.act())
        .unwrap();
    let devices = plan
        .components
        .iter()
        .find(|c| c.name == "devices")
        .unwrap();
    assert_eq!(devices.action, PlanAction::Replace);
    let rows = devices.tables["devices"];
    assert_eq!(
        (rows.live, rows.archive),
        (Some(0), Some(u64::try_from(there).unwrap()))
    );
    let config = plan.components.iter().find(|c| c.name == "config").unwrap();
    assert_eq!(config.action, PlanAction::Unchanged);
    assert_eq!(
        plan.fetch_bytes,
        fs::metadata(&archive.0).unwrap().len(),
        "all of it, once"
    );
}

#[test]
fn things_go_back_to_where_the_instance_has_them() {
    let house = House::new();
    let archive = saved(&house, &of_server(&house).plain());
    let moved = house.instance_dir().join("elsewhere.db");
    fs::rename(house.database("devices.db"), &moved).unwrap();
    let config = house.instance_dir().join("config/tacacs.conf");
    let text = fs::read_to_string(&config).unwrap();
    let there = text.replace("data/devices.db", "elsewhere.db");
    assert_ne!(there, text);
    fs::write(&config, there).unwrap();
    house
        .service
        .set_instance(INSTANCE, &[("check".to_owned(), "quick".to_owned())])
        .unwrap();
    Connection::open(&moved)
        .unwrap()
        .execute_batch("DELETE FROM devices")
        .unwrap();
    restore(&house, &archive, &["devices"]).unwrap();
    assert!(count(&moved, "devices") > 0);
    assert!(!house.database("devices.db").exists());
}

/// A copy by SQLite's backup is in the journal mode of its source.
#[test]
fn a_live_database_keeps_its_own_journal_mode() {
    let house = House::new();
    let old = of_server(&house);
    assert_eq!(old.content("devices.db")[18..20], [2, 2], "WAL");
    let archive = saved(&house, &old.plain());
    let devices = house.database("devices.db");
    let live = Connection::open(&devices).unwrap();
    live.execute_batch("PRAGMA journal_mode = DELETE; DELETE FROM devices")
        .unwrap();
    restore(&house, &archive, &["devices"]).unwrap();
    assert!(count(&devices, "devices") > 0);
    assert_eq!(fs::read(&devices).unwrap()[18..20], [1, 1]);
}

#[test]
fn a_new_instance_has_its_databases_where_the_archives_configuration_says_inside_it() {
    let house = House::new();
    for (configured, expected) in [
        ("db/devices.db", "db/devices.db"),
        ("/var/lib/devices.db", "data/devices.db"),
        ("../devices.db", "data/devices.db"),
    ] {
        let mut old = of_server(&house);
        let config = String::from_utf8(old.content("tacacs.conf").to_vec()).unwrap();
        let config = config.replace("data/devices.db", configured);
        old.replace("tacacs.conf", config.as_bytes());
        let archive = saved(&house, &old.plain());
        let show = house.service.show(&archive, &house.act()).unwrap();
        let components = show.manifest.components.iter();
        let devices = components.clone().find(|c| c.name == "devices").unwrap();
        assert_eq!(devices.source, expected, "{configured}");
    }
}

#[test]
fn a_lost_server_comes_back_on_an_empty_machine() {
    let house = House::new();
    let old = of_server(&house);
    let archive = saved(&house, &old.sealed(PASSPHRASE));
    let before = count(&house.database("tacacs_accounting.db"), "accounting");
    let fresh = House::empty();
    fresh.service.init().unwrap();
    let new = holdfast::service::NewInstance {
        name: INSTANCE.to_owned(),
        path: fresh.instance_dir(),
        template: None,
        from: Some(archive.clone()),
        exclude: Vec::new(),
    };
    let act = with_passphrase(&fresh, PASSPHRASE);
    let refused = fresh.service.add_instance(&new, &Accept::default(), &act);
    assert!(matches!(refused, Err(Error::Refused(Refusal::Unsigned))));
    let instance = fresh.service.add_instance(&new, &unsigned(), &act).unwrap();
    assert_eq!(instance.template, holdfast::model::Template::Tacacs);
    assert_ne!(instance.id.as_str(), "4f3c2b1a", "the server's own id");
    fresh
        .service
        .restore(&request(&archive, &[], unsigned()), &act)
        .unwrap();
    let here = fresh.database("tacacs_accounting.db");
    assert_eq!(count(&here, "accounting"), before);
    let config = fresh.instance_dir().join("config/tacacs.conf");
    assert_eq!(fs::read(config).unwrap(), old.content("tacacs.conf"));
}

#[test]
fn it_is_extracted_byte_for_byte() {
    let house = House::new();
    let old = of_server(&house);
    let archive = saved(&house, &old.plain());
    let out = house.path("out");
    let report = house
        .service
        .extract(&archive, &out, &[], &house.act())
        .unwrap();
    assert_eq!(
        report.fetched_bytes,
        fs::metadata(&archive.0).unwrap().len()
    );
    for (file, name) in [
        ("devices/devices.db", "devices.db"),
        ("users/local_auth.db", "local_auth.db"),
        ("overrides/config_overrides.db", "config_overrides.db"),
        ("config/tacacs.conf", "tacacs.conf"),
        ("config_export.json", "config_export.json"),
    ] {
        assert!(
            fs::read(out.join(file)).unwrap() == old.content(name),
            "{file}"
        );
    }
    assert!(out.join("manifest.json").exists());
}

#[test]
fn it_is_verified_and_drilled_and_nothing_stays_behind() {
    let house = House::new();
    for bytes in [
        of_server(&house).plain(),
        of_server(&house).sealed(PASSPHRASE),
    ] {
        let archive = saved(&house, &bytes);
        let act = with_passphrase(&house, PASSPHRASE);
        let verified = house.service.verify(&archive, &act).unwrap();
        assert!(verified.ok, "{:?}", verified.problems);
        assert_eq!(verified.fetched_bytes, bytes.len() as u64);
        let drilled = house.service.drill(&archive, &act).unwrap();
        assert!(drilled.ok, "{:?}", drilled.problems);
        assert_eq!(left_in_workspaces(&house), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_missing_and_a_wrong_passphrase_are_told_apart() {
    let house = House::new();
    let archive = saved(&house, &of_server(&house).sealed(PASSPHRASE));
    let missing = house.service.show(&archive, &house.act()).unwrap_err();
    assert!(missing.needs_passphrase());
    let problem = missing.problem();
    assert_eq!(problem.code, "no_passphrase");
    assert!(problem.hint.contains("HOLDFAST_PASSPHRASE"));
    let act = with_passphrase(&house, "battery staple");
    for error in [
        house.service.show(&archive, &act).map(drop),
        house.service.verify(&archive, &act).map(drop),
        house.service.drill(&archive, &act).map(drop),
    ] {
        let problem = error.unwrap_err().problem();
        assert_eq!(problem.code, "wrong_passphrase");
        assert!(!problem.message.contains("battery"), "{problem:?}");
    }
    assert_eq!(left_in_workspaces(&house), Vec::<PathBuf>::new());
}

#[test]
fn a_forged_one_changes_nothing_and_leaves_nothing() {
    let house = House::new();
    let mut forged = of_server(&house);
    let devices = forged.entries.iter_mut().find(|e| e.name == "./devices.db");
    devices.unwrap().content[5000] ^= 1;
    let archive = saved(&house, &forged.plain());
    let before = digests_below(&house.instance_dir());
    let error = restore(&house, &archive, &[]).unwrap_err();
    assert_eq!(error.problem().code, "archive_refused");
    let report = house.service.verify(&archive, &house.act()).unwrap();
    assert!(!report.ok);
    assert_eq!(report.problems[0].entry.as_deref(), Some("devices.db"));
    assert!(!house.service.drill(&archive, &house.act()).unwrap().ok);
    let out = house.path("out");
    house
        .service
        .extract(&archive, &out, &[], &house.act())
        .unwrap_err();
    assert!(!out.exists());
    assert_eq!(digests_below(&house.instance_dir()), before);
    assert_eq!(left_in_workspaces(&house), Vec::<PathBuf>::new());
}

/// The server archived what it could not export as a database, and called that a success.
#[test]
fn a_database_that_is_none_is_said_to_be_damaged_and_left_out() {
    let house = House::new();
    let mut old = of_server(&house);
    old.replace("devices.db", &b"this is no database".repeat(300));
    let archive = saved(&house, &old.plain());
    let show = house.service.show(&archive, &house.act()).unwrap();
    let devices = show
        .manifest
        .components
        .iter()
        .find(|c| c.name == "devices");
    assert_eq!(devices.unwrap().status, ComponentStatus::Damaged);
    assert!(
        house.service.verify(&archive, &house.act()).unwrap().ok,
        "its bytes are as listed"
    );
    let drill = house.service.drill(&archive, &house.act()).unwrap();
    assert!(!drill.ok);
    let there = count(&house.database("devices.db"), "devices");
    let report = restore(&house, &archive, &[]).unwrap();
    let left_out = report
        .warnings
        .iter()
        .find(|w| w.code == "component_left_out");
    assert_eq!(left_out.unwrap().component.as_deref(), Some("devices"));
    assert_eq!(count(&house.database("devices.db"), "devices"), there);
    restore(&house, &archive, &["devices"]).unwrap_err();
}
