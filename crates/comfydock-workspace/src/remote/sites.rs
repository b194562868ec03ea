//! The hub, CivitAI and Hugging Face, asked the ladder's questions (decision 67). Nothing is decided
//! here.

use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint;
use comfydock_core::resolve::ladder::{Answer, Question};

use super::Error;
use super::address::Addresses;
use super::answers::Answers;
use super::ask::Asker;
use super::catalog::Catalog;
use super::endpoint::Endpoints;
use super::hub::Hub;

/// Those who may know where a model can be had.
pub struct Sites {
    pub(super) endpoints: Endpoints,
    pub(super) asker: Asker,
    pub(super) answers: Answers,
    hub: Option<Hub>,
    copy: Option<Catalog>,
}

impl Sites {
    /// At these addresses, with the answers that were kept.
    pub fn new(endpoints: Endpoints, hub: Option<Hub>, answers: Answers) -> Self {
        let asker = Asker::new(Addresses::new(endpoints.clone(), hub.clone()));
        Self { endpoints, asker, answers, hub, copy: None }
    }

    /// With what the hub said last, for when it cannot be asked.
    pub fn with_copy(self, copy: Option<Catalog>) -> Self {
        Self { copy, ..self }
    }

    /// Asks. What goes wrong is an answer too: one site that is out of order stops nothing.
    pub fn ask(&self, question: &Question) -> Answer {
        let answered = match question {
            Question::Catalog(hashes) => match &self.hub {
                Some(hub) if !self.answers.only_kept() => match hub.sources(hashes) {
                    Ok(known) => Ok(Answer::Catalog(known)),
                    Err(error) => self.kept(hashes).ok_or(error),
                },
                _ => Ok(self.kept(hashes).unwrap_or(Answer::Unasked)),
            },
            Question::Ids(hashes) => self.civitai_ids(hashes),
            Question::Versions(hashes) => self.civitai_versions(hashes),
            Question::BySha256(sha256) => self.civitai_by_sha256(sha256),
            Question::ByBlake3(blake3) => self.civitai_by_blake3(blake3),
            Question::Version(id) => self.civitai_version(*id),
            Question::File(file) => self.hugging_face_file(file),
            Question::Tree(repository) => self.hugging_face_tree(repository),
        };
        answered.unwrap_or_else(|error| Answer::Failed(said(question, &error)))
    }

    fn kept(&self, hashes: &[Sha256]) -> Option<Answer> {
        let known = self.copy.as_ref()?.sources(hashes).ok()?;
        (!known.is_empty()).then_some(Answer::Catalog(known))
    }
}

fn said(question: &Question, error: &Error) -> String {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let mut causes = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        causes = format!(": {deeper}");
        cause = deeper.source();
    }
    format!("{} could not be asked: {error}{causes}{hint}", question.site())
}
