//! Arguments that several verbs share.

use clap::Args;

use crate::service::{Accept, ArchiveRef};

#[derive(Args)]
pub(super) struct ArchiveArgument {
    /// DESTINATION:NAME, an execution id, or the path of a file
    #[arg(value_name = "ARCHIVE", value_parser = archive)]
    pub archive: ArchiveRef,
}

/// What the user accepts of an archive that is not surely this installation's.
#[derive(Args)]
pub(super) struct AcceptArguments {
    /// Go on although nobody signed the archive
    #[arg(long = "accept-unsigned", conflicts_with = "signer")]
    unsigned: bool,
    /// Go on although this key, which is not known, signed the archive
    #[arg(long = "accept-signer", value_name = "KEYID")]
    signer: Option<String>,
    /// Go on although the archive is not what its name, its instance or our records claim
    #[arg(long = "accept-mismatch")]
    mismatch: bool,
}

impl From<AcceptArguments> for Accept {
    fn from(arguments: AcceptArguments) -> Self {
        Self {
            unsigned: arguments.unsigned,
            signer: arguments.signer,
            mismatch: arguments.mismatch,
        }
    }
}

pub(super) fn archive(text: &str) -> Result<ArchiveRef, String> {
    if text.is_empty() {
        return Err("an archive has a name".to_owned());
    }
    Ok(ArchiveRef(text.to_owned()))
}

/// `KEY=VALUE`; the value may be empty and may hold `=`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it has the form KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_empty_and_hold_the_sign() {
        let both = |k: &str, v: &str| Ok((k.to_owned(), v.to_owned()));
        assert_eq!(pair("exclude="), both("exclude", ""));
        assert_eq!(pair("before_hook=A=1 run"), both("before_hook", "A=1 run"));
        assert!(pair("exclude").is_err());
        assert!(pair("=x").is_err());
    }
}
