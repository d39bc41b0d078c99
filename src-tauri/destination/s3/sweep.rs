//! Uploads in parts that nobody will complete: they are invisible, and cost what they hold. A store tells of an upload no more than its
//! object's name, and that is the final one: whose it is, nobody can tell. So one is swept only where an archive of this base path would lie,
//! and where nothing has arrived for a day at least, by the store's own clock: an upload that is alive is no other installation's to lose.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::S3;
use super::answers::{self, OpenUpload, Uploads};
use super::listing::time;
use super::multipart::Listing;
use super::refusal::date;
use super::store::Ask;
use crate::destination::key::is_archive;
use crate::destination::pages::turn;
use crate::destination::temporary::is_old;
use crate::destination::{Call, DestinationError};

type Result<T> = std::result::Result<T, DestinationError>;

const SHORTEST_AGE: Duration = Duration::from_hours(24);

impl S3 {
    pub(super) fn sweep_uploads(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        let age = age.max(SHORTEST_AGE);
        let mut swept = 0;
        let mut markers = (String::new(), String::new());
        turn(call, &mut |next| {
            // Names as they are: those of the markers are asked for again, and what of them is encoded otherwise no two stores agree on.
            let mut ask = Ask::new(Method::GET, "")
                .query("uploads", "")
                .query("prefix", &self.base);
            if next.is_some() {
                ask = ask
                    .query("key-marker", &markers.0)
                    .query("upload-id-marker", &markers.1);
            }
            let answer = match self.store.ask(ask, call)? {
                Ok(answer) => answer,
                // A store that does not tell of uploads has to be tidied by its own rules.
                Err(refusal) if refusal.is_unknown_there() => return Ok(None),
                Err(refusal) => return Err(refusal.into_error()),
            };
            let Some(now) = date(&answer) else {
                return Ok(None);
            };
            let page: Uploads = answers::read(&answer.body, "ListMultipartUploads")?;
            for upload in &page.open {
                call.check()?;
                swept += u32::from(self.sweep_upload(upload, now, age, call)?);
            }
            let next = page.next_key_marker.unwrap_or_default();
            markers = (next, page.next_upload_id_marker.unwrap_or_default());
            Ok(page
                .is_truncated
                .then(|| format!("{} {}", markers.0, markers.1)))
        })?;
        Ok(swept)
    }

    fn sweep_upload(
        &self,
        upload: &OpenUpload,
        now: Timestamp,
        age: Duration,
        call: &Call<'_>,
    ) -> Result<bool> {
        let is_old = |text: &str| is_old(time(text), Some(now), age);
        let key = self
            .key_of(&upload.key)
            .filter(|key| is_archive(key.file_name()));
        let Some(key) = key.filter(|_| is_old(&upload.initiated)) else {
            return Ok(false);
        };
        let at = self.at(&key);
        let mut is_alive = false;
        let listed = self.each_part(&at, &upload.upload_id, call, &mut |part| {
            is_alive |= !is_old(&part.last_modified);
        })?;
        if is_alive || !matches!(listed, Listing::Done) {
            return Ok(false);
        }
        self.abort(&at, &upload.upload_id, call)?;
        Ok(true)
    }
}
