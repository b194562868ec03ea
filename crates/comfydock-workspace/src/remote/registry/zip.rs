//! A pack's zip on its way from where the registry says it is.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use comfydock_core::registry::Refusal;
use comfydock_store::file;
use comfydock_store::hash::{Digests, Hasher};
use url::Url;

use super::Registry;
use super::ask::AGAIN;
use crate::remote::{Error, block_on, retry};
use crate::reporter::Event;

/// Bytes of a zip at most.
pub(crate) const LARGEST_ZIP: u64 = 1024 * 1024 * 1024;

/// What one try came to.
enum Broken {
    /// It may be different a moment later; the seconds that were asked for.
    Passing(Error, Option<u32>),
    Lasting(crate::Error),
}

impl Registry<'_> {
    /// Fetches the zip at `address` into the file `target`, which is replaced, and hashes it. `label` names
    /// it for who listens.
    pub(crate) fn zip(&self, address: &str, target: &Path, label: &str) -> Result<Digests, crate::Error> {
        let url = Url::parse(address).map_err(|error| Error::Unexpected {
            place: self.place(),
            message: format!("no usable address of the zip of {label} ({error})"),
        })?;
        let mut failed = 0;
        let fetched = loop {
            let (error, asked) = match block_on(self.zip_once(&url, target, label)) {
                Ok(digests) => break Ok(digests),
                Err(Broken::Lasting(error)) => break Err(error),
                Err(Broken::Passing(error, asked)) => (error, asked),
            };
            failed += 1;
            match self.pause(failed, asked).filter(|_| failed <= AGAIN) {
                Some(pause) => std::thread::sleep(pause),
                None => break Err(error.into()),
            }
        };
        self.reporter.report(Event::BytesEnd { label: label.to_owned() });
        fetched
    }

    async fn zip_once(&self, url: &Url, target: &Path, label: &str) -> Result<Digests, Broken> {
        let what = format!("the zip of {label}");
        let passing = |message: &str| {
            Broken::Passing(Error::Unexpected { place: what.clone(), message: message.to_owned() }, None)
        };
        let endless = || {
            let message = format!("{what} is larger than {} GiB", LARGEST_ZIP >> 30);
            Broken::Lasting(crate::Error::refused(message, "add the pack's git repository instead"))
        };
        let opened = tokio::time::timeout(self.patience.longest, self.get(url, &what, &self.consent)).await;
        let mut response = match opened {
            Err(_) => return Err(passing("no answer came")),
            Ok(Err(error @ (Error::Unreachable { .. } | Error::Lookup { .. }))) => {
                return Err(Broken::Passing(error, None));
            }
            Ok(Err(error)) => return Err(Broken::Lasting(error.into())),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        if let Some(refusal) = Refusal::of(status, retry::asked(response.headers()), b"<") {
            let error = Error::Refused {
                place: self.place(),
                status,
                message: format!("{what} cannot be had (HTTP status {status})"),
                hint: Some("run the command again in a while, or add the pack's git repository instead".to_owned()),
            };
            return Err(match &refusal {
                Refusal::Busy(seconds) => Broken::Passing(error, *seconds),
                Refusal::Broken(..) => Broken::Passing(error, None),
                _ => Broken::Lasting(error.into()),
            });
        }
        let total = response.content_length();
        if total.is_some_and(|total| total > LARGEST_ZIP) {
            return Err(endless());
        }
        self.reporter.report(Event::BytesStart { label: label.to_owned(), total });
        let here = |error| Broken::Lasting(file::Error::at("write", target)(error).into());
        let mut to = File::create(target).map_err(here)?;
        let mut hasher = Hasher::default();
        loop {
            let chunk = tokio::time::timeout(self.patience.longest, response.chunk()).await;
            let Ok(chunk) = chunk else { return Err(passing("nothing came any more")) };
            let Ok(chunk) = chunk else { return Err(passing("it broke off")) };
            let Some(bytes) = chunk else { break };
            hasher.update(&bytes);
            if hasher.size() > LARGEST_ZIP {
                return Err(endless());
            }
            to.write_all(&bytes).map_err(here)?;
            self.reporter.report(Event::Bytes { label: label.to_owned(), count: bytes.len() as u64 });
        }
        if total.is_some_and(|total| total != hasher.size()) {
            return Err(passing("it broke off"));
        }
        Ok(hasher.finish())
    }
}
