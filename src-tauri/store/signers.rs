//! `signers`: verification keys of others that somebody here trusts. Whether a text is a key is checked before it gets here.

use rusqlite::named_params;
use serde::{Deserialize, Serialize};

use super::error::or_taken;
use super::{Result, Store};

pub(super) const TABLE: &str = "
    CREATE TABLE signers (
        key_id TEXT PRIMARY KEY NOT NULL,
        verification_key TEXT NOT NULL,
        name TEXT NOT NULL
    )";

/// A verification key somebody trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Signer {
    /// Minisign's 16 hex digits.
    pub key_id: String,
    pub verification_key: String,
    pub name: String,
}

impl Store {
    /// By name, then key id.
    pub fn signers(&self) -> Result<Vec<Signer>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT key_id, verification_key, name FROM signers ORDER BY name, key_id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Signer {
                key_id: row.get(0)?,
                verification_key: row.get(1)?,
                name: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// `Taken` where the key id is: another key under a known id is never put in its place.
    pub fn add_signer(&self, signer: &Signer) -> Result<()> {
        self.connection()
            .execute(
                "INSERT INTO signers (key_id, verification_key, name) VALUES (:id, :key, :name)",
                named_params! {
                    ":id": signer.key_id,
                    ":key": signer.verification_key,
                    ":name": signer.name,
                },
            )
            .map_err(|e| or_taken(e, &signer.key_id))?;
        Ok(())
    }

    /// Missing is success.
    pub fn remove_signer(&self, key_id: &str) -> Result<()> {
        self.connection()
            .execute("DELETE FROM signers WHERE key_id = ?1", [key_id])?;
        Ok(())
    }
}
