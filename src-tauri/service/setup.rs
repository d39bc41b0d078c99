//! What is made once (keys, ids) and what the user sets for the installation as a whole.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::keys::{self, Backend, KeyError, PublicKeys};
use crate::model::web_address;
use crate::service::error::at;
use crate::service::{BackupService, Error, Result};

/// Its name, what it accepts, and that in words.
type Setting = (&'static str, fn(&str) -> bool, &'static str);

/// Keys of `settings set`, each with what it takes.
const SETTINGS: [Setting; 6] = [
    ("autostart", is_switch, "yes or no"),
    (
        "notify",
        is_notify,
        "yes (problems), all (good news too) or no",
    ),
    ("alarm_days", is_days, "a number of days from 1 to 3650"),
    ("language", is_language, "en, de or system"),
    ("theme", is_theme, "light, dark or system"),
    ("work_dir", is_absolute, "the absolute path of a folder"),
];

/// Addresses with tokens in them: in the keyring, with a mark in the store that there is one.
const SECRET_SETTINGS: [&str; 2] = ["webhook_url", "ping_url"];

/// What the mark says.
const IS_SET: &str = "set";

/// What the user wants to be told, and where.
pub(crate) struct AlertSettings {
    /// `yes`, `no` or `all`; None: as if `yes`.
    pub notify: Option<String>,
    pub language: Option<String>,
    /// Each by itself: a keyring that is locked keeps back an address, and no wish.
    pub webhook_url: Result<Option<SecretString>>,
    pub ping_url: Result<Option<SecretString>>,
}

impl BackupService {
    /// Keys and store; done already is success. New keys are made only where the settings remember none.
    pub fn init(&self) -> Result<PublicKeys> {
        if let Some(keys) = self.public_keys()? {
            // Proves that the place of secrets still holds them: a second `init` that says all is well must not lie.
            keys::identity(&*self.secrets, &keys)?;
            return Ok(keys);
        }
        let made = keys::create(&*self.secrets)?;
        if self.backend == Backend::File {
            self.store.set_setting("keys.backend", Some("file"))?;
        }
        let text = serde_json::to_string(&made).map_err(|e| Error::State(e.to_string()))?;
        let kept = self.store.setting_or_insert("keys.public", &text)?;
        self.add_recipient_row(&made.recipient, "this installation")?;
        parse_keys(&kept)
    }

    /// None before `init`.
    pub fn public_keys(&self) -> Result<Option<PublicKeys>> {
        self.store
            .setting("keys.public")?
            .map(|text| parse_keys(&text))
            .transpose()
    }

    pub(crate) fn require_keys(&self) -> Result<PublicKeys> {
        self.public_keys()?.ok_or(Error::NotInitialised)
    }

    /// Every identity at hand: this installation's own first.
    pub(crate) fn identities(&self) -> Result<Vec<age::x25519::Identity>> {
        let own = keys::identity(&*self.secrets, &self.require_keys()?)?;
        let mut all = vec![own];
        all.extend(keys::imported_identities(&*self.secrets)?);
        Ok(all)
    }

    pub fn settings(&self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for (key, _, _) in SETTINGS {
            if let Some(value) = self.user_setting(key)? {
                found.insert(key.to_owned(), value);
            }
        }
        for key in SECRET_SETTINGS {
            if let Some(mark) = self.user_setting(key)? {
                found.insert(key.to_owned(), mark);
            }
        }
        Ok(found)
    }

    pub(crate) fn alert_settings(&self) -> Result<AlertSettings> {
        let secret = |key: &str| {
            if self.user_setting(key)?.is_none() {
                return Ok(None);
            }
            let name = secret_name(key);
            let found = self.secrets.get(&name)?;
            found.ok_or(KeyError::Missing(name).into()).map(Some)
        };
        Ok(AlertSettings {
            notify: self.user_setting("notify")?,
            language: self.user_setting("language")?,
            webhook_url: secret("webhook_url"),
            ping_url: secret("ping_url"),
        })
    }

    /// An empty value goes back to the default. Secret ones are web addresses that carry a token; among the others they can only be
    /// forgotten. One that is not valid changes nothing.
    pub fn set_settings(
        &self,
        changes: &[(String, String)],
        secrets: &[(String, SecretString)],
    ) -> Result<()> {
        for (key, value) in changes {
            check_setting(key, value)?;
        }
        for (key, secret) in secrets {
            check_secret_setting(key, secret)?;
        }
        // The keyring first: it is what may refuse.
        let forgotten = changes.iter().map(|(key, _)| key.as_str());
        for key in forgotten.filter(|key| SECRET_SETTINGS.contains(key)) {
            self.secrets.delete(&secret_name(key))?;
        }
        for (key, secret) in secrets {
            self.secrets.set(&secret_name(key), secret)?;
        }
        let shown = changes.iter().map(|(key, value)| (key, value.as_str()));
        let marks = secrets.iter().map(|(key, _)| (key, IS_SET));
        for (key, value) in shown.chain(marks) {
            let value = (!value.is_empty()).then_some(value);
            self.store.set_setting(&format!("user.{key}"), value)?;
        }
        Ok(())
    }

    pub(crate) fn user_setting(&self, key: &str) -> Result<Option<String>> {
        Ok(self.store.setting(&format!("user.{key}"))?)
    }

    /// The secrets of a destination, by their name.
    pub(crate) fn destination_secrets(
        &self,
        id: &str,
        names: &[&str],
    ) -> Result<BTreeMap<String, SecretString>> {
        let mut found = BTreeMap::new();
        for name in names {
            if let Some(secret) = self.secrets.get(&format!("destination/{id}/{name}"))? {
                found.insert((*name).to_owned(), secret);
            }
        }
        Ok(found)
    }
}

fn parse_keys(text: &str) -> Result<PublicKeys> {
    serde_json::from_str(text)
        .map_err(|e| Error::State(format!("the remembered keys cannot be read: {e}")))
}

fn secret_name(key: &str) -> String {
    format!("alerts/{key}")
}

fn check_setting(key: &str, value: &str) -> Result<()> {
    if SECRET_SETTINGS.contains(&key) {
        if value.is_empty() {
            return Ok(());
        }
        return Err(Error::BadValue {
            what: "name of a plain setting",
            value: key.to_owned(),
            reason: format!(
                "its address carries a token; give it as --secret {key}=env:VARIABLE, or as --secret {key}=- to be asked for it"
            ),
        });
    }
    let known = SETTINGS.iter().find(|(name, _, _)| *name == key);
    let (_, valid, takes) = known.ok_or_else(|| Error::NoSuchSetting {
        what: "setting",
        name: key.to_owned(),
    })?;
    if value.is_empty() {
        return Ok(());
    }
    if !valid(value) {
        return Err(Error::BadValue {
            what: "value of this setting",
            value: format!("{key}={value}"),
            reason: format!("it takes {takes}"),
        });
    }
    if key == "work_dir" {
        // Right as a value; whether there is such a folder is another question.
        let folder = Path::new(value);
        let found = folder.metadata().map_err(|e| at(folder, e))?;
        if !found.is_dir() {
            return Err(at(folder, io::ErrorKind::NotADirectory.into()));
        }
    }
    Ok(())
}

fn check_secret_setting(key: &str, secret: &SecretString) -> Result<()> {
    if !SECRET_SETTINGS.contains(&key) {
        return Err(Error::NoSuchSetting {
            what: "secret setting",
            name: key.to_owned(),
        });
    }
    match web_address::parse(secret.expose_secret()) {
        Ok(_) => Ok(()),
        Err(fault) => Err(Error::BadValue {
            what: "web address",
            // Not itself: it may hold most of a token.
            value: format!("What was given as {key}"),
            reason: fault.to_string(),
        }),
    }
}

fn is_switch(value: &str) -> bool {
    matches!(value, "yes" | "no")
}

fn is_notify(value: &str) -> bool {
    matches!(value, "yes" | "no" | "all")
}

fn is_days(value: &str) -> bool {
    value
        .parse()
        .is_ok_and(|days: u32| (1..=3650).contains(&days))
}

fn is_language(value: &str) -> bool {
    matches!(value, "en" | "de" | "system")
}

fn is_theme(value: &str) -> bool {
    matches!(value, "light" | "dark" | "system")
}

fn is_absolute(value: &str) -> bool {
    Path::new(value).is_absolute()
}
