//! A TACACS+ server's folder to try things on.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSize {
    pub devices: u32,
}

impl SampleSize {
    pub const SMALL: Self = Self { devices: 120 };
}

pub struct Sample {
    pub path: PathBuf,
}

pub fn create(_dir: &Path, _size: SampleSize) -> Result<Sample, SampleError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("`{0}` is not empty")]
    NotEmpty(PathBuf),
    #[error("`{path}` cannot be made")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}
