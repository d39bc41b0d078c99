//! What is made once (keys, ids) and what the user sets for the installation as a whole.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::keys::{self, Backend, PublicKeys};
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
pub struct AlertSettings {
    /// `yes`, `no` or `all`; None: as if `yes`.
    pub notify: Option<String>,
    pub language: Option<String>,
    pub webhook_url: Option<SecretString>,
    pub ping_url: Option<SecretString>,
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

    /// Web addresses that carry a token.
    pub fn set_secret_settings(&self, changes: &[(String, SecretString)]) -> Result<()> {
        for (key, secret) in changes {
            if !SECRET_SETTINGS.contains(&key.as_str()) {
                return Err(Error::NoSuchSetting {
                    what: "secret setting",
                    name: key.clone(),
                });
            }
            if let Err(fault) = web_address::parse(secret.expose_secret()) {
                return Err(Error::BadValue {
                    what: "address of the web",
                    // Not itself: it may hold most of a token.
                    value: key.clone(),
                    reason: fault.to_string(),
                });
            }
        }
        for (key, secret) in changes {
            self.secrets.set(&format!("alerts/{key}"), secret)?;
            let mark = format!("user.{key}");
            self.store.set_setting(&mark, Some(IS_SET))?;
        }
        Ok(())
    }

    pub(crate) fn alert_settings(&self) -> Result<AlertSettings> {
        let secret = |key: &str| match self.user_setting(key)? {
            Some(_) => Ok(self.secrets.get(&format!("alerts/{key}"))?),
            None => Ok::<_, Error>(None),
        };
        Ok(AlertSettings {
            notify: self.user_setting("notify")?,
            language: self.user_setting("language")?,
            webhook_url: secret("webhook_url")?,
            ping_url: secret("ping_url")?,
        })
    }

    /// All or nothing; an empty value goes back to the default. A secret one can only be forgotten here.
    pub fn set_settings(&self, changes: &[(String, String)]) -> Result<()> {
        for (key, value) in changes {
            if SECRET_SETTINGS.contains(&key.as_str()) {
                if value.is_empty() {
                    continue;
                }
                return Err(Error::BadValue {
                    what: "value of a setting that is shown",
                    value: key.clone(),
                    reason: "it carries a token, and is given as a secret".to_owned(),
                });
            }
            let known = SETTINGS.iter().find(|(name, _, _)| name == key);
            let (_, valid, takes) = known.ok_or_else(|| Error::NoSuchSetting {
                what: "setting",
                name: key.clone(),
            })?;
            if value.is_empty() {
                continue;
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
        }
        for (key, value) in changes {
            if SECRET_SETTINGS.contains(&key.as_str()) {
                self.secrets.delete(&format!("alerts/{key}"))?;
            }
            let value = (!value.is_empty()).then_some(value.as_str());
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
