//! Claims about `store`.

mod history;
mod listing;
mod opening;
mod rows;
#[path = "../support/small_disk.rs"]
mod small_disk;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use holdfast::model::{
    Component, ComponentKind, DestinationConfig, DestinationType, Execution, ExecutionKind,
    ExecutionStatus, Instance, InstanceId, InstanceSettings, Template, Warning,
};
use holdfast::store::{ExecutionFilter, Store};
use jiff::Timestamp;

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(dir.path()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + second, 0).unwrap()
}

fn instance(id: u32, name: &str) -> Instance {
    Instance {
        id: InstanceId::from_random(id),
        name: name.to_owned(),
        path: PathBuf::from("/srv/tacacs"),
        template: Template::Tacacs,
        components: vec![Component {
            name: "devices".to_owned(),
            kind: ComponentKind::Database,
            sources: vec![PathBuf::from("data/devices.db")],
        }],
        settings: InstanceSettings {
            exclude: vec!["*.log".to_owned()],
            ..InstanceSettings::default()
        },
        created_at: at(0),
    }
}

fn destination(id: &str, name: &str) -> DestinationConfig {
    DestinationConfig {
        id: id.to_owned(),
        name: name.to_owned(),
        destination_type: DestinationType::Local,
        enabled: true,
        config: BTreeMap::from([("base_path".to_owned(), "/mnt/backups".to_owned())]),
        created_at: at(0),
        created_by: "ada".to_owned(),
        last_backup_at: Some(at(5)),
        last_backup_status: Some("completed".to_owned()),
    }
}

fn execution(id: &str, second: i64) -> Execution {
    Execution {
        id: id.to_owned(),
        destination_id: Some("d1".to_owned()),
        backup_filename: Some(format!("{id}.tar.gz")),
        backup_path: Some(format!("a-00000001/manual/{id}.tar.gz")),
        triggered_by: "cli".to_owned(),
        started_at: at(second),
        completed_at: Some(at(second + 1)),
        status: ExecutionStatus::Completed,
        size_bytes: Some(10),
        compressed_size_bytes: Some(4),
        files_included: Some(1),
        error_message: None,
        kind: ExecutionKind::Backup,
        run_id: format!("run-{id}"),
        instance_id: Some(InstanceId::from_random(1)),
        archive_sha256: Some("aa".to_owned()),
        manifest_sha256: Some("bb".to_owned()),
        sequence: Some(1),
        verified_at: Some(at(second + 1)),
        drilled_at: None,
        pinned: false,
        comment: Some("before the move".to_owned()),
        warnings: vec![Warning::new("shrank", Some("devices"), "it shrank")],
    }
}

fn ids(store: &Store, filter: &ExecutionFilter) -> Vec<String> {
    let found = store.executions(filter).unwrap();
    found.into_iter().map(|e| e.id).collect()
}
