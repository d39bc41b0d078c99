//! Takes secrets out of a configuration, by the names of settings and by the looks of values. It would rather redact too much: the
//! export is for reading, and it may lie in an archive that is not encrypted.

use serde_json::Value;

pub(crate) const REDACTED: &str = "[redacted]";

pub(crate) fn redact(value: &mut Value) {
    walk(value, Named::Plain);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Plain,
    /// By its own name, or by that of something around it.
    Secret,
}

fn walk(value: &mut Value, named: Named) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let secret = named == Named::Secret
                    || is_secret_name(key)
                    || (inner.is_string() && is_secret_leaf(key));
                walk(inner, if secret { Named::Secret } else { Named::Plain });
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| walk(inner, named)),
        Value::String(text) => {
            if let Some(redacted) = redact_text(text, named) {
                *text = redacted;
            }
        }
        Value::Number(_) if named == Named::Secret => *value = Value::String(REDACTED.to_owned()),
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// None: as it is.
fn redact_text(text: &str, named: Named) -> Option<String> {
    if named == Named::Secret {
        return (!says_nothing(text)).then(|| REDACTED.to_owned());
    }
    // A setting may hold JSON, headers for instance.
    if text.trim_start().starts_with(['{', '['])
        && let Ok(mut inner) = serde_json::from_str::<Value>(text)
    {
        let before = inner.clone();
        redact(&mut inner);
        return (inner != before).then(|| inner.to_string());
    }
    if looks_secret(text) {
        return Some(REDACTED.to_owned());
    }
    without_user_info(text)
}

/// Values that tell no secret even where the name promises one: the setting is a switch, or empty.
fn says_nothing(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "none", "null"];
    text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Parts of names that mean a secret wherever they stand.
const PARTS: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "connectionstring",
    "authorization",
    "cookie",
    "bearer",
    "signature",
    "keytab",
];

/// Words of names that mean a secret only on their own: `monkey` and `hashtable` are none.
const WORDS: [&str; 18] = [
    "pass",
    "pwd",
    "pw",
    "pin",
    "psk",
    "otp",
    "key",
    "keys",
    "hash",
    "hashes",
    "salt",
    "salts",
    "dsn",
    "sas",
    "community",
    "communities",
    "jwt",
    "seed",
];

pub(crate) fn is_secret_name(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let letters = letters.to_lowercase();
    if PARTS.iter().any(|part| letters.contains(part)) {
        return true;
    }
    words(name).iter().any(|word| {
        // `sshkey`, `accesskey`, `keyfile`: run together, as people write them.
        WORDS.contains(&word.as_str())
            || word.ends_with("key")
            || word.starts_with("key") && word != "keyboard"
    })
}

/// `auth` is a section of settings in many files, and a password in a few: only a text of that name is one.
fn is_secret_leaf(name: &str) -> bool {
    name.trim_matches('_').eq_ignore_ascii_case("auth")
}

/// Split at what is no letter or digit, and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_small) {
            words.push(String::new());
        }
        after_small = c.is_lowercase();
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

fn looks_secret(text: &str) -> bool {
    // Certificates and public keys are no secrets; everything else in this armour may be.
    let armour = text.match_indices("-----BEGIN ").any(|(at, begin)| {
        let rest = &text[at + begin.len()..];
        ![
            "CERTIFICATE-----",
            "CERTIFICATE REQUEST",
            "X509 CRL",
            "PUBLIC KEY",
            "RSA PUBLIC KEY",
        ]
        .iter()
        .any(|harmless| rest.starts_with(harmless))
    });
    let trimmed = text.trim_start();
    let scheme = ["Bearer ", "Basic ", "Digest "];
    let marks = ["AGE-SECRET-KEY-", "AGE-PLUGIN-", "SharedAccessSignature"];
    armour
        || scheme.iter().any(|word| trimmed.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word)))
        || marks.iter().any(|mark| text.contains(mark))
        // $2b$12$…, $argon2id$…, $6$…: hashes of passwords.
        || (trimmed.starts_with('$') && trimmed.matches('$').count() >= 3)
        // Who knows the address of a web hook may post to it.
        || (text.contains("://") && text.to_lowercase().contains("hook"))
        || holds_secret_pair(text)
}

/// `AccountKey=…;`, `?token=…&`, `password=… host=…`: a pair with a secret name inside a value.
fn holds_secret_pair(text: &str) -> bool {
    let end = |c: char| matches!(c, ';' | '&' | '?' | ',' | '#') || c.is_whitespace();
    text.split(end).any(|pair| {
        let name = pair
            .split_once('=')
            .map(|(name, value)| (name.trim_matches(['"', '\'', '{', '[', '-']), value));
        name.is_some_and(|(name, value)| {
            !value.is_empty()
                && name.len() <= 40
                && (is_secret_name(name) || name.eq_ignore_ascii_case("sig"))
        })
    })
}

/// `scheme://user:password@host` → `scheme://[redacted]@host`, as often as it comes.
fn without_user_info(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| {
                matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>') || c.is_whitespace()
            })
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        if let Some((_, host)) = authority.rsplit_once('@') {
            out.push_str(REDACTED);
            out.push('@');
            out.push_str(host);
            changed = true;
        } else {
            out.push_str(authority);
        }
        rest = tail;
    }
    out.push_str(rest);
    changed.then_some(out)
}
