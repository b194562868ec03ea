//! Whether two workflow files say the same.

use super::KEY;
use crate::json::{self, Kind, Member, Value};

/// Whether the two texts are the same workflow: equal but for our metadata, white space, the order of
/// keys, and whether an empty `extra` is there at all. Numbers must be spelled alike.
///
/// Texts that are not JSON are the same only if equal byte for byte.
pub fn same_content(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let (Ok(left_root), Ok(right_root)) = (json::parse(left), json::parse(right)) else {
        return false;
    };
    let sides = Sides { left, right };
    let (Some(left), Some(right)) = (left_root.as_object(), right_root.as_object()) else {
        return sides.same(&left_root, &right_root);
    };
    let nothing = |extra: Option<&Value>| match extra.map(|extra| &extra.kind) {
        None | Some(Kind::Null) => true,
        Some(Kind::Object(members)) => members.iter().all(|member| member.key == KEY),
        Some(_) => false,
    };
    let (left_extra, right_extra) = (left_root.get("extra"), right_root.get("extra"));
    let same_extra = match (left_extra, right_extra) {
        (Some(left), Some(right)) if !nothing(Some(left)) && !nothing(Some(right)) => {
            match (left.as_object(), right.as_object()) {
                (Some(left), Some(right)) => sides.same_members(left, right, KEY),
                _ => sides.same(left, right),
            }
        }
        _ => nothing(left_extra) && nothing(right_extra),
    };
    same_extra && sides.same_members(left, right, "extra")
}

/// Whether two values of two texts say the same, white space and the order of keys aside.
pub(crate) fn same_value(left: &Value, left_text: &str, right: &Value, right_text: &str) -> bool {
    Sides { left: left_text, right: right_text }.same(left, right)
}

struct Sides<'text> {
    left: &'text str,
    right: &'text str,
}

impl Sides<'_> {
    fn same(&self, left: &Value, right: &Value) -> bool {
        match (&left.kind, &right.kind) {
            (Kind::Number, Kind::Number) => left.text(self.left) == right.text(self.right),
            (Kind::Array(left), Kind::Array(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| self.same(left, right))
            }
            (Kind::Object(left), Kind::Object(right)) => self.same_members(left, right, ""),
            (left, right) => left == right,
        }
    }

    /// Objects, one root key aside. Of duplicate keys the last counts.
    fn same_members(&self, left: &[Member], right: &[Member], ignored: &str) -> bool {
        let (left, right) = (last_of_each(left, ignored), last_of_each(right, ignored));
        left.len() == right.len()
            && left
                .iter()
                .zip(&right)
                .all(|(left, right)| left.key == right.key && self.same(&left.value, &right.value))
    }
}

/// The members by key, of duplicates the last. A stable sort keeps duplicates in the order of the text.
fn last_of_each<'value>(members: &'value [Member], ignored: &str) -> Vec<&'value Member> {
    let mut sorted: Vec<&Member> =
        members.iter().filter(|member| ignored.is_empty() || member.key != ignored).collect();
    sorted.sort_by(|left, right| left.key.cmp(&right.key));
    let mut unique: Vec<&Member> = Vec::with_capacity(sorted.len());
    for member in sorted {
        match unique.last_mut() {
            Some(last) if last.key == member.key => *last = member,
            _ => unique.push(member),
        }
    }
    unique
}
