//! The program: a verb is the command line; no verb is the window where there is one.

use std::process::ExitCode;

use holdfast::cli::{self, Start};

fn main() -> ExitCode {
    match cli::start(std::env::args_os()) {
        Start::Ended(code) => code,
        #[cfg(feature = "desktop")]
        Start::Window => holdfast::shell::run(),
    }
}
