//! Whether somebody who is trusted signed a bundle, and what is asked and said about it.

use std::collections::BTreeSet;

use comfydock_core::signature::{Origin, Place, Refusal};
use comfydock_core::trust::{Fingerprint, Means, Scope, Verdict};
use comfydock_workspace::Error;
use comfydock_workspace::ops::import::{Brought, Published};
use comfydock_workspace::origin::{HowTrusted, Vouched};
use comfydock_workspace::trust::{Good, Report};
use comfydock_workspace::{last_seen, trust};

use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;

/// Flags of the commands that take a bundle.
#[derive(clap::Args, Default)]
#[group(id = "vouch")]
pub(crate) struct Args {
    /// Take it although nobody has signed it, this once; what is recorded with the environment says so
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
    /// Trust its signer from now on, if this is the fingerprint: compare it with what its owner says
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) trust: Option<String>,
    /// Take a version that is older than what was imported from there before
    #[arg(long)]
    pub(crate) allow_older: bool,
}

/// Judges a bundle in a registry. Nothing of its content was fetched yet.
///
/// # Errors
/// When nobody who is trusted signed it, and that was not allowed; each case has its own message.
pub(crate) fn published(session: &Session, found: &Published, args: &Args) -> Result<Vouched, Failure> {
    let place = Place::from(&found.reference);
    let shown = found.reference.to_string();
    let digest = found.reference.digest().cloned();
    let (how, good) = judge(session, &shown, &found.signatures, Some(&place), args)?;
    if let Some(good) = &good {
        if let Some(seen) = last_seen::older_than(&place, &good.signed.claim)? {
            let time = |claim: &comfydock_core::signature::Claim| claim.created.clone().unwrap_or_default();
            let message = format!(
                "{place} is older than what was imported from there before: {} was signed then, {} now",
                time(&seen),
                time(&good.signed.claim)
            );
            if !args.allow_older {
                let hint = "somebody may have put an old version back; if that is meant, say --allow-older";
                return Err(Error::refused(message, hint).into());
            }
            session.say(&format!("{}: {message}", paint(YELLOW, "warning")));
        }
        if let Origin::MirrorOf(original) = &good.signed.origin {
            session.say(&format!("{}: it was signed for {original}; {place} is a mirror of it", paint(YELLOW, "note")));
        }
    }
    Ok(Vouched { digest, signer: good.map(|good| good.key.fingerprint()), trust: how })
}

/// Notes what was imported, so that an older one is noticed next time.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn note(found: &Published, vouched: &Vouched) -> Result<(), Failure> {
    // Not the verdict: who is believed since a moment ago was unknown when it was given.
    if let Some(good) = vouched.signer.as_ref().and_then(|signer| found.signatures.by(signer)) {
        last_seen::note(&Place::from(&found.reference), &good.signed.claim)?;
    }
    Ok(())
}

/// Judges a file by the signature beside it. One of this machine without is taken with a warning: it comes from
/// wherever the user has it. One that was got from elsewhere is not, unless that is said.
///
/// # Errors
/// When there is a signature that does not fit, or by somebody who is not trusted.
pub(crate) fn file(session: &Session, brought: &Brought, args: &Args) -> Result<Vouched, Failure> {
    let (path, shown) = (&brought.path, &brought.shown);
    let Some(report) = trust::judge_file(path)? else {
        if brought.is_from_elsewhere() {
            let how = unsigned(session, shown, args, Vec::new())?;
            return Ok(Vouched { digest: None, signer: None, trust: how });
        }
        session.say(&format!(
            "{}: `{}` is not signed: what it is and who made it, only you know",
            paint(YELLOW, "warning"),
            shown
        ));
        return Ok(Vouched::default());
    };
    let (how, good) = judge(session, shown, &report, None, args)?;
    Ok(Vouched { digest: None, signer: good.map(|good| good.key.fingerprint()), trust: how })
}

fn judge(
    session: &Session,
    shown: &str,
    report: &Report,
    place: Option<&Place>,
    args: &Args,
) -> Result<(HowTrusted, Option<Good>), Failure> {
    let details = || report.refused.iter().map(|(at, why)| format!("signature {}: {why}", at + 1)).collect::<Vec<_>>();
    let refuse = |message: String, hint: String| {
        Err(Failure::from(Error::Refused { message, details: details(), hint: Some(hint) }))
    };
    match (&report.verdict, report.good.as_slice()) {
        (Verdict::Trusted { fingerprint, name }, _) => {
            let who = name.as_ref().map_or_else(|| fingerprint.to_string(), |name| format!("{name} ({fingerprint})"));
            session.say(&format!("{} by {who}", paint(GREEN, "signed")));
            details().iter().for_each(|line| session.say(&format!("  not counted: {line}")));
            Ok((HowTrusted::Trusted, report.trusted().cloned()))
        }
        (Verdict::Revoked { fingerprint, on }, _) => refuse(
            format!("`{shown}` is signed with a key that was revoked on {on}: {fingerprint}; nothing was imported"),
            "ask its owner for a version that is signed with another key".to_owned(),
        ),
        (Verdict::Unknown { .. }, [first, ..]) => first_use(session, shown, first, &report.good, place, args),
        (Verdict::Refused | Verdict::Unknown { .. }, _) => refuse(
            format!("no signature of `{shown}` counts; nothing was imported"),
            // Nothing but the key is missing where that is all that can be said against it.
            if report.refused.iter().all(|(_, why)| matches!(why, Refusal::NoKey { .. })) {
                "its owner has the public key: `comfydock trust add --key FILE --scope HOST/TEAM/*` trusts it"
                    .to_owned()
            } else {
                "somebody changed it or its signature on the way: ask its owner for it once more".to_owned()
            },
        ),
        (Verdict::Unsigned, _) => Ok((unsigned(session, shown, args, details())?, None)),
    }
}

/// Nobody signed what lies elsewhere.
fn unsigned(session: &Session, shown: &str, args: &Args, details: Vec<String>) -> Result<HowTrusted, Failure> {
    if args.allow_unsigned {
        session.say(&format!("{}: `{shown}` is not signed", paint(YELLOW, "warning")));
        return Ok(HowTrusted::AllowedUnsigned);
    }
    Err(Failure::from(Error::Refused {
        message: format!("`{shown}` is not signed, so nobody vouches for what lies there; nothing was imported"),
        details,
        hint: Some("if you know that it is what you want, say --allow-unsigned".to_owned()),
    }))
}

/// The signatures fit, and nobody here knows the signers. `--yes` does not answer this.
fn first_use(
    session: &Session,
    shown: &str,
    first: &Good,
    signatures: &[Good],
    place: Option<&Place>,
    args: &Args,
) -> Result<(HowTrusted, Option<Good>), Failure> {
    let named = args.trust.as_ref().map(|text| text.trim().parse::<Fingerprint>());
    // Of several signers the one that is named is meant; else the first is asked about.
    let meant = signatures.iter().find(|good| named.as_ref() == Some(&Ok(good.key.fingerprint())));
    let good = meant.unwrap_or(first);
    let fingerprint = good.key.fingerprint();
    // A file lies nowhere: who signs it is believed for this file and no place.
    let scope = place.map(Scope::of);
    let whom = format!("`{shown}` is signed by {fingerprint}, whom nobody here trusts");
    let agreed = match named {
        Some(_) if meant.is_some() => true,
        Some(_) => {
            let hint = "the fingerprint given with --trust is another: ask its owner which is right";
            return Err(Error::refused(format!("{whom}; nothing was imported"), hint).into());
        }
        None if prompt::interactive(session) => {
            session.say(&whom);
            session.say("its owner can tell you the fingerprint by another way: compare all of it");
            prompt::consent("Trust this signer from now on?")?
        }
        None => false,
    };
    if !agreed {
        let hint = format!("if its owner confirms the fingerprint, say --trust {fingerprint}");
        return Err(Error::refused(format!("{whom}; nothing was imported"), hint).into());
    }
    if let Some(scope) = scope {
        trust::add(&good.key, BTreeSet::from([scope.clone()]), None, Means::FirstUse)?;
        session.say(&format!("{} {fingerprint} for {scope}", paint(GREEN, "trusted")));
    }
    Ok((HowTrusted::FirstUse, Some(good.clone())))
}
