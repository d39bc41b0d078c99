//! The command line's own failures beside the service's. Words for the service's are made there.

use std::io;

use crate::autostart::AutostartError;
use crate::environment::EnvironmentError;
use crate::model::{Cancelled, Problem};
use crate::service;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("the start with the session cannot be changed")]
    Autostart(#[from] AutostartError),
    #[error("standard output cannot be written")]
    Output(#[source] io::Error),
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
    #[error("signals cannot be watched")]
    Signals(#[source] io::Error),
    #[error("the clock cannot be watched")]
    Clock(#[source] io::Error),
    /// `reason` never holds the value.
    #[error("the secret `{key}` cannot be taken: {reason}")]
    Secret { key: String, reason: String },
    /// Something around the demonstration itself, not what it shows.
    #[error("the demonstration could not go on: {step}")]
    Demo {
        step: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Service(cancelled.into())
    }
}

impl Error {
    pub fn problem(&self) -> Problem {
        let (code, message, hint) = match self {
            Self::Service(error) => return error.problem(),
            Self::Environment(EnvironmentError::Keyring(_)) => (
                "usage",
                self.to_string(),
                "Correct the variable, or remove it, and try again.",
            ),
            Self::Environment(error @ EnvironmentError::NoHome) => (
                "no_data_folder",
                sentence("The data folder is not known", error),
                "Give --data-dir DIR, or set HOME.",
            ),
            Self::Autostart(cause) => (
                "autostart",
                sentence(
                    "The start with the desktop session could not be changed",
                    cause,
                ),
                "The setting is kept; correct this and set it once more.",
            ),
            Self::Output(cause) => (
                "output",
                sentence("The answer could not be written to standard output", cause),
                "What was asked for is done all the same; look at `holdfast history`.",
            ),
            Self::Input(cause) => (
                "input",
                sentence("Standard input could not be read", cause),
                "Give the secret by an environment variable: --secret KEY=env:VARIABLE.",
            ),
            Self::Signals(cause) => (
                "signals",
                sentence("The system does not let Holdfast watch for Ctrl-C", cause),
                "Try again; nothing was changed.",
            ),
            Self::Clock(cause) => (
                "clock",
                sentence("The system does not let Holdfast watch the clock", cause),
                "No schedule runs. See how many processes and threads this user may have, and start it again.",
            ),
            Self::Secret { key, reason } => (
                "bad_secret",
                format!("The secret {key} cannot be taken: {reason}"),
                "Give it as KEY=env:VARIABLE, or as KEY=- to be asked for it; never as plain text, which other users can see.",
            ),
            Self::Demo { step, cause } => (
                "demo",
                sentence(
                    &format!("The demonstration could not go on ({step})"),
                    cause.as_ref(),
                ),
                "Nothing of yours was touched: the demonstration has a folder of its own. Keep it with --keep and look inside.",
            ),
        };
        Problem {
            code: code.to_owned(),
            message,
            hint: hint.to_owned(),
        }
    }

    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Service(error) => error.exit_status(),
            Self::Secret { .. } | Self::Environment(EnvironmentError::Keyring(_)) => 2,
            _ => 1,
        }
    }
}

/// A wrong command line, as the parser saw it.
pub(super) fn usage(error: &clap::Error) -> Problem {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<_> = lines.take_while(|l| !l.starts_with("Usage:")).collect();
    let message = said.join(" ");
    Problem {
        code: "usage".to_owned(),
        message: message.trim_start_matches("error: ").to_owned(),
        hint: "Run the same with --help.".to_owned(),
    }
}

/// The fact and the whole chain of its causes as one sentence.
fn sentence(fact: &str, cause: &dyn std::error::Error) -> String {
    let mut text = fact.to_owned();
    let mut next = Some(cause);
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_sentence_and_a_way_on() {
        let disk = || io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
        let all = [
            Error::Environment(EnvironmentError::NoHome),
            Error::Environment(EnvironmentError::Keyring("flie".into())),
            Error::Autostart(AutostartError::Io {
                path: "/home/ada/.config/autostart/holdfast.desktop".into(),
                cause: disk(),
            }),
            Error::Output(disk()),
            Error::Input(disk()),
            Error::Signals(disk()),
            Error::Clock(disk()),
            Error::Secret {
                key: "password".into(),
                reason: "the variable PW is not set".into(),
            },
            Error::Demo {
                step: "starting the writer",
                cause: Box::new(disk()),
            },
        ];
        let line = |e: &Error| {
            let p = e.problem();
            format!("{} {}: {} | {}", e.exit_status(), p.code, p.message, p.hint)
        };
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"), @r"
        1 no_data_folder: The data folder is not known: none of HOLDFAST_DATA_DIR, XDG_DATA_HOME and HOME names a folder | Give --data-dir DIR, or set HOME.
        2 usage: HOLDFAST_KEYRING is `flie`; it takes `file` (keys in the data folder) or `os` (the desktop's keyring, as without it) | Correct the variable, or remove it, and try again.
        1 autostart: The start with the desktop session could not be changed: /home/ada/.config/autostart/holdfast.desktop: no space left on device | The setting is kept; correct this and set it once more.
        1 output: The answer could not be written to standard output: no space left on device | What was asked for is done all the same; look at `holdfast history`.
        1 input: Standard input could not be read: no space left on device | Give the secret by an environment variable: --secret KEY=env:VARIABLE.
        1 signals: The system does not let Holdfast watch for Ctrl-C: no space left on device | Try again; nothing was changed.
        1 clock: The system does not let Holdfast watch the clock: no space left on device | No schedule runs. See how many processes and threads this user may have, and start it again.
        2 bad_secret: The secret password cannot be taken: the variable PW is not set | Give it as KEY=env:VARIABLE, or as KEY=- to be asked for it; never as plain text, which other users can see.
        1 demo: The demonstration could not go on (starting the writer): no space left on device | Nothing of yours was touched: the demonstration has a folder of its own. Keep it with --keep and look inside.
        ");
    }
}
