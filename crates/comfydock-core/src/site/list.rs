//! Lists that sites answer with, an entry at a time.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

/// What `read` makes of each entry of a JSON list; an entry it makes nothing of is left out. Only one
/// entry is held at a time: as a whole, a tree of values takes many times what its text does.
///
/// # Errors
/// When it is no JSON list.
pub(super) fn entries<T>(body: &[u8], read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let entries = deserializer.deserialize_seq(Entries { read, made: PhantomData })?;
    deserializer.end()?;
    Ok(entries)
}

struct Entries<T, F> {
    read: F,
    made: PhantomData<T>,
}

impl<'body, T, F: Fn(&Value) -> Option<T>> Visitor<'body> for Entries<T, F> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'body>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut made = Vec::new();
        while let Some(entry) = list.next_element::<Value>()? {
            made.extend((self.read)(&entry));
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_lists_and_nothing_else() {
        assert_eq!(entries(b"[1, null, 3]", Value::as_u64).unwrap(), [1, 3]);
        assert_eq!(entries(b"[]", Value::as_u64).unwrap(), Vec::<u64>::new());
        for body in [&b""[..], b"{}", b"[1", b"[1] 2", b"null", b"<html>"] {
            assert!(entries(body, Value::as_u64).is_err(), "{body:?}");
        }
    }
}
