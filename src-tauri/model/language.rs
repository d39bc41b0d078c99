//! The languages in which the program itself speaks to people beside the page: tray and notifications.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

impl Language {
    /// The user's setting, else that of the environment.
    #[must_use]
    pub fn choose(setting: Option<&str>, environment: Option<&str>) -> Self {
        let chosen = setting.filter(|language| *language != "system");
        match chosen.or(environment) {
            Some(language) if language.starts_with("de") => Self::German,
            _ => Self::English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_language_wins_over_the_environments() {
        let choose = Language::choose;
        assert_eq!(choose(None, Some("de_AT.UTF-8")), Language::German);
        assert_eq!(choose(Some("system"), Some("de")), Language::German);
        assert_eq!(choose(Some("en"), Some("de")), Language::English);
        assert_eq!(choose(Some("de"), None), Language::German);
        assert_eq!(choose(None, Some("fr_FR")), Language::English);
    }
}
