//! The dependency group that carries a node pack's requirements: written from what the pack asks for, and
//! the user's from then on, until the pack asks for something else.

use crate::digest::Sha256;
use crate::manifest::Node;
use crate::requirements::Requirement;
use crate::torch;

/// What becomes of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupStep {
    /// It is written from what the pack asks for.
    Write,
    /// It stays as it stands; `edited` when that is not what the pack asks for.
    Keep {
        /// Whether somebody wrote something else into it.
        edited: bool,
    },
}

/// Plans the group of a pack. `before` is the pack as the manifest has it, `group` what its group says
/// now, `asked` what the pack asks for and `sha256` the identity of that, none when it asks for nothing.
pub fn plan_group(
    before: Option<&Node>,
    group: Option<&[String]>,
    asked: &[String],
    sha256: Option<&Sha256>,
) -> GroupStep {
    let keeps = match before {
        // Written for the pack before it came: it could not be added with its own requirements.
        None => group.is_some(),
        Some(before) => before.requirements_sha256.as_ref() == sha256,
    };
    if !keeps || (group.is_none() && !asked.is_empty()) {
        return GroupStep::Write;
    }
    GroupStep::Keep { edited: comparable(group.unwrap_or_default()) != comparable(asked) }
}

/// Lines without those that are written otherwise than the pack has them (decision 74).
fn comparable(lines: &[String]) -> Vec<&String> {
    let of_torch =
        |line: &String| Requirement::parse(line).is_ok_and(|requirement| torch::is_family(&requirement.package()));
    lines.iter().filter(|line| !of_torch(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::NodeSource;
    use crate::name::NodeName;

    #[test]
    fn a_group_is_the_users_until_the_pack_asks_for_something_else() {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let sha256 = |asked: &str| {
            let digit = asked.len() % 10;
            (!asked.is_empty()).then(|| Sha256::parse(&digit.to_string().repeat(64)).unwrap())
        };
        let pack = |asked: &str| Node {
            requirements_sha256: sha256(asked),
            ..Node::new(NodeName::parse("pack").unwrap(), NodeSource::Git)
        };
        let kept = |edited| GroupStep::Keep { edited };
        for (what, before, group, asked, expected) in [
            ("new", None, None, "six", GroupStep::Write),
            ("new, asks for nothing", None, None, "", GroupStep::Write),
            ("written before it came", None, Some("six==1"), "six", kept(true)),
            ("as it was", Some("six"), Some("six"), "six", kept(false)),
            ("edited", Some("six"), Some("six==1"), "six", kept(true)),
            ("edited, asks for other things now", Some("six"), Some("six==1"), "six idna", GroupStep::Write),
            ("asks for nothing any more", Some("six"), Some("six"), "", GroupStep::Write),
            ("asks for nothing, and was given something", Some(""), Some("six"), "", kept(true)),
            ("asks for nothing still", Some(""), None, "", kept(false)),
            ("the group is gone", Some("six"), None, "six", GroupStep::Write),
            ("its torch was left aside", Some("six torch==2.1"), Some("six torch"), "six torch==2.1", kept(false)),
        ] {
            let (before, group, asked_lines) = (before.map(pack), group.map(lines), lines(asked));
            let step = plan_group(before.as_ref(), group.as_deref(), &asked_lines, sha256(asked).as_ref());
            assert_eq!(step, expected, "{what}");
        }
    }
}
