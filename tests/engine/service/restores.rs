//! Claims about `plan`, `restore` and `undo`.

use std::fs;

use holdfast::model::plan::PlanAction;
use holdfast::model::{ExecutionKind, ExecutionStatus};
use holdfast::service::error::Refusal;
use holdfast::service::report::RestoreReport;
use holdfast::service::{Accept, ArchiveRef, Error, RestoreRequest};
use rusqlite::Connection;

use super::fixture::{House, INSTANCE, count, digests_below};
use crate::holder::Holder;

fn request(archive: &ArchiveRef, components: &[&str]) -> RestoreRequest {
    RestoreRequest {
        archive: archive.clone(),
        instance: INSTANCE.to_owned(),
        components: components.iter().map(|c| (*c).to_owned()).collect(),
        confirm: INSTANCE.to_owned(),
        accept: Accept::default(),
    }
}

fn restore(
    house: &House,
    archive: &ArchiveRef,
    components: &[&str],
) -> Result<RestoreReport, Error> {
    house
        .service
        .restore(&request(archive, components), &house.act())
}

fn damage(house: &House) {
    let db = Connection::open(house.database("devices.db")).unwrap();
    db.execute_batch("DELETE FROM devices; UPDATE realms SET name = 'gone'")
        .unwrap();
}

#[test]
fn one_component_comes_back_alone_under_a_running_service_and_undo_takes_it_back() {
    let house = House::new();
    let devices = house.database("devices.db");
    let there = count(&devices, "devices");
    let archive = house.archive();
    damage(&house);
    Connection::open(house.database("local_auth.db"))
        .unwrap()
        .execute_batch("DELETE FROM local_users")
        .unwrap();
    let mut holder = Holder::open(&devices);
    assert_eq!(holder.ask("SELECT count(*) FROM devices"), "[(0,)]");
    let report = restore(&house, &archive, &["devices"]).unwrap();
    assert_eq!(
        holder.ask("SELECT count(*) FROM devices"),
        format!("[({there},)]")
    );
    assert_eq!(report.components[0].status, "restored");
    assert!(!report.restart_required);
    assert!(
        report
            .safety_backup
            .as_ref()
            .is_some_and(|path| path.is_file())
    );
    assert!(report.fetched_bytes > 0);
    assert_eq!(
        count(&house.database("local_auth.db"), "local_users"),
        0,
        "another component"
    );

    let undone = house
        .service
        .undo(&report.execution_id, INSTANCE, &house.act())
        .unwrap();
    assert_eq!(holder.ask("SELECT count(*) FROM devices"), "[(0,)]");
    assert_eq!(
        holder.ask("SELECT DISTINCT name FROM realms"),
        "[('gone',)]"
    );
    assert!(
        matches!(
            house
                .service
                .undo(&report.execution_id, INSTANCE, &house.act()),
            Err(Error::Restore(_))
        ),
        "once is enough"
    );
    house
        .service
        .undo(&undone.execution_id, INSTANCE, &house.act())
        .unwrap();
    assert_eq!(
        holder.ask("SELECT count(*) FROM devices"),
        format!("[({there},)]")
    );

    let kinds: Vec<_> = house
        .service
        .history(Some(3))
        .unwrap()
        .into_iter()
        .map(|e| (e.kind, e.status))
        .collect();
    let completed = |kind| (kind, ExecutionStatus::Completed);
    for expected in [
        completed(ExecutionKind::Undo),
        completed(ExecutionKind::Restore),
    ] {
        let all = house.service.history(None).unwrap();
        assert!(
            all.iter().any(|e| (e.kind, e.status) == expected),
            "{kinds:?}"
        );
    }
}

#[test]
fn a_wrong_confirmation_is_refused_before_anything_is_read() {
    let house = House::new();
    let mut wrong = request(&ArchiveRef("vault:no such archive".to_owned()), &[]);
    wrong.confirm = "tacacs".to_owned();
    let error = house.service.restore(&wrong, &house.act()).unwrap_err();
    assert!(
        matches!(error, Error::Refused(Refusal::Confirm { .. })),
        "{error:?}"
    );
    assert_eq!(error.exit_status(), 4);
}

#[test]
fn an_empty_machine_gets_everything_back_and_undo_empties_it_again() {
    let house = House::new();
    let before = digests_below(&house.instance_dir());
    let archive = house.archive();
    fs::remove_dir_all(house.instance_dir()).unwrap();
    let plan = house
        .service
        .plan(&archive, INSTANCE, &[], &house.act())
        .unwrap();
    assert!(
        plan.components
            .iter()
            .all(|c| c.action == PlanAction::Create),
        "{plan:?}"
    );
    let report = restore(&house, &archive, &[]).unwrap();
    assert_eq!(report.safety_backup, None);
    for file in before
        .keys()
        .filter(|f| f.extension().is_some_and(|e| e == "db" || e == "conf"))
    {
        assert!(
            house.instance_dir().join(file).is_file(),
            "{}",
            file.display()
        );
    }
    assert_eq!(
        digests_below(&house.instance_dir())[std::path::Path::new("config/tacacs.conf")],
        before[std::path::Path::new("config/tacacs.conf")]
    );
    let undone = house
        .service
        .undo(&report.execution_id, INSTANCE, &house.act())
        .unwrap();
    assert!(
        undone.components.iter().all(|c| c.status == "removed"),
        "{:?}",
        undone.components
    );
    assert_eq!(digests_below(&house.instance_dir()).len(), 0);
}

#[test]
fn a_plan_tells_rows_settings_and_bytes_and_changes_nothing() {
    let house = House::new();
    let archive = house.archive();
    damage(&house);
    let conf = house.instance_dir().join("config/tacacs.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}\n[added]\nport = 49\n")).unwrap();
    let before = digests_below(&house.instance_dir());
    let plan = house
        .service
        .plan(
            &archive,
            INSTANCE,
            &["devices".to_owned(), "config".to_owned()],
            &house.act(),
        )
        .unwrap();
    let find = |name: &str| plan.components.iter().find(|c| c.name == name).unwrap();
    let devices = &find("devices").tables["devices"];
    assert_eq!(devices.live, Some(0));
    assert!(devices.archive > Some(0));
    assert_eq!(find("devices").action, PlanAction::Replace);
    let settings: Vec<_> = find("config")
        .settings
        .iter()
        .map(|s| (s.setting.as_str(), s.live.as_deref(), s.archive.as_deref()))
        .collect();
    assert_eq!(settings, [("added.port", Some("49"), None)]);
    assert!(plan.fetch_bytes > 0 && plan.space_needed_bytes > 0);
    assert_eq!(digests_below(&house.instance_dir()), before);
    restore(&house, &archive, &["config"]).unwrap();
    assert_eq!(fs::read_to_string(&conf).unwrap(), text);
    let plan = house
        .service
        .plan(&archive, INSTANCE, &["config".to_owned()], &house.act())
        .unwrap();
    assert_eq!(plan.components[0].action, PlanAction::Unchanged);
}
