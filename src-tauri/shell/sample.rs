//! The sample instance of a first start: a service's folder that nobody minds breaking.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Instance, Template};
use crate::service::sample::{self, SampleSize};
use crate::service::{Accept, Act, BackupService, Error, NewInstance};

const NAME: &str = "sample";

/// Makes the folder where it is not there yet, and the instance. A sample that was damaged on purpose is kept as it is.
pub fn add(service: &BackupService, act: &Act<'_>) -> Result<Instance, Error> {
    let path = folder(service.data_dir());
    if !path.exists() {
        sample::create(&path, SampleSize::SMALL).map_err(|cause| Error::Io {
            path: path.clone(),
            cause: io::Error::other(cause),
        })?;
    }
    let new = NewInstance {
        name: NAME.to_owned(),
        path,
        template: Some(Template::Tacacs),
        from: None,
        exclude: Vec::new(),
    };
    service.add_instance(&new, &Accept::default(), act)
}

/// Beside the data folder: what lies in it is Holdfast's own and never backed up.
fn folder(data_dir: &Path) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push("-sample");
    data_dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_lies_outside_the_data_folder() {
        let data = Path::new("/home/ada/.local/share/holdfast");
        let sample = folder(data);
        assert_eq!(sample, Path::new("/home/ada/.local/share/holdfast-sample"));
        assert!(!sample.starts_with(data));
    }
}
