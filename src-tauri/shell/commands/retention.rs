//! Which archives of a destination stay.

use super::Shared;
use crate::service::Shrunk;
use crate::service::report::{RetentionReport, RetentionSettings};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};

#[tauri::command]
pub async fn retention(desk: Shared<'_>, name: String) -> Answer<RetentionSettings> {
    desk.ask(move |service| service.retention(&name)).await
}

/// `changes`: pairs of key and value; an empty value takes a setting away, an empty `strategy` the policy.
#[tauri::command]
pub async fn set_retention(
    desk: Shared<'_>,
    name: String,
    changes: Vec<(String, String)>,
) -> Answer<RetentionSettings> {
    desk.ask(move |service| service.set_retention(&name, &changes))
        .await
}

/// Of the policy with these changes, which are not kept.
#[tauri::command]
pub async fn preview_retention(
    desk: Shared<'_>,
    name: String,
    changes: Vec<(String, String)>,
    shrunk: Shrunk,
) -> Answer<RetentionReport> {
    desk.look(move |service, act| service.retention_preview(&name, &changes, shrunk, act))
        .await
}

#[tauri::command]
pub async fn apply_retention(
    desk: Shared<'_>,
    act: String,
    name: String,
    shrunk: Shrunk,
) -> Answer<RetentionReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Retention,
        subject: name.clone(),
    };
    desk.act(new, move |service, act| {
        service.retention_apply(&name, shrunk, act)
    })
    .await
}
