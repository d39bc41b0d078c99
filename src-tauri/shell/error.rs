//! What can fail in the window itself. What fails in the service brings its own words.

use crate::autostart::AutostartError;
use crate::environment::EnvironmentError;
use crate::model::Problem;
use crate::service;

#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("the start with the desktop session cannot be changed: {0}")]
    Autostart(#[from] AutostartError),
    #[error("an act `{0}` is running already")]
    ActTaken(String),
    /// The cause went to standard error with the panic.
    #[error("the program failed inside")]
    Panicked,
}

impl From<ShellError> for Problem {
    fn from(error: ShellError) -> Self {
        let (code, hint) = match &error {
            ShellError::Service(error) => return error.problem(),
            ShellError::Environment(EnvironmentError::Keyring(_)) => (
                "usage",
                "correct the variable, or remove it, and start again",
            ),
            ShellError::Environment(EnvironmentError::NoHome) => (
                "no_data_folder",
                "set HOLDFAST_DATA_DIR to a folder of your own and start again",
            ),
            ShellError::Autostart(_) => (
                "autostart",
                "the setting is kept; correct this and set it once more",
            ),
            ShellError::ActTaken(_) => ("act_running", "wait until it has ended, or cancel it"),
            ShellError::Panicked => (
                "internal",
                "this is a defect in Holdfast: look at its output, and report what you did",
            ),
        };
        Self {
            code: code.to_owned(),
            message: error.to_string(),
            hint: hint.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_the_window_says_what_to_do() {
        for error in [
            ShellError::Environment(EnvironmentError::NoHome),
            ShellError::Environment(EnvironmentError::Keyring("flie".into())),
            ShellError::Autostart(AutostartError::NoHome),
            ShellError::ActTaken("a".into()),
            ShellError::Panicked,
        ] {
            let problem = Problem::from(error);
            assert!(!problem.hint.is_empty(), "{problem:?}");
            assert!(!problem.code.contains(' '), "{problem:?}");
        }
    }
}
