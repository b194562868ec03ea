use proptest::prelude::*;

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn sha256(byte: &str) -> Sha256 {
    Sha256::parse(&byte.repeat(32)).unwrap()
}

fn source(text: &str) -> Source {
    Source::parse(text).unwrap()
}

fn wanted(byte: &str) -> Wanted {
    Wanted { filename: format!("{byte}.safetensors"), sha256: Some(sha256(byte)), ..Wanted::default() }
}

fn saying(byte: &str, place: &str, claimed: Option<&str>) -> Wanted {
    Wanted { said: vec![Said { source: source(place), sha256: claimed.map(sha256) }], ..wanted(byte) }
}

const BOTH: May = May { hub: true, outside: true };

/// Asks until there is nothing to ask, with answers from a table; what is not in it is refused as
/// unknown. Gives the questions too.
fn climb(wanted: Vec<Wanted>, may: May, table: &dyn Fn(&Question) -> Option<Answer>) -> (Outcome, Vec<Question>) {
    let mut ladder = Ladder::new(wanted, may);
    let mut asked = Vec::new();
    while let Some(question) = ladder.question() {
        let answer = table(&question).unwrap_or(Answer::Refused(Refusal::Missing));
        ladder.answer(&question, answer);
        asked.push(question);
        assert!(asked.len() < 1000, "it never ends");
    }
    (ladder.finish(), asked)
}

fn texts(finding: &Finding) -> Vec<String> {
    finding.offers.iter().map(|offer| offer.source.to_string()).collect()
}

#[test]
fn what_is_known_here_asks_nobody() {
    for (model, found) in [
        (saying("aa", "civitai:1/2", Some("aa")), vec!["civitai:1/2"]),
        (saying("aa", "https://example.org/x", Some("aa")), vec!["https://example.org/x"]),
    ] {
        let (outcome, asked) = climb(vec![model], BOTH, &|_| None);
        assert_eq!((texts(&outcome.findings[0]), asked), (found.into_iter().map(str::to_owned).collect(), vec![]));
        assert_eq!(outcome.findings[0].offers[0].evidence, Evidence::Claimed);
    }
    for model in [
        saying("aa", "civitai:1/2", Some("bb")),
        saying("aa", "https://example.org/x", None),
        saying("aa", "https://huggingface.co/o/r/resolve/main/x.pt", Some("aa")),
        saying("aa", "civitai:1", Some("aa")),
    ] {
        let (outcome, asked) = climb(vec![model.clone()], BOTH, &|_| None);
        assert!(outcome.findings[0].offers.is_empty() && !asked.is_empty(), "{model:?}");
    }
}

#[test]
fn the_rungs_are_climbed_in_order_and_only_by_what_is_open() {
    let table = |question: &Question| match question {
        Question::Catalog(_) => Some(Answer::Catalog([(sha256("aa"), vec![source("https://nas.example/a")])].into())),
        Question::Ids(hashes) => {
            assert!(!hashes.contains(&sha256("aa")), "the hub knew it");
            Some(Answer::Ids(vec![(sha256("bb"), 7)]))
        }
        Question::Versions(hashes) => {
            assert_eq!(hashes, &[sha256("bb")], "only what the probe knew");
            Some(Answer::Versions(vec![]))
        }
        Question::BySha256(_) => Some(Answer::Refused(Refusal::Archived)),
        _ => None,
    };
    let (outcome, asked) = climb(["aa", "bb", "cc"].map(wanted).into(), BOTH, &table);
    let sites: Vec<Site> = asked.iter().map(Question::site).collect();
    assert_eq!(sites, [Site::Hub, Site::Civitai, Site::Civitai, Site::Civitai]);
    assert_eq!(texts(&outcome.findings[0]), ["https://nas.example/a"]);
    assert_eq!(outcome.findings[1].reasons.len(), 1, "{:?}", outcome.findings[1]);
    assert_eq!(outcome.findings[2], Finding::default());
}

#[test]
fn without_consent_nobody_outside_is_asked_and_that_is_told() {
    let (outcome, asked) = climb(vec![wanted("aa")], May { hub: true, outside: false }, &|_| None);
    assert_eq!(asked, [Question::Catalog(vec![sha256("aa")])]);
    assert!(outcome.unasked);
    let (outcome, asked) = climb(vec![saying("aa", "civitai:1/2", Some("aa"))], May::default(), &|_| None);
    assert!(asked.is_empty() && !outcome.unasked, "there was nothing to ask");
}

#[test]
fn a_probe_that_is_not_understood_is_done_without() {
    for refusal in [Refusal::Missing, Refusal::Odd(405)] {
        let table =
            |question: &Question| matches!(question, Question::Ids(_)).then(|| Answer::Refused(refusal.clone()));
        let (_, asked) = climb(vec![wanted("aa")], May { hub: false, outside: true }, &table);
        assert_eq!(asked, [Question::Ids(vec![sha256("aa")]), Question::Versions(vec![sha256("aa")])]);
    }
}

#[test]
fn many_hashes_are_asked_for_in_parts() {
    let many: Vec<Wanted> = (0..250_u32)
        .map(|number| Wanted { sha256: Sha256::parse(&format!("{number:064x}")).ok(), ..Wanted::default() })
        .collect();
    let all = many;
    let table = move |question: &Question| match question {
        Question::Ids(hashes) => Some(Answer::Ids(hashes.iter().cloned().map(|hash| (hash, 1)).collect())),
        Question::Versions(_) => Some(Answer::Versions(vec![])),
        _ => Some(Answer::Refused(Refusal::Busy(Some(300)))),
    };
    let (outcome, asked) = climb(all, May { hub: false, outside: true }, &table);
    let sizes: Vec<usize> = asked
        .iter()
        .map(|question| if let Question::Ids(part) | Question::Versions(part) = question { part.len() } else { 0 })
        .collect();
    assert_eq!(sizes, [250, 100, 100, 50, 0], "one single that is told to wait is the last");
    assert_eq!(outcome.notes.len(), 1);
}

#[test]
fn a_file_is_taken_for_its_full_hash_only() {
    let file = |sha256: Option<Sha256>| Resolved {
        commit: crate::digest::CommitId::parse(COMMIT).unwrap(),
        sha256,
        size: Some(3),
    };
    let place = "https://huggingface.co/o/r/resolve/main/x.pt";
    for (has, found) in [(Some("aa"), true), (Some("bb"), false), (None, false)] {
        let table =
            |question: &Question| matches!(question, Question::File(_)).then(|| Answer::File(file(has.map(sha256))));
        let (outcome, _) = climb(vec![saying("aa", place, None)], BOTH, &table);
        assert_eq!(!outcome.findings[0].offers.is_empty(), found, "{has:?}");
        assert_eq!(outcome.findings[0].reasons.is_empty(), found, "{has:?}");
    }
}

#[test]
fn a_site_that_fails_is_left_alone() {
    let models = vec![saying("aa", "civitai:1/2", None), saying("bb", "civitai:3/4", None)];
    let table = |question: &Question| match question {
        Question::Catalog(_) => Some(Answer::Failed("the hub is away".to_owned())),
        _ => Some(Answer::Refused(Refusal::Region)),
    };
    let (outcome, asked) = climb(models, BOTH, &table);
    assert_eq!(asked.len(), 2);
    assert_eq!(outcome.notes, ["the hub is away", "CivitAI does not serve the region you are in"]);
}

#[test]
fn an_answer_to_another_question_does_nothing() {
    let mut ladder = Ladder::new(vec![wanted("aa")], BOTH);
    let question = ladder.question().unwrap();
    ladder.answer(&question, Answer::Tree(vec![]));
    ladder.answer(&question, Answer::Versions(vec![]));
    assert_eq!(ladder.finish().findings, [Finding::default()]);
}

proptest! {
    /// Whatever sites answer, nothing is offered as equal that is not, and the ladder ends.
    #[test]
    fn no_answer_makes_another_file_the_wanted_one(
        models in prop::collection::vec((0..4_u8, 0..5_u8), 1..6),
        answers in prop::collection::vec((0..6_u8, 0..4_u8, 0..4_u8), 1..40),
    ) {
        let hash = |number: u8| sha256(&format!("{number:02x}"));
        let places = ["civitai:1/2", "https://huggingface.co/o/r/resolve/main/x.pt", "https://civitai.com/api/download/models/3", "https://a.example/x", "hf:o/r/y.pt"];
        let models: Vec<Wanted> = models.iter().map(|(byte, place)| Wanted {
            filename: "x.pt".to_owned(), sha256: Some(hash(*byte)), blake3: None,
            said: vec![Said { source: source(places[usize::from(*place)]), sha256: None }],
        }).collect();
        let next = std::cell::Cell::new(0);
        let table = |_: &Question| {
            let (kind, one, other) = answers[next.get() % answers.len()];
            next.set(next.get() + 1);
            let file = |id: u64, number: u8| civitai::File { id, name: "x.pt".to_owned(), about: None, sha256: Some(hash(number)), blake3: None, weights: true, dangerous: false };
            Some(match kind {
                0 => Answer::Ids(vec![(hash(one), 1), (hash(other), 3)]),
                1 | 2 => Answer::Versions(vec![civitai::Version { id: u64::from(kind), title: String::new(), files: vec![file(u64::from(one), one), file(9, other)], downloadable: true }]),
                3 => Answer::File(Resolved { commit: crate::digest::CommitId::parse(COMMIT).unwrap(), sha256: Some(hash(one)), size: None }),
                4 => Answer::Tree(vec![Entry { path: format!("d/{one}.pt"), size: None, sha256: Some(hash(other)) }]),
                _ => Answer::Refused(if one == 0 { Refusal::Broken(500) } else { Refusal::Missing }),
            })
        };
        let (outcome, _) = climb(models.clone(), BOTH, &table);
        for (model, finding) in models.iter().zip(&outcome.findings) {
            for offer in &finding.offers {
                prop_assert_eq!(offer.sha256.as_ref(), model.sha256.as_ref());
            }
        }
    }
}
