//! Secrets for destinations and settings: from an environment variable, from a prompt without echo, or from a line of standard input. Never from the
//! arguments, which every user of a machine can read; a secret that was typed there anyway is not repeated in any message.

use std::env;
use std::io::{self, BufRead, IsTerminal, Read};

use secrecy::SecretString;

use super::error::{Error, Result};
use super::session::Session;
use crate::model::Cancelled;

/// Longer ones are no secrets but a file that was given by mistake.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    Variable(&'a str),
    Ask,
    /// Whatever there is is to be forgotten.
    Nothing,
}

/// `K=env:VAR`, `K=-` or `K=` each, in order.
pub(super) fn read_all(
    session: &Session,
    arguments: &[String],
) -> Result<Vec<(String, SecretString)>> {
    // All are understood before the first is asked for.
    let parsed: Vec<_> = arguments.iter().map(|a| parse(a)).collect::<Result<_>>()?;
    if parsed.iter().any(|(_, source)| *source == Source::Ask) && io::stdin().is_terminal() {
        // The prompt turns echo off, so it must live long enough to turn it on again.
        session.watch_signals()?;
    }
    parsed
        .into_iter()
        .map(|(key, source)| Ok((key.to_owned(), read(key, &source)?)))
        .collect()
}

fn parse(argument: &str) -> Result<(&str, Source<'_>)> {
    let Some((key, source)) = argument.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err(bad("?", "it has no KEY= in front"));
    };
    match source.strip_prefix("env:") {
        Some(name) if !name.is_empty() => Ok((key, Source::Variable(name))),
        None if source == "-" => Ok((key, Source::Ask)),
        None if source.is_empty() => Ok((key, Source::Nothing)),
        _ => Err(bad(key, "it is neither env:VARIABLE nor -")),
    }
}

fn read(key: &str, source: &Source<'_>) -> Result<SecretString> {
    let secret = match source {
        Source::Nothing => return Ok(SecretString::default()),
        Source::Variable(name) => env::var(name).map_err(|error| match error {
            env::VarError::NotPresent => bad(key, &format!("the variable {name} is not set")),
            env::VarError::NotUnicode(_) => bad(key, &format!("the variable {name} is not text")),
        })?,
        Source::Ask if io::stdin().is_terminal() => prompt(key)?,
        Source::Ask => line(&mut io::stdin().lock()).map_err(Error::Input)?,
    };
    if secret.is_empty() {
        return Err(bad(key, "it is empty"));
    }
    Ok(SecretString::from(secret))
}

/// Of a terminal. The session must watch for signals by then: the prompt turns echo off, and on again at its end.
pub(super) fn ask(what: &str) -> Result<SecretString> {
    let secret = prompt(what)?;
    if secret.is_empty() {
        return Err(bad(what, "it is empty"));
    }
    Ok(SecretString::from(secret))
}

fn prompt(what: &str) -> Result<String> {
    rpassword::prompt_password(format!("{what}: ")).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Cancelled.into(),
        _ => Error::Input(error),
    })
}

/// One line without its end; the next secret may be on the next.
fn line(input: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    input.take(LONGEST).read_line(&mut text)?;
    if text.len() as u64 == LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the line is too long for a secret",
        ));
    }
    let length = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(length);
    Ok(text)
}

fn bad(key: &str, reason: &str) -> Error {
    Error::Secret {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_typed_as_plain_text_is_refused_and_not_repeated() {
        for argument in ["password=hunter2", "hunter2", "=hunter2", "password=env:"] {
            let problem = parse(argument).unwrap_err().problem();
            assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        }
    }

    #[test]
    fn several_secrets_come_from_several_lines() {
        let mut input = io::Cursor::new("first = 1\r\nsecond\n");
        assert_eq!(line(&mut input).unwrap(), "first = 1");
        assert_eq!(line(&mut input).unwrap(), "second");
        assert_eq!(line(&mut input).unwrap(), "");
    }

    #[test]
    fn a_file_given_by_mistake_is_no_secret() {
        let mut input = io::Cursor::new(vec![b'x'; 1 << 20]);
        assert!(line(&mut input).is_err());
    }
}
