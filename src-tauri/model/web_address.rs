//! An address on the web that news is sent to. It carries a token: nothing here shows it.

use url::Url;

/// Absolute, http or https, with a host.
pub struct WebAddress(Url);

/// Why a text cannot be one. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("it is no absolute address")]
    Unreadable,
    #[error("it starts with neither https:// nor http://")]
    Scheme,
    #[error("it has a part after #, which would not be sent")]
    Fragment,
}

pub fn parse(text: &str) -> Result<WebAddress, BadAddress> {
    let url = Url::parse(text.trim()).map_err(|_| BadAddress::Unreadable)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadAddress::Scheme);
    }
    if !url.has_host() {
        return Err(BadAddress::Unreadable);
    }
    if url.fragment().is_some() {
        return Err(BadAddress::Fragment);
    }
    Ok(WebAddress(url))
}

impl WebAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// With a further segment of its path, and the run's id (32 hex digits) as `rid`.
    #[must_use]
    pub fn below(&self, segment: Option<&str>, run_id: Option<&str>) -> Self {
        let mut url = self.0.clone();
        if let Some(segment) = segment
            && let Ok(mut path) = url.path_segments_mut()
        {
            path.pop_if_empty().push(segment);
        }
        if let Some(run) = run_id.and_then(|id| uuid::Uuid::parse_str(id).ok()) {
            let run = run.hyphenated().to_string();
            url.query_pairs_mut().append_pair("rid", &run);
        }
        Self(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_comes_before_the_query() {
        let below = |text: &str, segment| parse(text).unwrap().below(segment, None).0.to_string();
        assert_eq!(
            below("https://hc.example/ping/1", Some("start")),
            "https://hc.example/ping/1/start"
        );
        assert_eq!(
            below("https://hc.example/ping/1/?a=b", Some("fail")),
            "https://hc.example/ping/1/fail?a=b"
        );
        assert_eq!(below("http://h/x", None), "http://h/x");
        let run = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            parse("http://h/x?a=b")
                .unwrap()
                .below(None, Some(run))
                .as_str(),
            "http://h/x?a=b&rid=01234567-89ab-cdef-0123-456789abcdef"
        );
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for (text, fault) in [
            ("", BadAddress::Unreadable),
            ("hc.example/s3cret", BadAddress::Unreadable),
            ("ftp://h/s3cret", BadAddress::Scheme),
            ("file:///s3cret", BadAddress::Scheme),
            ("https://h/#s3cret", BadAddress::Fragment),
        ] {
            let refused = parse(text).err().unwrap();
            assert_eq!(refused, fault, "{text}");
            assert!(!refused.to_string().contains("s3cret"));
        }
    }
}
