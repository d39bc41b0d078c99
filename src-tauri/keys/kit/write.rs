//! The kit as text: ASCII, LF.

use std::fmt::Write as _;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{Kit, VERSION, key};

const FOR_PEOPLE: &str = "\
#
#  Whoever has this file can read every backup made with it: keep it away from
#  the backups and from this machine. Without it, and without the keyring of
#  this machine, sealed backups cannot be read by anybody.
#
#  With Holdfast, on a new machine:
#    holdfast key import THIS-FILE
#
#  By hand, with stock tools (age, tar, minisign), in an empty folder:
#    age -d -i THIS-FILE backup-NAME.tar.gz.age | tar xz
#    age -d -i THIS-FILE backup-NAME.tar.zst.age | tar x --zstd
";

/// The text, with the commands to restore by hand.
#[must_use]
pub fn write(kit: &Kit) -> SecretString {
    let head = head(kit);
    let tail = line(key::END, "");
    let identities: Vec<SecretString> = kit
        .identities
        .iter()
        .map(age::x25519::Identity::to_string)
        .collect();
    let secret_bytes: usize = identities
        .iter()
        .map(|identity| identity.expose_secret().len() + 1)
        .sum();
    // Built at its full size, so that no shorter copy of it is left behind.
    let mut text = String::with_capacity(head.len() + secret_bytes + tail.len());
    text.push_str(&head);
    for identity in &identities {
        text.push_str(identity.expose_secret());
        text.push('\n');
    }
    text.push_str(&tail);
    SecretString::from(text)
}

fn head(kit: &Kit) -> String {
    let verification_key = printable(&kit.verification_key);
    let mut head = line(key::KIT, VERSION);
    head += &line(key::CREATED, &kit.created_at.to_string());
    head += FOR_PEOPLE;
    // Writing to a String cannot fail.
    let _ = write!(
        head,
        "#  Who made it, after unpacking:\n\
         #    minisign -V -P {verification_key} -m manifest.json\n#\n",
    );
    head += &line(key::RECIPIENT, &printable(&kit.recipient));
    head += &line(key::VERIFICATION_KEY, &verification_key);
    for instance in &kit.instances {
        head += &line(key::INSTANCE, &json(instance));
    }
    for destination in &kit.destinations {
        head += &line(key::DESTINATION, &json(destination));
    }
    head
}

fn line(key: &str, value: &str) -> String {
    format!("# {key}: {value}").trim_end().to_owned() + "\n"
}

/// A key that holds a line break would write lines of its own.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

/// One line of ASCII: JSON escapes line breaks itself, and what is not ASCII only stands in its strings.
fn json<T: Serialize>(value: &T) -> String {
    // Maps with text keys, texts and numbers: none of it can fail.
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}
