//! Holdfast as a user has it: the release binary, its command line, data folders of its own with file keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::{Compression, DestinationConfig};
use secrecy::{ExposeSecret, SecretString};

use crate::Result;
use crate::measure::{self, Cost};

pub type Secrets = BTreeMap<String, SecretString>;

/// An instance set up once for each compression.
pub struct Program {
    gzip: Setup,
    zstd: Setup,
}

/// A data folder with one instance and one local destination.
pub struct Setup {
    program: PathBuf,
    data: PathBuf,
    pub archives: PathBuf,
    pub scratch: PathBuf,
    pub recipient: String,
}

/// An archive on disk.
pub struct Made {
    pub cost: Cost,
    pub path: PathBuf,
    pub bytes: u64,
}

impl Program {
    pub fn set_up(program: &Path, scratch: &Path, instance: &Path) -> Result<Self> {
        let of = |compression| {
            Setup::new(
                program,
                &scratch.join(word(compression)),
                instance,
                compression,
            )
        };
        Ok(Self {
            gzip: of(Compression::Gzip)?,
            zstd: of(Compression::Zstd)?,
        })
    }

    pub fn with(&self, compression: Compression) -> &Setup {
        match compression {
            Compression::Gzip => &self.gzip,
            Compression::Zstd => &self.zstd,
        }
    }
}

pub fn word(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}

impl Setup {
    pub fn new(
        program: &Path,
        folder: &Path,
        instance: &Path,
        compression: Compression,
    ) -> Result<Self> {
        let mut setup = Self {
            program: program.to_owned(),
            data: folder.join("data"),
            archives: folder.join("archives"),
            scratch: folder.to_owned(),
            recipient: String::new(),
        };
        fs::create_dir_all(&setup.archives)?;
        let init = setup.json(&["init"])?.1;
        init["recipient"]
            .as_str()
            .ok_or("init: no recipient")?
            .clone_into(&mut setup.recipient);
        let instance = instance.to_str().ok_or("the instance's path is not text")?;
        setup.json(&["instance", "add", "bench", instance])?;
        setup.json(&[
            "instance",
            "set",
            "bench",
            &format!("compression={}", word(compression)),
        ])?;
        setup.add_destination()?;
        Ok(setup)
    }

    /// Called `here`.
    pub fn add_destination(&self) -> Result<()> {
        let base = format!("base_path={}", self.archives.display());
        let settings = ["--type", "local", "--set", &base];
        self.json(&[&["destination", "add", "here"], &settings[..]].concat())?;
        Ok(())
    }

    /// With secrets from the environment, as a script gives them.
    pub fn add(&self, config: &DestinationConfig, secrets: &Secrets) -> Result<()> {
        let mut arguments = vec!["destination".to_owned(), "add".to_owned()];
        arguments.push(config.name.clone());
        arguments.extend(["--type", config.destination_type.as_str()].map(str::to_owned));
        for (key, value) in &config.config {
            arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        let mut command = self.command();
        for (name, secret) in secrets {
            let variable = format!("BENCH_{name}");
            arguments.extend(["--secret".to_owned(), format!("{name}=env:{variable}")]);
            command.env(variable, secret.expose_secret());
        }
        command.args(arguments);
        measure::run(&mut command, &self.scratch)?;
        Ok(())
    }

    /// One backup; those before it are removed first, so that each starts with the same empty place.
    pub fn backup(&self) -> Result<Made> {
        fs::remove_dir_all(&self.archives)?;
        fs::create_dir(&self.archives)?;
        let (cost, report) = self.json(&["backup", "bench", "--to", "here"])?;
        let execution = &report["executions"][0];
        if execution["status"] != "completed" {
            return Err(format!("a backup did not complete: {report:#}").into());
        }
        let path = self.archive()?;
        let bytes = fs::metadata(&path)?.len();
        Ok(Made { cost, path, bytes })
    }

    /// The archive of the last backup.
    pub fn archive(&self) -> Result<PathBuf> {
        let found = walkdir::WalkDir::new(&self.archives)
            .into_iter()
            .filter_map(std::result::Result::ok);
        let archive = found
            .map(walkdir::DirEntry::into_path)
            .find(|path| path.is_file());
        archive.ok_or_else(|| "no archive was written".into())
    }

    /// Into a folder that is made anew; all components where none is named.
    pub fn extract(&self, archive: &Path, component: Option<&str>) -> Result<Cost> {
        let to = self.scratch.join("extracted");
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        let (archive, to) = (archive.to_str().ok_or("path")?, to.to_str().ok_or("path")?);
        let mut arguments = vec!["extract", archive, "--to", to];
        arguments.extend(component.into_iter().flat_map(|name| ["--component", name]));
        Ok(self.json(&arguments)?.0)
    }

    /// A file that `age -i` takes.
    pub fn identity_file(&self) -> Result<PathBuf> {
        let kit = self.scratch.join("kit.txt");
        if !kit.exists() {
            self.json(&["key", "export", "--out", kit.to_str().ok_or("path")?])?;
        }
        Ok(kit)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("HOLDFAST_KEYRING", "file")
            .env("HOLDFAST_DATA_DIR", &self.data);
        command.arg("--json");
        command
    }

    pub fn json(&self, arguments: &[&str]) -> Result<(Cost, serde_json::Value)> {
        let mut command = self.command();
        command.args(arguments);
        let run = measure::run(&mut command, &self.scratch)?;
        let answer = if run.stdout.trim().is_empty() {
            "null"
        } else {
            &run.stdout
        };
        Ok((run.cost, serde_json::from_str(answer)?))
    }
}
