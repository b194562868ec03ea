//! What `git push -o` may say.

use std::collections::BTreeSet;

use comfydock_core::admission::{ALLOW_OPTION, Rule};

/// More than anyone needs who allows something on purpose.
const COUNT_LIMIT: usize = 64;

/// Reads the rules that the person who pushes wants to let through.
///
/// # Errors
/// The lines of the refusal, when an option is unknown.
pub(super) fn allowed_rules(options: &[String]) -> Result<BTreeSet<Rule>, Vec<String>> {
    if options.len() > COUNT_LIMIT {
        return Err(vec![format!("error: {} push options are too many; at most {COUNT_LIMIT}", options.len())]);
    }
    let mut rules = BTreeSet::new();
    for option in options {
        let shown = option.chars().take(80).collect::<String>().escape_debug().to_string();
        let Some(word) = option.strip_prefix(ALLOW_OPTION).and_then(|rest| rest.strip_prefix('=')) else {
            return Err(vec![
                format!("error: `{shown}` is no push option of this hub"),
                format!("hint: there is one: `{ALLOW_OPTION}=RULE`"),
            ]);
        };
        match Rule::find(word) {
            Some(rule) if rule.may_be_allowed() => rules.insert(rule),
            Some(rule) => {
                return Err(vec![format!("error: nobody may allow {rule}: no client would take what comes of it")]);
            }
            None => {
                let known: Vec<String> =
                    Rule::all().filter(|rule| rule.may_be_allowed()).map(|rule| rule.to_string()).collect();
                return Err(vec![
                    format!("error: `{shown}`: there is no such rule"),
                    format!("hint: the rules are {}", known.join(", ")),
                ]);
            }
        };
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let read = |options: &[&str]| allowed_rules(&options.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&[]), Ok(BTreeSet::new()));
        let both = read(&["comfydock.allow=rewrite", "comfydock.allow=secret:openai-key"]).unwrap();
        assert_eq!(both, BTreeSet::from([Rule::Rewrite, Rule::Secret("openai-key")]));
        for (option, said) in [
            ("ci.skip", "`comfydock.allow=RULE`"),
            ("comfydock.allow", "is no push option"),
            ("comfydock.allow=file-size", "nobody may allow file-size"),
            ("comfydock.allow=nothing", "secret:openai-key"),
            ("x\n\u{1b}[2J", "\\u{1b}"),
        ] {
            let lines = read(&[option]).unwrap_err().join("\n");
            assert!(lines.contains(said), "{lines}");
        }
        assert!(read(&["comfydock.allow=rewrite"; 65]).is_err());
    }
}
