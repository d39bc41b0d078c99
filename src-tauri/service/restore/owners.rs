//! Whose a restored file becomes: by name where this machine knows it, else by number; and whether this process may give it away.

use rustix::process::{getegid, geteuid, getgroups};
use uzers::{Groups, Users, UsersCache};

use crate::model::manifest::ContentEntry;

/// The users and groups of this machine, and what this process may do about them.
pub struct Owners {
    cache: UsersCache,
    uid: u32,
    gids: Vec<u32>,
}

impl Default for Owners {
    fn default() -> Self {
        let mut gids = vec![getegid().as_raw()];
        gids.extend(getgroups().unwrap_or_default().iter().map(|g| g.as_raw()));
        Self {
            cache: UsersCache::new(),
            uid: geteuid().as_raw(),
            gids,
        }
    }
}

impl Owners {
    /// The numbers that can really be set: this process's own where it may not give files away.
    #[must_use]
    pub fn here(&self, entry: &ContentEntry) -> (u32, u32) {
        let (uid, gid) = self.wanted(entry);
        if self.uid == 0 {
            return (uid, gid);
        }
        let gid = if self.gids.contains(&gid) {
            gid
        } else {
            self.gids[0]
        };
        (self.uid, gid)
    }

    /// Whether owner and group of the entry can be set by this process.
    #[must_use]
    pub fn can_set(&self, entry: &ContentEntry) -> bool {
        self.here(entry) == self.wanted(entry)
    }

    fn wanted(&self, entry: &ContentEntry) -> (u32, u32) {
        let by_name = self.cache.get_user_by_name(&entry.user).map(|u| u.uid());
        let uid = by_name.or_else(|| u32::try_from(entry.uid).ok());
        let by_name = self.cache.get_group_by_name(&entry.group).map(|g| g.gid());
        let gid = by_name.or_else(|| u32::try_from(entry.gid).ok());
        (uid.unwrap_or(self.uid), gid.unwrap_or(self.gids[0]))
    }
}
