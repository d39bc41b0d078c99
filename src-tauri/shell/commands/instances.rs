//! Installed services.

use std::path::PathBuf;

use super::Shared;
use super::restore::Accepted;
use crate::model::scan::Scan;
use crate::model::{HookKind, Instance, Template};
use crate::service::report::HookReport;
use crate::service::{Accept, ArchiveRef, BackupService, NewInstance};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};
use crate::shell::sample;

#[tauri::command]
pub async fn instances(desk: Shared<'_>) -> Answer<Vec<Instance>> {
    desk.ask(BackupService::instances).await
}

/// What would be backed up there.
#[tauri::command]
pub async fn scan(
    desk: Shared<'_>,
    path: PathBuf,
    template: Option<Template>,
    exclude: Vec<String>,
) -> Answer<Scan> {
    desk.ask(move |service| service.scan(&path, template, &exclude))
        .await
}

#[tauri::command]
pub async fn instance_scan(desk: Shared<'_>, name: String) -> Answer<Scan> {
    desk.ask(move |service| service.instance_scan(&name)).await
}

#[tauri::command]
pub async fn add_instance(
    desk: Shared<'_>,
    name: String,
    path: PathBuf,
    template: Option<Template>,
    exclude: Vec<String>,
) -> Answer<Instance> {
    let new = NewInstance {
        name,
        path,
        template,
        from: None,
        exclude,
    };
    desk.look(move |service, act| service.add_instance(&new, &Accept::default(), act))
        .await
}

/// On a replacement for a lost machine: the archive's instance goes on in a folder that may be empty.
#[tauri::command]
pub async fn add_instance_from(
    desk: Shared<'_>,
    name: String,
    path: PathBuf,
    archive: String,
    accept: Accepted,
) -> Answer<Instance> {
    let new = NewInstance {
        name,
        path,
        template: None,
        from: Some(ArchiveRef(archive)),
        exclude: Vec::new(),
    };
    desk.look(move |service, act| service.add_instance(&new, &accept.into(), act))
        .await
}

/// `exclude` repeated is the whole list.
#[tauri::command]
pub async fn set_instance(
    desk: Shared<'_>,
    name: String,
    changes: Vec<(String, String)>,
) -> Answer<Instance> {
    desk.ask(move |service| service.set_instance(&name, &changes))
        .await
}

#[tauri::command]
pub async fn remove_instance(desk: Shared<'_>, name: String) -> Answer<()> {
    desk.ask(move |service| service.remove_instance(&name))
        .await
}

/// A small TACACS+ server's folder to try everything on, and an instance of it.
#[tauri::command]
pub async fn add_sample(desk: Shared<'_>) -> Answer<Instance> {
    desk.look(sample::add).await
}

/// Runs one of its hooks as a backup or a restore would: it is really executed.
#[tauri::command]
pub async fn test_hook(
    desk: Shared<'_>,
    act: String,
    name: String,
    hook: HookKind,
) -> Answer<HookReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Hook,
        subject: name.clone(),
    };
    desk.act(new, move |service, act| service.test_hook(&name, hook, act))
        .await
}
