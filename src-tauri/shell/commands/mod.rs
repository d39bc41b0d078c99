//! What the page may ask, one file a room of the window. Each is three lines: the words belong to the service and to the page.

mod acts;
mod archives;
mod destinations;
mod dialogs;
mod instances;
mod keys;
mod overview;
mod restore;
mod retention;
mod schedules;
mod settings;

use std::sync::Arc;

use tauri::ipc::Invoke;
use tauri::{State, Wry};

use super::desk::Desk;

type Shared<'a> = State<'a, Arc<Desk>>;

/// Every command. The page's side of the table is `ui/src/host.ts`.
pub fn all() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        acts::acts,
        acts::cancel,
        acts::close,
        acts::quit,
        archives::archives,
        archives::backup,
        archives::delete_archive,
        archives::download,
        archives::drill,
        archives::give_passphrase,
        archives::history,
        archives::pin,
        archives::show,
        archives::verify,
        destinations::add_destination,
        destinations::destinations,
        destinations::enable_destination,
        destinations::free_space,
        destinations::rebuild_catalogue,
        destinations::remove_destination,
        destinations::set_destination,
        destinations::test_destination,
        dialogs::pick_file,
        dialogs::pick_folder,
        dialogs::save_file,
        instances::add_instance,
        instances::add_instance_from,
        instances::add_sample,
        instances::instance_scan,
        instances::instances,
        instances::remove_instance,
        instances::scan,
        instances::set_instance,
        instances::test_hook,
        keys::add_recipient,
        keys::add_signer,
        keys::export_kit,
        keys::import_kit,
        keys::init,
        keys::public_keys,
        keys::recipients,
        keys::remove_recipient,
        keys::remove_signer,
        keys::signers,
        overview::place,
        overview::status,
        restore::plan,
        restore::restore,
        restore::undo,
        retention::apply_retention,
        retention::preview_retention,
        retention::retention,
        retention::set_retention,
        schedules::add_schedule,
        schedules::pause_schedule,
        schedules::preview_schedule,
        schedules::remove_schedule,
        schedules::resume_schedule,
        schedules::run_schedule,
        schedules::schedule,
        schedules::schedules,
        schedules::set_schedule,
        schedules::time_zone,
        settings::set_secret_settings,
        settings::set_settings,
        settings::settings,
    ]
}
