//! What the protocol and its library say of failures, as kinds that a person and a retry can decide by.

use std::io;

use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{Status, StatusCode};

use super::super::{DestinationError, ErrorKind};
use crate::model::harmless;

/// A request that failed. `what`: what was asked.
pub(super) fn of_request(what: &str, error: SftpError) -> DestinationError {
    match error {
        SftpError::Status(status) => of_status(what, &status),
        SftpError::Timeout => {
            DestinationError::new(ErrorKind::Timeout, format!("{what}: no answer"))
        }
        // The library has one error for a session that ended and for an answer that makes no sense; it ends the session after the latter.
        SftpError::IO(why) | SftpError::UnexpectedBehavior(why) => {
            let detail = format!("{what}: the connection broke off ({why})");
            DestinationError::new(ErrorKind::Unreachable, detail)
        }
        other => DestinationError::new(ErrorKind::Protocol, format!("{what}: {other}")),
    }
}

fn of_status(what: &str, status: &Status) -> DestinationError {
    let kind = match status.status_code {
        StatusCode::NoSuchFile => ErrorKind::Missing,
        StatusCode::PermissionDenied => ErrorKind::Forbidden,
        StatusCode::Eof => ErrorKind::Truncated,
        StatusCode::NoConnection | StatusCode::ConnectionLost => ErrorKind::Unreachable,
        StatusCode::Ok
        | StatusCode::Failure
        | StatusCode::BadMessage
        | StatusCode::OpUnsupported => ErrorKind::Protocol,
    };
    let told = printable(&status.error_message);
    let code = status.status_code.to_string();
    let said = if told.is_empty() || told.eq_ignore_ascii_case(&code) {
        format!("\u{201c}{code}\u{201d}")
    } else {
        format!("\u{201c}{code}: {told}\u{201d}")
    };
    DestinationError::new(kind, format!("{what}: the server says {said}"))
}

/// A failure below SFTP.
pub(super) fn of_ssh(error: &russh::Error) -> DestinationError {
    use russh::Error as E;
    let kind = match error {
        E::IO(cause) if cause.kind() == io::ErrorKind::TimedOut => ErrorKind::Timeout,
        E::ConnectionTimeout | E::KeepaliveTimeout | E::InactivityTimeout | E::Elapsed(_) => {
            ErrorKind::Timeout
        }
        E::IO(_) | E::HUP | E::Disconnect | E::SendError | E::RecvError | E::Join(_) => {
            ErrorKind::Unreachable
        }
        // Its key is not the one that signed.
        E::WrongServerSig | E::UnknownKey => ErrorKind::Trust,
        _ => ErrorKind::Protocol,
    };
    DestinationError::new(kind, printable(&error.to_string()))
}

/// What the library ends a connection with.
impl From<russh::Error> for DestinationError {
    fn from(error: russh::Error) -> Self {
        of_ssh(&error)
    }
}

const MOST: usize = 200;

/// What a server says, fit for a message.
pub(super) fn printable(text: &str) -> String {
    let shown: String = text.trim().chars().take(MOST).collect();
    harmless(&shown).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_paint_the_terminal_or_turn_it() {
        let told = printable(" \u{1b}[31mred\u{202e} \n");
        assert_eq!(told, "\u{fffd}[31mred\u{fffd}");
        assert_eq!(printable(&"ä".repeat(300)).chars().count(), MOST);
    }
}
