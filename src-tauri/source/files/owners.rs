//! Names of users and groups, each asked for once: the answer may come from a directory server.

use uzers::{Groups, Users, UsersCache};

pub(crate) struct Owners(UsersCache);

impl Owners {
    pub fn new() -> Self {
        Self(UsersCache::new())
    }

    /// Empty where the number has no name, or one that is not UTF-8: the number decides then.
    pub fn user(&self, uid: u32) -> String {
        let name = self.0.get_user_by_uid(uid);
        name.and_then(|u| u.name().to_str().map(str::to_owned))
            .unwrap_or_default()
    }

    pub fn group(&self, gid: u32) -> String {
        let name = self.0.get_group_by_gid(gid);
        name.and_then(|g| g.name().to_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// For people: the login name, or the number where it has none.
    pub fn user_or_number(&self, uid: u32) -> String {
        let name = self.user(uid);
        if name.is_empty() {
            uid.to_string()
        } else {
            name
        }
    }
}
