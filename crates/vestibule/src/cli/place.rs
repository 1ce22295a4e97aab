//! Where a command looks that can do its work in two places: beside a gateway, by its configuration, or from afar, by its admin API.

use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

use super::At;
use crate::failure::Failure;

/// A running gateway, if one is named.
#[derive(Debug, Args)]
pub(crate) struct Far {
    /// Ask a running gateway instead: the URL of its issuer
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// With --url: a file with an admin key; no option takes the key itself
    #[arg(long, value_name = "FILE", env = "VESTIBULE_API_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// With --url: certificate authorities to trust besides those of this machine, a PEM file
    #[arg(long, value_name = "FILE", requires = "url")]
    ca_file: Option<PathBuf>,
}

impl Far {
    /// The gateway that is named, if one is. Only the command line names one: a variable would send away what is meant for this machine.
    pub(crate) fn at(&self, json: bool) -> Result<Option<At>, Failure> {
        let Some(url) = self.url.clone() else { return Ok(None) };
        let key_file = self.key_file.clone().ok_or_else(|| Failure::Plain("--url needs --key-file, a file with an admin key".into()))?;
        Ok(Some(At { url, key_file, ca_file: self.ca_file.clone(), json }))
    }
}

/// A gateway by its configuration, or a running one.
#[derive(Debug, Args)]
pub(crate) struct Either {
    /// The configuration file of the gateway
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG", required_unless_present = "url")]
    config: Option<PathBuf>,
    #[command(flatten)]
    far: Far,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which of the two.
#[derive(Debug)]
pub(crate) enum Seat<'a> {
    /// Beside the gateway of this configuration.
    Beside(&'a Path),
    /// Far from this one.
    Far(At),
}

impl Either {
    /// Which of the two is meant. Who names a running gateway means that, whatever configuration the environment has.
    pub(crate) fn seat(&self) -> Result<Seat<'_>, Failure> {
        match (self.far.at(self.json)?, &self.config) {
            (Some(at), _) => Ok(Seat::Far(at)),
            (None, Some(config)) => Ok(Seat::Beside(config)),
            (None, None) => Err(Failure::Plain("it is not said which gateway is meant: name its configuration by --config FILE".into())),
        }
    }
}
