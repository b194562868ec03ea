//! Everything that is tried at one source, until it has given the file or is given up.

use std::time::Duration;

use comfydock_core::digest::Sha256;
use comfydock_core::observation::{Observation, Verdict};
use comfydock_core::source::Source;
use comfydock_store::claim::Claim;
use comfydock_store::file;
use comfydock_store::hash::Digests;

use super::attempt::attempt;
use super::content::{LOOKED_AT, is_pickle_start};
use super::part::Part;
use super::sink::Sink;
use super::verdict::Try;
use super::{Engine, Failure, Wanted, local, room, verify};
use crate::remote::address::Address;
use crate::reporter::Event;
use comfydock_core::redact::shown;

/// One file's way from one source into a part.
pub(super) struct Errand<'a> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) wanted: &'a Wanted,
    pub(super) source: &'a Source,
    pub(super) claim: &'a Claim,
    /// The file's bytes, as the source says, where nobody else does.
    pub(super) promised: Option<u64>,
    /// The file's SHA-256, as the source says, where nobody else does.
    pub(super) declared: Option<Sha256>,
    /// The last HTTP status.
    pub(super) status: Option<u16>,
    /// Bytes of the part that were there before this source was asked.
    base: u64,
    /// Whether one connection is enough for this source.
    pub(super) narrow: bool,
    /// Whether the part is the second one, of this source alone.
    spare: bool,
}

/// Why a source did not give the file.
pub(super) enum Ended {
    /// It has not got it, or cannot give it; a line that says so, and what that tells of the source.
    Source(String, Option<Box<Observation>>),
    /// No source can help.
    All(Failure),
}

impl Errand<'_> {
    /// What the file must hash to, if anybody but the source says so.
    pub(super) fn sha256(&self) -> Option<&Sha256> {
        self.wanted.sha256.as_ref()
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> Option<u64> {
        self.wanted.size.or(self.promised)
    }

    /// Whether bytes that this source contradicts are kept: those another may have sent, when the
    /// hash will tell who was right.
    pub(super) fn keeps_what_is_there(&self) -> bool {
        self.sha256().is_some() && !self.spare
    }

    pub(super) fn is_lost(&self) -> bool {
        self.claim.is_lost()
    }

    /// Gives up what this source sent: it is surely not of the file.
    pub(super) fn take_back(&self, sink: &mut Sink) -> Result<(), file::Error> {
        sink.shorten(self.base.min(sink.at()))?;
        self.back_to(sink.at());
        Ok(())
    }

    /// Keeps room for a file of this size. A size that only the source names may be a lie, and was not
    /// counted when it was looked whether everything fits.
    pub(super) fn reserve(&self, sink: &mut Sink, total: u64) -> Result<(), Try> {
        let unknown = self.wanted.size.is_none() && total > sink.reserved();
        if let Some(room) = room::left(&sink.part.path).filter(|_| unknown)
            && total.saturating_sub(sink.at()) > room
        {
            return Err(Try::refused(format!("it says it has {total} bytes, and there is room for {room} more")));
        }
        Ok(sink.reserve(total)?)
    }

    /// Takes bytes and tells of them.
    pub(super) fn push(&self, sink: &mut Sink, bytes: &[u8]) -> Result<(), Try> {
        if self.wanted.size.is_none() && !sink.has_room(bytes.len() as u64) {
            self.take_back(sink)?;
            let folder = sink.part.path.parent().unwrap_or(&sink.part.path).display();
            return Err(Try::refused(format!("it sends more than there is room for in `{folder}`")));
        }
        if let Some(reason) = self.engine.kind.too_large(sink.at() + bytes.len() as u64) {
            self.take_back(sink)?;
            return Err(Try::refused(reason));
        }
        if sink.at() == 0 {
            sink.learn(|facts| facts.source = Some(self.source.clone()));
        }
        sink.push(bytes)?;
        self.engine.reporter.report(Event::Bytes { label: self.wanted.label.clone(), count: bytes.len() as u64 });
        Ok(())
    }

    /// Tells where the work stands.
    pub(super) fn back_to(&self, at: u64) {
        self.engine.reporter.report(Event::BytesAt { label: self.wanted.label.clone(), at });
    }

    pub(super) fn observe(&self, verdict: Verdict) -> Observation {
        Observation {
            source: self.source.clone(),
            sha256: self.sha256().cloned(),
            verdict,
            http_status: self.status,
            size: self.promised,
        }
    }

    fn end(&self, place: &str, reason: &str, verdict: Option<Verdict>) -> Ended {
        // A server that only failed has told nothing; one that promised a file of this size has.
        let verdict = verdict.or(self.promised.map(|_| Verdict::Reachable));
        Ended::Source(format!("{place}: {reason}"), verdict.map(|verdict| Box::new(self.observe(verdict))))
    }
}

/// What a source gave: the hashes, which part they are of, and what the source is worth.
pub(super) struct Given {
    pub(super) digests: Digests,
    pub(super) part: Part,
    pub(super) observation: Observation,
}

/// Gets the file from one source, going on with `sink`.
pub(super) fn from_source(
    engine: &Engine<'_>,
    wanted: &Wanted,
    source: &Source,
    claim: &Claim,
    sink: &mut Sink,
) -> Result<Given, Ended> {
    let base = sink.at();
    let mut errand = Errand {
        engine,
        wanted,
        source,
        claim,
        promised: None,
        declared: None,
        status: None,
        base,
        narrow: false,
        spare: false,
    };
    let address = match engine.addresses.of(source) {
        Ok(address) => address,
        Err(reason) => return Err(errand.end(&source.to_string(), &reason, None)),
    };
    let place = match &address {
        Address::Web(url) if source.url().is_some() => shown(url),
        _ => source.to_string(),
    };
    if engine.offline && matches!(address, Address::Web(_)) {
        return Err(errand.end(&place, "it would have to be downloaded, and --offline was given", None));
    }
    match run(&mut errand, sink, &address, &place) {
        Ok(Ran::Given(digests)) => Ok(given(&errand, sink, digests)),
        Err(ended) => Err(ended),
        Ok(Ran::Contradicted { keep }) => {
            // Either the bytes of before are wrong or this source is: it gets a part of its own, and
            // the hash will tell.
            if sink.at() > keep {
                sink.shorten(keep).map_err(|error| Ended::All(Failure::Here(error)))?;
            }
            let spare = Sink::open(sink.part.spare(), engine.pace, engine.alone);
            let mut spare = spare.map_err(|error| Ended::All(Failure::Here(error)))?;
            if spare.facts().source.as_ref() != Some(source) {
                // Another source began it: mixed, it would hash wrong and this one would be blamed.
                spare.shorten(0).map_err(|error| Ended::All(Failure::Here(error)))?;
            }
            (errand.spare, errand.base) = (true, spare.at());
            errand.back_to(spare.at());
            match run(&mut errand, &mut spare, &address, &place) {
                Ok(Ran::Given(digests)) => Ok(given(&errand, &spare, digests)),
                Ok(Ran::Contradicted { .. }) => {
                    spare.part.remove();
                    Err(errand.end(&place, "it sends something else at every time", Some(Verdict::Mismatch)))
                }
                Err(ended) => {
                    match &ended {
                        Ended::All(failure) if failure.fills_the_disk() => spare.part.remove(),
                        _ => spare.leave(),
                    }
                    errand.back_to(sink.at());
                    Err(ended)
                }
            }
        }
    }
}

fn given(errand: &Errand<'_>, sink: &Sink, digests: Digests) -> Given {
    // A part of several sources proves none of them.
    let alone = sink.facts().source.as_ref() == Some(errand.source);
    let verdict = if alone { Verdict::BytesVerified } else { Verdict::Reachable };
    let observation = Observation { sha256: Some(digests.sha256.clone()), ..errand.observe(verdict) };
    Given { digests, part: sink.part.clone(), observation }
}

/// How the work on one part ended well, or could end better.
enum Ran {
    Given(Digests),
    /// The source and the part cannot both be right; so many bytes of the part came before.
    Contradicted {
        keep: u64,
    },
}

fn run(errand: &mut Errand<'_>, sink: &mut Sink, address: &Address, place: &str) -> Result<Ran, Ended> {
    let engine = errand.engine;
    let (mut idle, mut pause, mut whole) = (0, engine.pace.shortest, false);
    loop {
        let begun = sink.at();
        if begun > 0 {
            let source = errand.source.clone();
            // From here on the bytes are of several sources, unless it was this one before.
            sink.learn(|facts| facts.source = facts.source.take().filter(|known| *known == source));
        }
        if errand.wanted.size.is_some_and(|size| begun > size) {
            sink.shorten(0).map_err(|error| Ended::All(Failure::Here(error)))?;
            errand.back_to(0);
            continue;
        }
        // What was complete before anybody was asked needs only to be checked.
        let complete = errand.wanted.size == Some(begun) && begun > 0;
        let tried = if complete {
            Try::Complete
        } else {
            match address {
                Address::Web(url) => attempt(errand, sink, url, whole),
                Address::Local(path) => local::copy(errand, sink, path),
            }
        };
        match tried {
            Try::Complete => match check(errand, sink, place, complete)? {
                Checked::Right(digests) => return Ok(Ran::Given(digests)),
                Checked::Begin => {}
                Checked::Contradicted => return Ok(Ran::Contradicted { keep: errand.base }),
            },
            Try::Differs => return Ok(Ran::Contradicted { keep: sink.at() }),
            Try::NoRange(reason) if whole => return Err(errand.end(place, &reason, None)),
            Try::NoRange(_) => whole = true,
            Try::Narrow => errand.narrow = true,
            Try::Refused { reason, verdict, status } => {
                errand.status = status.or(errand.status);
                return Err(errand.end(place, &reason, verdict));
            }
            Try::Pickle => return Err(Ended::All(Failure::Pickle)),
            Try::Lost => return Err(Ended::All(Failure::Lost)),
            Try::Here(error) => return Err(Ended::All(Failure::Here(error))),
            Try::Broken { reason, wait, most, verdict, status } => {
                errand.status = status.or(errand.status);
                let brought = sink.at().saturating_sub(begun);
                if brought >= engine.pace.progress {
                    (idle, pause) = (0, engine.pace.shortest);
                } else {
                    idle += 1;
                }
                if idle >= most.unwrap_or(engine.pace.tries) {
                    return Err(errand.end(place, &reason, verdict));
                }
                pause = rest(errand, wait, pause).ok_or_else(|| {
                    let seconds = wait.unwrap_or_default().as_secs();
                    errand.end(place, &format!("{reason}; it asks to come back in {seconds} s"), verdict)
                })?;
            }
        }
    }
}

/// Waits before another connection; none when the server asks for more patience than there is.
fn rest(errand: &Errand<'_>, asked: Option<Duration>, previous: Duration) -> Option<Duration> {
    let pace = &errand.engine.pace;
    if asked.is_some_and(|asked| asked > pace.patience) {
        return None;
    }
    let pause = pace.pause(previous);
    let wait = asked.unwrap_or_default().max(pause);
    if asked.is_some_and(|asked| asked >= Duration::from_secs(5)) {
        let (label, seconds) = (&errand.wanted.label, wait.as_secs());
        errand.engine.reporter.note(format!("the server of {label} asks to come back in {seconds} s; waiting"));
    }
    std::thread::sleep(wait);
    Some(pause)
}

/// What a complete part is.
enum Checked {
    Right(Digests),
    /// It was wrong before this source was asked, and is gone.
    Begin,
    /// It is wrong, and who sent what of it is not known.
    Contradicted,
}

fn check(errand: &Errand<'_>, sink: &mut Sink, place: &str, untouched: bool) -> Result<Checked, Ended> {
    let here = |error| Ended::All(Failure::Here(error));
    let alone = sink.facts().source.as_ref() == Some(errand.source);
    if !errand.engine.pickle && is_pickle_start(&sink.start_bytes(LOOKED_AT)) {
        return Err(Ended::All(Failure::Pickle));
    }
    let digests = sink.finish().map_err(here)?;
    let Err(reason) = verify::verify(errand, &sink.part.path, &digests) else { return Ok(Checked::Right(digests)) };
    if untouched || alone || !errand.keeps_what_is_there() {
        sink.shorten(0).map_err(here)?;
        errand.back_to(0);
    }
    if untouched {
        return Ok(Checked::Begin);
    }
    if alone || !errand.keeps_what_is_there() {
        return Err(errand.end(place, &reason, Some(Verdict::Mismatch)));
    }
    Ok(Checked::Contradicted)
}
