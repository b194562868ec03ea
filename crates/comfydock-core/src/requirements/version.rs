//! Versions and clauses of versions, as PEP 440 spells them and uv takes them.

/// The operators, longest first.
const OPERATORS: &[&str] = &["===", "==", ">=", "<=", "!=", "~=", ">", "<"];

/// Checks what follows a package's name: `>=1, <2`, also without commas between clauses and with
/// one at the end, as uv does.
pub(super) fn check_clauses(text: &str) -> Result<(), String> {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let operator = OPERATORS
            .iter()
            .find(|operator| rest.starts_with(**operator))
            .ok_or_else(|| format!("`{rest}` is no version clause"))?;
        rest = rest[operator.len()..].trim_start();
        let end = rest
            .find(|character: char| character == ',' || character.is_whitespace() || "<>=!~".contains(character))
            // `1!2.0` has an epoch.
            .map(|end| match rest[end..].strip_prefix('!') {
                Some(after) if !after.starts_with('=') => {
                    let more = after.find(|character: char| {
                        character == ',' || character.is_whitespace() || "<>=!~".contains(character)
                    });
                    more.map_or(rest.len(), |more| end + 1 + more)
                }
                _ => end,
            })
            .unwrap_or(rest.len());
        check(operator, &rest[..end])?;
        rest = rest[end..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Ok(())
}

fn check(operator: &str, version: &str) -> Result<(), String> {
    let wrong = || format!("`{operator}{version}` is no version clause");
    let (bare, wildcard) = version.strip_suffix(".*").map_or((version, false), |bare| (bare, true));
    let parts = Parts::read(bare).ok_or_else(wrong)?;
    let allowed = match operator {
        "~=" => !wildcard && parts.numbers > 1 && !parts.local,
        "==" | "!=" | "===" => !(wildcard && (parts.suffixed || parts.local)),
        _ => !(parts.local || wildcard && parts.suffixed),
    };
    if allowed { Ok(()) } else { Err(wrong()) }
}

/// Whether a version is among those the clauses allow; none where that takes more than the numbers of
/// their releases to say.
pub(super) fn allows(clauses: &str, version: &str) -> Option<bool> {
    let have = release(version)?;
    let mut allowed = true;
    for clause in clauses.split(',').map(str::trim).filter(|clause| !clause.is_empty()) {
        let operator = OPERATORS.iter().find(|operator| clause.starts_with(**operator))?;
        let text = clause[operator.len()..].trim();
        let (bare, wildcard) = text.strip_suffix(".*").map_or((text, false), |bare| (bare, true));
        let mut want = release(bare)?;
        let given = want.len();
        let mut have = have.clone();
        let length = if wildcard { given } else { have.len().max(given) };
        have.resize(length, 0);
        want.resize(length, 0);
        allowed &= match *operator {
            "==" | "===" => have == want,
            "!=" => have != want,
            ">=" => have >= want,
            "<=" => have <= want,
            ">" => have > want,
            "<" => have < want,
            _ => have >= want && given > 1 && have[..given - 1] == want[..given - 1],
        };
    }
    Some(allowed)
}

/// The numbers of a version that has nothing else but a local part.
fn release(version: &str) -> Option<Vec<u64>> {
    version.split('+').next()?.split('.').map(|part| part.parse().ok()).collect()
}

/// What a version is made of.
struct Parts {
    /// Numbers of the release.
    numbers: usize,
    /// Whether a pre-, post- or development release follows.
    suffixed: bool,
    /// Whether it ends in `+local`.
    local: bool,
}

impl Parts {
    fn read(version: &str) -> Option<Self> {
        let lower = version.to_ascii_lowercase();
        let (public, local) =
            lower.split_once('+').map_or((lower.as_str(), None), |(public, local)| (public, Some(local)));
        if let Some(local) = local {
            let is_segment = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !local.split(['.', '-', '_']).all(is_segment) {
                return None;
            }
        }
        let mut rest = public.strip_prefix('v').unwrap_or(public);
        if let Some((epoch, after)) = rest.split_once('!') {
            digits(epoch).filter(|after| after.is_empty())?;
            rest = after;
        }
        let mut numbers = 1;
        rest = digits(rest)?;
        while let Some(after) = rest.strip_prefix('.').and_then(digits) {
            numbers += 1;
            rest = after;
        }
        let suffixed = !rest.is_empty();
        rest = suffix(rest, &["alpha", "beta", "preview", "pre", "rc", "a", "b", "c"]);
        rest = match rest.strip_prefix('-').and_then(digits) {
            Some(after) => after,
            None => suffix(rest, &["post", "rev", "r"]),
        };
        rest = suffix(rest, &["dev"]);
        rest.is_empty().then_some(Self { numbers, suffixed, local: local.is_some() })
    }
}

/// What follows the digits at the start; none without one.
fn digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

/// What follows a suffix such as `.rc1`; the whole text when it is none of these.
fn suffix<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let bare = text.strip_prefix(['.', '-', '_']).unwrap_or(text);
    let Some(after) = words.iter().find_map(|word| bare.strip_prefix(word)) else { return text };
    let number = after.strip_prefix(['.', '-', '_']).and_then(digits);
    number.or_else(|| digits(after)).unwrap_or(after)
}
