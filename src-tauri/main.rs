//! The program: a verb is the command line; no verb is the window where there is one; `--background` is the tray, or the scheduler alone
//! where there is no desktop.

use std::process::ExitCode;

use holdfast::cli::{self, Start};
#[cfg(feature = "desktop")]
use holdfast::shell::{self, Opening};

fn main() -> ExitCode {
    match cli::start(std::env::args_os()) {
        Start::Ended(code) => code,
        #[cfg(feature = "desktop")]
        Start::Window => shell::run(Opening::Window, None),
        #[cfg(feature = "desktop")]
        Start::Background { data_dir } if shell::has_display() => {
            shell::run(Opening::Tray, data_dir.as_deref())
        }
        Start::Background { data_dir } => cli::run_scheduler(data_dir),
    }
}
