//! Who can open the archives of this installation (recipients), and whose archives it trusts (signers).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::service::report::RecipientRow;
use crate::service::{BackupService, Error, Result};
use crate::store::Signer;

#[derive(Clone, Serialize, Deserialize)]
struct Recipient {
    recipient: String,
    name: String,
}

impl BackupService {
    pub fn recipients(&self) -> Result<Vec<RecipientRow>> {
        let own = self.public_keys()?.map(|k| k.recipient);
        let row = |r: Recipient| RecipientRow {
            own: own.as_ref() == Some(&r.recipient),
            recipient: r.recipient,
            name: r.name,
        };
        Ok(self.recipient_list()?.into_iter().map(row).collect())
    }

    pub fn add_recipient(&self, recipient: &str, name: &str) -> Result<()> {
        age_recipient(recipient)?;
        if self
            .recipient_list()?
            .iter()
            .any(|r| r.recipient == recipient)
        {
            return Err(Error::Taken {
                what: "recipient",
                name: recipient.to_owned(),
            });
        }
        self.add_recipient_row(recipient, name)
    }

    /// One stays at least: an archive that nobody can open is no backup.
    pub fn remove_recipient(&self, recipient: &str) -> Result<()> {
        let mut list = self.recipient_list()?;
        let before = list.len();
        list.retain(|r| r.recipient != recipient);
        if list.len() == before {
            return Err(Error::Unknown {
                what: "recipient",
                name: recipient.to_owned(),
            });
        }
        if list.is_empty() {
            return Err(Error::LastRecipient);
        }
        self.keep_recipients(&list)
    }

    pub(crate) fn add_recipient_row(&self, recipient: &str, name: &str) -> Result<()> {
        let mut list = self.recipient_list()?;
        if !list.iter().any(|r| r.recipient == recipient) {
            list.push(Recipient {
                recipient: recipient.to_owned(),
                name: name.to_owned(),
            });
        }
        self.keep_recipients(&list)
    }

    /// For sealing.
    pub(crate) fn age_recipients(&self) -> Result<Vec<age::x25519::Recipient>> {
        self.recipient_list()?
            .iter()
            .map(|r| age_recipient(&r.recipient))
            .collect()
    }

    pub fn signers(&self) -> Result<Vec<Signer>> {
        Ok(self.store.signers()?)
    }

    pub fn add_signer(&self, verification_key: &str, name: &str) -> Result<Signer> {
        let key =
            minisign::PublicKey::from_base64(verification_key).map_err(|e| Error::BadValue {
                what: "minisign public key",
                value: verification_key.to_owned(),
                reason: e.to_string(),
            })?;
        let signer = Signer {
            key_id: crate::archive::key_id(&key),
            verification_key: verification_key.to_owned(),
            name: name.to_owned(),
        };
        if self
            .store
            .signers()?
            .iter()
            .any(|s| s.key_id == signer.key_id)
        {
            return Err(Error::Taken {
                what: "signer",
                name: signer.key_id,
            });
        }
        self.store.add_signer(&signer)?;
        Ok(signer)
    }

    pub fn remove_signer(&self, key_id: &str) -> Result<()> {
        let signers = self.store.signers()?;
        let signer = signers
            .iter()
            .find(|s| s.key_id.eq_ignore_ascii_case(key_id));
        let signer = signer.ok_or_else(|| Error::Unknown {
            what: "signer",
            name: key_id.to_owned(),
        })?;
        Ok(self.store.remove_signer(&signer.key_id)?)
    }

    fn recipient_list(&self) -> Result<Vec<Recipient>> {
        let Some(text) = self.store.setting("recipients")? else {
            return Ok(Vec::new());
        };
        serde_json::from_str(&text)
            .map_err(|e| Error::State(format!("the list of recipients cannot be read: {e}")))
    }

    fn keep_recipients(&self, list: &[Recipient]) -> Result<()> {
        let text = serde_json::to_string(list).map_err(|e| Error::State(e.to_string()))?;
        Ok(self.store.set_setting("recipients", Some(&text))?)
    }
}

fn age_recipient(text: &str) -> Result<age::x25519::Recipient> {
    age::x25519::Recipient::from_str(text).map_err(|reason| Error::BadValue {
        what: "age recipient",
        value: text.to_owned(),
        reason: reason.to_owned(),
    })
}
