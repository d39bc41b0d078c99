//! Claims about what must not be lost or left when something goes wrong beside the act itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast::archive::key_id;
use holdfast::keys::Backend;
use holdfast::model::instance::ComponentKind;
use holdfast::model::{ExecutionStatus, Observer, Progress};
use holdfast::service::{
    Accept, Act, ArchiveRef, BackupService, Error, NewInstance, RestoreRequest,
};
use holdfast::store::{ExecutionFilter, Store};
use rusqlite::Connection;

use super::fixture::{House, INSTANCE, count};
use crate::archive::packing::{Packing, file, part};

fn restore(archive: &ArchiveRef, component: &str) -> RestoreRequest {
    RestoreRequest {
        archive: archive.clone(),
        instance: INSTANCE.to_owned(),
        components: vec![component.to_owned()],
        confirm: INSTANCE.to_owned(),
        accept: Accept::default(),
    }
}

fn set_hook(house: &House, hook: &str, line: &str) {
    let change = [(hook.to_owned(), line.to_owned())];
    house.service.set_instance(INSTANCE, &change).unwrap();
}

#[test]
fn what_a_dead_run_left_and_cannot_be_removed_does_not_keep_the_program_from_starting() {
    let house = House::new();
    house.backup();
    let data = house.path("data");
    // As a crash leaves it: a row that runs, a free lock, a staged file. This one nobody can remove.
    let lock = data.join("runs/deadbeef.lock");
    let record = r#"{"pid":1,"workspace":"/nowhere/at/all","staged":["/proc/version"]}"#;
    fs::write(&lock, record).unwrap();
    let store = Store::open(&data).unwrap();
    let mut row = store.executions(&ExecutionFilter::default()).unwrap()[0].clone();
    row.id = "dead".to_owned();
    row.run_id = "deadbeef".to_owned();
    row.status = ExecutionStatus::Running;
    store.insert_execution(&row).unwrap();
    BackupService::open(&data, Backend::File).unwrap();
    let row = store.execution("dead").unwrap().unwrap();
    assert_eq!(row.status, ExecutionStatus::Interrupted);
    assert!(lock.exists(), "a reminder for the next start");
}

#[test]
fn starts_beside_runs_that_begin_and_end_never_fail_and_never_call_them_dead() {
    let house = House::new();
    let data = house.path("data");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                BackupService::open(&data, Backend::File).unwrap();
            }
        });
        let archive = house.archive();
        for _ in 0..8 {
            Connection::open(house.database("devices.db"))
                .unwrap()
                .execute_batch("DELETE FROM devices")
                .unwrap();
            house
                .service
                .restore(&restore(&archive, "devices"), &house.act())
                .unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        starting.join().unwrap();
    });
    for row in house.service.history(None).unwrap() {
        assert_eq!(row.status, ExecutionStatus::Completed, "{row:?}");
    }
}

#[test]
fn a_restore_that_was_done_stays_undoable_whatever_happens_to_its_journal_afterwards() {
    let house = House::new();
    let archive = house.archive();
    let devices = house.database("devices.db");
    Connection::open(&devices)
        .unwrap()
        .execute_batch("DELETE FROM devices WHERE rowid > 3")
        .unwrap();
    let damaged = count(&devices, "devices");
    set_hook(&house, "stop_hook", "true");
    let block = format!(
        "for d in {}/preimages/*; do mkdir $d/journal.json.new; done",
        house.path("data").display()
    );
    set_hook(&house, "start_hook", &block);
    let report = house
        .service
        .restore(&restore(&archive, "devices"), &house.act())
        .unwrap();
    assert_eq!(report.warnings, [], "the hook did its work");
    assert!(count(&devices, "devices") > damaged);
    set_hook(&house, "start_hook", "true");
    house
        .service
        .undo(&report.execution_id, INSTANCE, &house.act())
        .unwrap();
    assert_eq!(count(&devices, "devices"), damaged);
}

/// Takes the place of the journal's new version as soon as the restore begins to apply.
struct Blocks<'a>(&'a Path);

impl Observer for Blocks<'_> {
    fn progress(&self, progress: &Progress) {
        if progress.what == "journal" {
            for folder in fs::read_dir(self.0).unwrap() {
                let _ = fs::create_dir(folder.unwrap().path().join("journal.json.new"));
            }
        }
    }
}

#[test]
fn a_journal_that_cannot_be_written_is_an_error_that_changed_nothing_and_leaves_nothing() {
    let house = House::new();
    let archive = house.archive();
    let devices = house.database("devices.db");
    Connection::open(&devices)
        .unwrap()
        .execute_batch("DELETE FROM devices")
        .unwrap();
    let preimages = house.path("data/preimages");
    let act = Act {
        observer: &Blocks(&preimages),
        ..house.act()
    };
    let error = house
        .service
        .restore(&restore(&archive, "devices"), &act)
        .unwrap_err();
    assert!(
        !error.problem().message.contains("back"),
        "nothing failed to go back: {error:?}"
    );
    assert_eq!(count(&devices, "devices"), 0);
    assert_eq!(fs::read_dir(&preimages).unwrap().count(), 0);
}

#[test]
fn a_pipe_in_the_place_of_a_configuration_is_refused_and_not_waited_for() {
    let house = House::new();
    let archive = house.archive();
    let conf = house.instance_dir().join("config/tacacs.conf");
    fs::remove_file(&conf).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &conf, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let plan = house
        .service
        .plan(&archive, INSTANCE, &["config".to_owned()], &house.act())
        .unwrap();
    assert_eq!(
        plan.components[0].action,
        holdfast::model::plan::PlanAction::Blocked
    );
    house
        .service
        .restore(&restore(&archive, "config"), &house.act())
        .unwrap_err();
}

#[test]
fn a_strangers_archive_names_no_place_outside_the_new_instance() {
    let house = House::empty();
    house.service.init().unwrap();
    let packing = Packing::gzip();
    let (mut entry, content) = file("crontab", b"* * * * * root true\n");
    entry.source = b"/etc/cron.d/crontab".to_vec();
    let packed = packing.pack(&[part(
        "config",
        ComponentKind::Config,
        vec![(entry, content)],
    )]);
    let path = house.path("backup.tar.gz");
    fs::write(&path, packed.out).unwrap();
    let new = NewInstance {
        name: INSTANCE.to_owned(),
        path: house.instance_dir(),
        template: None,
        from: Some(ArchiveRef(path.display().to_string())),
        exclude: Vec::new(),
    };
    let accept = Accept {
        signer: Some(key_id(&packing.keys.pk)),
        ..Accept::default()
    };
    let refused = house.service.add_instance(&new, &accept, &house.act());
    assert!(matches!(refused, Err(Error::Open(_))), "{refused:?}");
    assert!(!house.instance_dir().exists());
    // On the word of a known signer it is a place like another.
    let key = packing.keys.pk.to_base64();
    house.service.add_signer(&key, "old machine").unwrap();
    house
        .service
        .add_instance(&new, &Accept::default(), &house.act())
        .unwrap();
}

#[test]
fn a_store_that_fails_in_the_middle_leaves_no_staged_archive_at_the_destination() {
    let house = House::new();
    // The after hook runs between the packing and what the store is asked for: the history cannot be read any more.
    let data = house.path("data");
    let break_it = format!(
        "sqlite3 {}/backup_executions.db 'ALTER TABLE backup_executions RENAME TO gone'",
        data.display()
    );
    set_hook(&house, "after_hook", &break_it);
    house.backup_to(&["vault"]).unwrap_err();
    let left: Vec<_> = super::fixture::files_below(&house.path("vault"));
    assert!(left.is_empty(), "{left:?}");
    let mode = fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
