//! What a server answers, and what kind of failure it means. It sends nothing.

use crate::destination::{DestinationError, ErrorKind};
use crate::model::harmless;

type Result<T> = std::result::Result<T, DestinationError>;

/// What is shown of an answer.
const SHOWN: usize = 200;

/// What servers call a disk that is full. The last is all that vsftpd says of it.
const FULL: &[&str] = &[
    "no space",
    "not enough space",
    "out of space",
    "quota",
    "disk full",
    "enospc",
    "451 failure writing to local file",
];

/// A code of three digits and what the server says to it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub code: u16,
    /// All lines, as they came.
    pub lines: Vec<String>,
}

impl Reply {
    /// The code is the last line's: some servers begin with another.
    pub fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let last = lines.iter().rev().find(|line| !line.trim().is_empty());
        let code = last.and_then(|line| line.get(..3)?.parse().ok());
        Self {
            code: code.unwrap_or(0),
            lines,
        }
    }

    /// As it came, but for this: some servers repeat what they do not like.
    pub fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            for line in &mut self.lines {
                *line = line.replace(secret, "…");
            }
        }
        self
    }

    pub fn is(&self, codes: &[u16]) -> bool {
        codes.contains(&self.code)
    }

    /// What it says, for people: its last line, made harmless.
    pub fn told(&self) -> String {
        let last = self.lines.iter().rev().find(|line| !line.trim().is_empty());
        let line = last.map_or("an empty answer", |line| line.trim());
        let shown: String = line.chars().take(SHOWN).collect();
        harmless(&shown).into_owned()
    }

    /// Itself where it is one of the codes; else what it means that it is not.
    pub fn expect(self, codes: &[u16], what: &str) -> Result<Self> {
        if self.is(codes) {
            Ok(self)
        } else {
            Err(self.refusal(what))
        }
    }

    /// `what`: what was asked.
    pub fn refusal(&self, what: &str) -> DestinationError {
        DestinationError::new(self.kind(), format!("{what}: {}", self.told()))
    }

    /// Of an upload: whether it is space that is missing only words tell, whatever the code.
    pub fn refusal_to_store(&self, what: &str) -> DestinationError {
        let full = self.code >= 400 && self.says(FULL);
        DestinationError {
            kind: if full { ErrorKind::Space } else { self.kind() },
            ..self.refusal(what)
        }
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            421 if self.says(&["too many", "maximum", "limit", "connections"]) => {
                ErrorKind::Throttled
            }
            // 522, in the middle of things: a data connection that did not resume the session. A new session's does.
            421 | 425 | 434 | 522 => ErrorKind::Unreachable,
            426 | 451 => ErrorKind::Truncated,
            331 | 332 | 430 | 530 => ErrorKind::Authentication,
            450 => ErrorKind::Throttled,
            452 | 552 => ErrorKind::Space,
            521 | 532 | 550 | 553 => ErrorKind::Forbidden,
            _ => ErrorKind::Protocol,
        }
    }

    /// Any of these, in lower case.
    pub fn says(&self, words: &[&str]) -> bool {
        let told = self.told().to_lowercase();
        words.iter().any(|word| told.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_what_failed() {
        for (line, kind) in [
            (
                "421 There are too many connections from your internet address.",
                ErrorKind::Throttled,
            ),
            ("421 Timeout.", ErrorKind::Unreachable),
            (
                "425 Failed to establish connection.",
                ErrorKind::Unreachable,
            ),
            ("426 Failure writing network stream.", ErrorKind::Truncated),
            ("452 Out of space", ErrorKind::Space),
            (
                "522 SSL connection failed: session reuse required",
                ErrorKind::Unreachable,
            ),
            ("530 Login incorrect.", ErrorKind::Authentication),
            ("550 Permission denied.", ErrorKind::Forbidden),
            ("552 Quota exceeded.", ErrorKind::Space),
            ("553 Could not create file.", ErrorKind::Forbidden),
            ("500 What?", ErrorKind::Protocol),
            ("no code", ErrorKind::Protocol),
        ] {
            let reply = Reply::parse(format!("{line}\r\n").as_bytes());
            assert_eq!(reply.refusal("x").kind, kind, "{line}");
        }
    }

    #[test]
    fn a_full_disk_is_told_from_other_local_errors() {
        for (line, kind) in [
            ("451 Failure writing to local file.", ErrorKind::Space),
            (
                "451 a: Append/Restart not permitted, try again",
                ErrorKind::Truncated,
            ),
            ("451 Local error in processing.", ErrorKind::Truncated),
            (
                "426 No space left on device; transfer aborted.",
                ErrorKind::Space,
            ),
            (
                "426 Connection closed; transfer aborted.",
                ErrorKind::Truncated,
            ),
            ("550 Permission denied.", ErrorKind::Forbidden),
        ] {
            let reply = Reply::parse(line.as_bytes());
            assert_eq!(reply.refusal_to_store("x").kind, kind, "{line}");
        }
    }

    #[test]
    fn what_a_server_says_cannot_paint_the_terminal() {
        let said = "230-Hello\r\n230 \u{1b}[31mred\u{202e}\r\n\r\n";
        let reply = Reply::parse(said.as_bytes());
        let told = "230 \u{fffd}[31mred\u{fffd}";
        assert_eq!((reply.code, reply.told().as_str()), (230, told));
        let long = Reply::parse("550 ä".repeat(200).as_bytes());
        assert_eq!(long.told().chars().count(), SHOWN);
    }
}
