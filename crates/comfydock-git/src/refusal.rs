//! What a server said through git, which prints it after `remote:` between words of its own.

use crate::program::Error;

const SAID: &str = "remote: error: ";
const HINT: &str = "remote: hint: ";
const OTHER: &str = "remote: ";

/// The failure in the server's words, if it said what is wrong as hubs do; else as git told it.
pub(crate) fn told(error: Error) -> Error {
    let Error::Failed { place: Some(place), message, .. } = &error else { return error };
    if !message.lines().any(|line| line.starts_with(SAID)) {
        return error;
    }
    let (mut said, mut hints) = (Vec::new(), Vec::new());
    for line in message.lines() {
        if let Some(hint) = line.strip_prefix(HINT) {
            hints.push(hint.to_owned());
        } else if let Some(words) = line.strip_prefix(SAID).or_else(|| line.strip_prefix(OTHER)) {
            said.push(words.to_owned());
        }
    }
    Error::Refused { place: place.clone(), said, hints, status: status(message) }
}

/// The HTTP status that git names in its message.
pub(crate) fn status(message: &str) -> Option<u16> {
    let after = |words: &str| {
        let (_, rest) = message.rsplit_once(words)?;
        rest.get(..3)?.parse().ok()
    };
    after("The requested URL returned error: ").or_else(|| after("RPC failed; HTTP "))
}

#[cfg(test)]
mod tests {
    use comfydock_core::hint::Hint as _;

    use super::*;

    fn failure(message: &str) -> Error {
        let place = Some("https://hub.example/team/look.git".to_owned());
        Error::Failed { verb: "push".to_owned(), place, message: message.to_owned() }
    }

    #[test]
    fn what_a_hub_says_is_told_without_the_words_of_git() {
        let busy = told(failure(
            "remote: error: the hub is busy\nremote: hint: try again in 5 seconds\n\
             fatal: unable to access 'https://hub.example/team/look.git/': The requested URL returned error: 503",
        ));
        assert_eq!(busy.to_string(), "https://hub.example/team/look.git refused: the hub is busy");
        assert_eq!(busy.hint().as_deref(), Some("try again in 5 seconds"));
        assert_eq!((busy.is_busy(), busy.asked_to_wait()), (true, Some(5)));
        let found = told(failure(
            "remote: error: a.bin is a model, since commit bc1d9bd [model-file]\nremote: error: b.bin is a model\n\
             remote: hint: one\nremote: hint: two\nerror: failed to push some refs to 'https://hub.example/team/look.git'",
        ));
        assert_eq!(found.to_string(), "https://hub.example/team/look.git refused");
        assert_eq!(found.hint().as_deref(), Some("one; two"));
        let Error::Refused { said, .. } = &found else { panic!("{found}") };
        assert_eq!(said, &["a.bin is a model, since commit bc1d9bd [model-file]", "b.bin is a model"]);
        assert!(!found.is_busy());
    }

    #[test]
    fn what_others_say_stays_as_git_told_it() {
        let proxy = told(failure("fatal: unable to access 'https://h/x.git/': The requested URL returned error: 502"));
        assert!(matches!(proxy, Error::Failed { .. }) && proxy.is_busy());
        assert_eq!(proxy.asked_to_wait(), None);
        assert!(proxy.hint().unwrap().contains("again"));
        let cut = told(failure(
            "error: RPC failed; HTTP 503 curl 22 The requested URL returned error: 503\nfatal: the remote end hung up",
        ));
        assert!(cut.is_busy());
        for message in ["fatal: unable to access 'x': The requested URL returned error: 404", "it gave no reason", ""] {
            assert!(!told(failure(message)).is_busy(), "{message}");
        }
    }
}
