//! Where a bucket is: the endpoint, and the addresses of objects below it. It asks nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::destination::http;
use crate::destination::settings::Settings;
use crate::destination::tls::Need;
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

const DEFAULT_REGION: &str = "us-east-1";
const LONGEST_BUCKET: usize = 63;

/// All but what a signature leaves as it is (RFC 3986, "unreserved").
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) struct Address {
    pub bucket: String,
    pub region: String,
    /// Of the bucket, without a slash at its end.
    root: String,
    /// Amazon's own: what others only may do, it is known to do.
    pub is_amazon: bool,
    pub tls: Need,
}

impl Address {
    /// From `endpoint`, `region`, `bucket` and `path_style`.
    pub fn of(settings: &Settings<'_>) -> Result<Self> {
        let bucket = bucket(settings)?;
        let region = region(settings)?;
        let given = settings.get("endpoint");
        let endpoint = match given {
            Some(_) => http::address(settings, "endpoint")?,
            None => amazon(settings, region)?,
        };
        // No certificate is for a name with more dots.
        let by_path = given.is_some() || bucket.contains('.');
        let by_path = settings.flag("path_style", by_path)?;
        let host = endpoint.host_str().unwrap_or_default();
        let is_amazon = is_amazon(host);
        let root = if by_path {
            let path = endpoint.path().trim_end_matches('/');
            format!("{}{path}/{bucket}", origin(&endpoint, None))
        } else {
            let named = matches!(endpoint.host(), Some(Host::Domain(_)));
            if !named || !is_label(bucket) || endpoint.path() != "/" {
                return Err(settings.bad(format!(
                    "cannot put the bucket `{bucket}` before this endpoint's name: set path_style=yes"
                )));
            }
            origin(&endpoint, Some(bucket))
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            region: region.to_owned(),
            root,
            is_amazon,
            tls: Need::of(&endpoint),
        })
    }

    /// Of an object, or of the bucket where `key` is empty. Everything in it is encoded, as a signature wants it.
    pub fn url(&self, key: &str, query: &[(&str, String)]) -> Result<Url> {
        let mut text = format!("{}/", self.root);
        for (n, segment) in key.split('/').enumerate() {
            if n > 0 {
                text.push('/');
            }
            text.extend(utf8_percent_encode(segment, ENCODED));
        }
        for (n, (name, value)) in query.iter().enumerate() {
            text.push(if n == 0 { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            text.extend(utf8_percent_encode(value, ENCODED));
        }
        Url::parse(&text).map_err(|e| {
            let detail = format!("no address can be made for `{key}`: {e}");
            DestinationError::new(ErrorKind::Config, detail)
        })
    }
}

fn bucket<'s>(settings: &Settings<'s>) -> Result<&'s str> {
    let bucket = settings.require("bucket")?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_known = bucket.len() <= LONGEST_BUCKET && bucket.bytes().all(is_plain);
    if is_known && !bucket.starts_with('.') {
        Ok(bucket)
    } else {
        Err(settings.bad(format!("takes the name of a `bucket`, not `{bucket}`")))
    }
}

/// It becomes part of a host's name and of signatures.
fn region<'s>(settings: &Settings<'s>) -> Result<&'s str> {
    let region = settings.get("region").unwrap_or(DEFAULT_REGION);
    if region
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    {
        Ok(region)
    } else {
        Err(settings.bad(format!("takes the name of a `region`, not `{region}`")))
    }
}

fn amazon(settings: &Settings<'_>, region: &str) -> Result<Url> {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    let text = format!("https://s3.{region}.amazonaws.com{china}");
    Url::parse(&text).map_err(|_| settings.bad("takes the name of a `region`"))
}

/// Anybody's machine may have a name there; only that of the service has a label for it (`s3`, `s3-eu-west-1`, …). A load balancer's begins
/// as its owner wants.
fn is_amazon(host: &str) -> bool {
    let domains = [".amazonaws.com", ".amazonaws.com.cn"];
    let name = domains.iter().find_map(|domain| host.strip_suffix(domain));
    let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
    name.is_some_and(|name| {
        name.split('.').any(is_service) && !name.split('.').any(|label| label == "elb")
    })
}

fn origin(url: &Url, before: Option<&str>) -> String {
    let host = url.host_str().unwrap_or_default();
    let dot = before.map(|name| format!("{name}.")).unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{dot}{host}:{port}", url.scheme()),
        None => format!("{}://{dot}{host}", url.scheme()),
    }
}

fn is_label(bucket: &str) -> bool {
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    bucket.bytes().all(|b| small(b) || matches!(b, b'-' | b'.'))
        && bucket.bytes().next().is_some_and(small)
        && bucket.bytes().next_back().is_some_and(small)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{DestinationConfig, DestinationType};

    fn url(settings: &[(&str, &str)], key: &str) -> Result<String> {
        let settings = settings
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = DestinationConfig {
            id: "id".to_owned(),
            name: "name".to_owned(),
            destination_type: DestinationType::S3,
            enabled: true,
            config: settings.collect(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            created_by: "me".to_owned(),
            last_backup_at: None,
            last_backup_status: None,
        };
        let secrets = BTreeMap::new();
        let address = Address::of(&Settings::new(&config, &secrets))?;
        Ok(address.url(key, &[])?.to_string())
    }

    #[test]
    fn a_bucket_is_found_where_its_store_has_it() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (
                &[("bucket", "b-1")],
                "https://b-1.s3.us-east-1.amazonaws.com/k",
            ),
            (
                &[("bucket", "b.1"), ("region", "eu-west-3")],
                "https://s3.eu-west-3.amazonaws.com/b.1/k",
            ),
            (
                &[("bucket", "b"), ("region", "cn-north-1")],
                "https://b.s3.cn-north-1.amazonaws.com.cn/k",
            ),
            (
                &[("bucket", "b"), ("path_style", "yes")],
                "https://s3.us-east-1.amazonaws.com/b/k",
            ),
            (
                &[("bucket", "b"), ("endpoint", "http://10.0.0.1:9000/")],
                "http://10.0.0.1:9000/b/k",
            ),
            (
                &[("bucket", "b"), ("endpoint", "https://host/storage/s3")],
                "https://host/storage/s3/b/k",
            ),
            (
                &[
                    ("bucket", "b"),
                    ("endpoint", "https://host"),
                    ("path_style", "no"),
                ],
                "https://b.host/k",
            ),
        ];
        for (settings, expected) in cases {
            assert_eq!(url(settings, "k").unwrap(), *expected, "{settings:?}");
        }
    }

    #[test]
    fn amazons_own_is_told_from_what_others_run_there() {
        for (host, is_its_own) in [
            ("s3.amazonaws.com", true),
            ("s3.eu-west-3.amazonaws.com", true),
            ("s3-eu-west-1.amazonaws.com", true),
            ("s3.dualstack.eu-west-3.amazonaws.com", true),
            ("s3-fips.us-east-1.amazonaws.com", true),
            ("b.s3.eu-west-3.amazonaws.com", true),
            ("b.s3.cn-north-1.amazonaws.com.cn", true),
            (
                "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
                true,
            ),
            ("ec2-3-120-1-2.eu-central-1.compute.amazonaws.com", false),
            ("minio-12.eu-west-3.elb.amazonaws.com", false),
            ("s3-mine-12.eu-west-3.elb.amazonaws.com", false),
            ("s3-mine-12.elb.eu-west-3.amazonaws.com", false),
            ("s3x.eu-west-3.amazonaws.com", false),
            ("amazonaws.com", false),
            ("s3.amazonaws.com.example.net", false),
            ("s3.myamazonaws.com", false),
            ("s3.example.net", false),
        ] {
            assert_eq!(is_amazon(host), is_its_own, "{host}");
        }
    }

    #[test]
    fn a_name_is_written_so_that_it_is_read_as_it_is() {
        let found = url(&[("bucket", "b")], "ü +%#?&=/a-b.c_d~e").unwrap();
        assert!(
            found.ends_with("/%C3%BC%20%2B%25%23%3F%26%3D/a-b.c_d~e"),
            "{found}"
        );
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_without_repeating_a_password() {
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("bucket", "a/b")],
            &[("bucket", "..")],
            &[("bucket", "b"), ("region", "eu west")],
            &[("bucket", "b"), ("region", "evil.example/")],
            &[("bucket", "b"), ("endpoint", "host:9000")],
            &[("bucket", "b"), ("endpoint", "ftp://host")],
            &[("bucket", "b"), ("endpoint", "https://id:hunter2@host")],
            &[("bucket", "b"), ("endpoint", "https://host?hunter2")],
            &[
                ("bucket", "b"),
                ("endpoint", "https://10.0.0.1"),
                ("path_style", "no"),
            ],
            &[("bucket", "B_"), ("path_style", "no")],
        ];
        for settings in cases {
            let refused = url(settings, "k").unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Config, "{settings:?}");
            assert!(!refused.detail.contains("hunter2"), "{}", refused.detail);
        }
    }
}
