//! Installed services.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Shared;
use crate::model::scan::Scan;
use crate::model::{Instance, Template};
use crate::service::{Accept, BackupService, NewInstance};
use crate::shell::desk::Answer;
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

#[tauri::command]
pub async fn set_instance(
    desk: Shared<'_>,
    name: String,
    changes: BTreeMap<String, String>,
) -> Answer<Instance> {
    let changes: Vec<_> = changes.into_iter().collect();
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
