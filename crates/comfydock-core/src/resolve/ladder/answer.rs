//! What is taken from an answer, and for which model.

use super::{Answer, Evidence, Finding, Ladder, Offer, Question, Wanted};
use crate::digest::Sha256;
use crate::site::civitai::{File, Version};
use crate::site::hugging_face::{Entry, Resolved};
use crate::site::{Refusal, Site};
use crate::source::{HuggingFaceFile, Source};

/// What needs no question: places that somebody says have exactly the wanted hash, and, for a model
/// without one, the places that no site can tell more about.
pub(super) fn known_here(wanted: &Wanted) -> Finding {
    let mut finding = Finding::default();
    for said in &wanted.said {
        let on_a_site = said.source.hugging_face().is_some() || said.source.civitai().is_some();
        let evidence = match (&wanted.sha256, &said.sha256) {
            (Some(sha256), Some(claimed)) if sha256 == claimed => Evidence::Claimed,
            (None, _) if !on_a_site && !matches!(said.source, Source::Unclear { .. }) => Evidence::Place,
            _ => continue,
        };
        // What a site can pin is asked there first: an unpinned URL may serve another file by now.
        if on_a_site && !said.source.is_pinned() || matches!(said.source, Source::Unclear { .. }) {
            continue;
        }
        offer(
            &mut finding,
            Offer {
                source: said.source.clone(),
                filename: wanted.filename.clone(),
                size: None,
                sha256: said.sha256.clone(),
                site: Site::Here,
                evidence,
                warning: None,
            },
        );
    }
    finding
}

fn offer(finding: &mut Finding, offer: Offer) {
    if finding.offers.iter().all(|known| known.source != offer.source) {
        finding.offers.push(offer);
    }
}

/// Takes an answer.
pub(super) fn take(ladder: &mut Ladder, question: &Question, answer: Answer) {
    match (question, answer) {
        (_, Answer::Unasked) => ladder.unasked = true,
        (_, Answer::Failed(message)) => close(ladder, question.site(), message),
        (_, Answer::Refused(refusal)) => refused(ladder, question, &refusal),
        (_, Answer::Catalog(known)) => {
            for position in 0..ladder.wanted.len() {
                let Some(sources) = ladder.wanted[position].sha256.as_ref().and_then(|sha256| known.get(sha256)) else {
                    continue;
                };
                for source in sources {
                    claimed(ladder, position, source.clone());
                }
            }
        }
        (_, Answer::Ids(ids)) => {
            ladder.probed = true;
            ladder.hits.extend(ids);
        }
        (Question::Version(_), Answer::Versions(versions)) => {
            versions.iter().for_each(|version| named_version(ladder, version));
        }
        (_, Answer::Versions(versions)) => versions.iter().for_each(|version| with_hash(ladder, version)),
        (Question::File(file), Answer::File(resolved)) => this_file(ladder, file, &resolved),
        (Question::Tree(repository), Answer::Tree(entries)) => moved(ladder, repository, &entries),
        // An answer to another question says nothing.
        (_, Answer::File(_) | Answer::Tree(_)) => {}
    }
}

fn close(ladder: &mut Ladder, site: Site, message: String) {
    if ladder.closed.insert(site) {
        ladder.notes.push(message);
    }
}

fn claimed(ladder: &mut Ladder, position: usize, source: Source) {
    if matches!(source, Source::Unclear { .. }) {
        return;
    }
    let wanted = &ladder.wanted[position];
    let made = Offer {
        source,
        filename: wanted.filename.clone(),
        size: None,
        sha256: wanted.sha256.clone(),
        site: Site::Hub,
        evidence: Evidence::Claimed,
        warning: None,
    };
    offer(&mut ladder.found[position], made);
}

fn refused(ladder: &mut Ladder, question: &Question, refusal: &Refusal) {
    let site = question.site();
    // The probe is a convenience; without it the batch is asked for everything.
    let does_without = !refusal.closes() || matches!(refusal, Refusal::Odd(405));
    if matches!(question, Question::Ids(_)) && does_without {
        return;
    }
    if refusal.closes() {
        return close(ladder, site, refusal.told(site));
    }
    let about: Vec<usize> = (0..ladder.wanted.len())
        .filter(|position| {
            let wanted = &ladder.wanted[*position];
            let says = |check: &dyn Fn(&Source) -> bool| wanted.said.iter().any(|said| check(&said.source));
            match question {
                Question::Version(version) => {
                    says(&|source| source.civitai().is_some_and(|place| place.version == *version))
                }
                Question::File(file) => says(&|source| source.hugging_face().as_ref() == Some(file)),
                Question::BySha256(sha256) => *refusal != Refusal::Missing && wanted.sha256.as_ref() == Some(sha256),
                _ => false,
            }
        })
        .collect();
    for position in &about {
        let what = match question {
            Question::Version(version) => format!("version {version}: "),
            Question::File(file) => format!("{}: ", file.file_name()),
            _ => String::new(),
        };
        reason(&mut ladder.found[*position], format!("{what}{}", refusal.told(site)));
    }
    if let (Question::File(file), Refusal::Missing) = (question, refusal) {
        look_through(ladder, file);
    }
}

fn reason(finding: &mut Finding, text: String) {
    if !finding.reasons.contains(&text) {
        finding.reasons.push(text);
    }
}

fn civitai_offer(version: &Version, file: &File, evidence: Evidence) -> Offer {
    let warning = if file.dangerous {
        Some("a scan of CivitAI found something dangerous in it".to_owned())
    } else if !version.downloadable {
        Some(Refusal::Disabled.clause(Site::Civitai))
    } else {
        None
    };
    Offer {
        source: version.source(file),
        filename: file.name.clone(),
        size: file.about,
        sha256: file.sha256.clone(),
        site: Site::Civitai,
        evidence,
        warning,
    }
}

/// Gives a version's files to the models with their hashes.
fn with_hash(ladder: &mut Ladder, version: &Version) {
    for (wanted, finding) in ladder.wanted.iter().zip(&mut ladder.found) {
        let Some(sha256) = &wanted.sha256 else { continue };
        let by_other = || {
            version
                .files
                .iter()
                .find(|file| file.sha256.is_none() && file.blake3.is_some() && file.blake3 == wanted.blake3)
        };
        if let Some(file) = version.by_sha256(sha256).or_else(by_other) {
            offer(finding, civitai_offer(version, file, Evidence::SameHash));
            ladder.hits.remove(sha256);
        } else if version.files.is_empty() && ladder.hits.get(sha256) == Some(&version.id) {
            reason(finding, Refusal::Archived.clause(Site::Civitai));
            ladder.hits.remove(sha256);
        }
    }
}

/// Gives the files of a version that somebody names to the models they name it for.
fn named_version(ladder: &mut Ladder, version: &Version) {
    with_hash(ladder, version);
    for (wanted, finding) in ladder.wanted.iter().zip(&mut ladder.found) {
        let places = wanted.said.iter().filter_map(|said| said.source.civitai());
        for place in places.filter(|place| place.version == version.id) {
            if version.files.is_empty() {
                reason(finding, Refusal::Archived.clause(Site::Civitai));
                continue;
            }
            if wanted.sha256.is_some() {
                if finding.offers.is_empty() {
                    reason(finding, format!("version {} on CivitAI has no file with this SHA-256", version.id));
                }
                continue;
            }
            for file in chosen(version, place.file, &wanted.filename) {
                offer(finding, civitai_offer(version, file, Evidence::Place));
            }
        }
    }
}

/// The file that is named; else the one of this name; else all weights, for a person to choose.
fn chosen<'version>(version: &'version Version, id: Option<u64>, name: &str) -> Vec<&'version File> {
    if id.is_some() {
        return version.files.iter().filter(|file| Some(file.id) == id).collect();
    }
    let named: Vec<&File> = version.files.iter().filter(|file| file.name.eq_ignore_ascii_case(name)).collect();
    if named.is_empty() { version.files.iter().filter(|file| file.weights).collect() } else { named }
}

fn hugging_face_offer(file: &HuggingFaceFile, resolved: &Resolved, evidence: Evidence) -> Offer {
    Offer {
        source: Source::HuggingFace(file.at(resolved.commit.clone())),
        filename: file.file_name().to_owned(),
        size: resolved.size,
        sha256: resolved.sha256.clone(),
        site: Site::HuggingFace,
        evidence,
        warning: None,
    }
}

/// Takes a file for every model it was named for, and every one whose hash it has.
fn this_file(ladder: &mut Ladder, file: &HuggingFaceFile, resolved: &Resolved) {
    let mut elsewhere = false;
    for (wanted, finding) in ladder.wanted.iter().zip(&mut ladder.found) {
        let named = wanted.said.iter().any(|said| said.source.hugging_face().as_ref() == Some(file));
        match (&wanted.sha256, &resolved.sha256) {
            (Some(sha256), Some(has)) if sha256 == has => {
                offer(finding, hugging_face_offer(file, resolved, Evidence::SameHash));
            }
            (Some(_), Some(has)) if named => {
                reason(
                    finding,
                    format!("{} on Hugging Face is another file (SHA-256 {}…)", file.path(), has.short(12)),
                );
                elsewhere = true;
            }
            (Some(_), None) if named => {
                reason(finding, format!("Hugging Face does not tell the SHA-256 of {}", file.path()));
            }
            (None, _) if named => offer(finding, hugging_face_offer(file, resolved, Evidence::Place)),
            _ => {}
        }
    }
    if elsewhere {
        look_through(ladder, file);
    }
}

/// The file is not where it was: perhaps it was renamed in its repository.
fn look_through(ladder: &mut Ladder, file: &HuggingFaceFile) {
    let wanted = (0..ladder.wanted.len()).any(|position| {
        let wanted = &ladder.wanted[position];
        let named = wanted.said.iter().any(|said| said.source.hugging_face().as_ref() == Some(file));
        named && wanted.sha256.is_some() && ladder.open(position)
    });
    if wanted && ladder.searched.insert(file.repository().to_owned()) {
        ladder.queue.push_back(Question::Tree(file.repository().to_owned()));
    }
}

/// Asks for the files of a repository that have wanted hashes: that answer names the commit.
fn moved(ladder: &mut Ladder, repository: &str, entries: &[Entry]) {
    let open: Vec<Sha256> = ladder.open_hashes().cloned().collect();
    for entry in entries.iter().filter(|entry| entry.sha256.as_ref().is_some_and(|has| open.contains(has))) {
        let Some(file) = HuggingFaceFile::new(repository, "main", &entry.path) else { continue };
        if ladder.seen.insert(file.clone()) {
            ladder.queue.push_back(Question::File(file));
        }
    }
}
