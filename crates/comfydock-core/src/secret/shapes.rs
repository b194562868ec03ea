//! Keys and tokens that their providers gave a shape.

use super::{Hit, bits_per_byte, is_placeholder};

/// Characters of a secret's body.
#[derive(Debug, Clone, Copy)]
enum Of {
    Alphanumeric,
    /// And `_`, `-`.
    Word,
    Hex,
    UpperOrDigit,
}

/// How a secret goes on after its prefix: the run of these characters has so many of them.
struct Shape {
    prefix: &'static str,
    of: Of,
    least: usize,
    most: usize,
    kind: &'static str,
    what: &'static str,
}

const fn shape(
    prefix: &'static str,
    of: Of,
    least: usize,
    most: usize,
    kind: &'static str,
    what: &'static str,
) -> Shape {
    Shape { prefix, of, least, most, kind, what }
}

const ANY: usize = 1024;

/// A longer prefix stands before a shorter one that it begins with.
const SHAPES: &[Shape] = &[
    shape("sk-proj-", Of::Word, 40, ANY, "openai-key", "an OpenAI API key"),
    shape("sk-svcacct-", Of::Word, 40, ANY, "openai-key", "an OpenAI API key"),
    shape("sk-admin-", Of::Word, 40, ANY, "openai-key", "an OpenAI API key"),
    shape("sk-ant-", Of::Word, 40, ANY, "anthropic-key", "an Anthropic API key"),
    shape("sk-or-v1-", Of::Hex, 64, 64, "openrouter-key", "an OpenRouter API key"),
    // OpenAI's older keys, Stability, DeepSeek, Moonshot, Qwen and others share this one.
    shape("sk-", Of::Alphanumeric, 32, 128, "sk-key", "an API key (`sk-…`, as of OpenAI, Stability or DeepSeek)"),
    shape("sk_live_", Of::Alphanumeric, 24, 128, "stripe-key", "a Stripe key"),
    shape("rk_live_", Of::Alphanumeric, 24, 128, "stripe-key", "a Stripe key"),
    shape("sk_", Of::Hex, 48, 48, "elevenlabs-key", "an ElevenLabs API key"),
    shape("hf_", Of::Alphanumeric, 30, 64, "huggingface-token", "a Hugging Face token"),
    shape("api_org_", Of::Alphanumeric, 30, 64, "huggingface-token", "a Hugging Face token"),
    shape("r8_", Of::Word, 37, 37, "replicate-token", "a Replicate token"),
    shape("AIza", Of::Word, 35, 35, "google-key", "a Google API key"),
    shape("ya29.", Of::Word, 40, ANY, "google-token", "a Google access token"),
    shape("GOCSPX-", Of::Word, 28, 28, "google-secret", "a Google client secret"),
    shape("ghp_", Of::Alphanumeric, 36, 255, "github-token", "a GitHub token"),
    shape("gho_", Of::Alphanumeric, 36, 255, "github-token", "a GitHub token"),
    shape("ghu_", Of::Alphanumeric, 36, 255, "github-token", "a GitHub token"),
    shape("ghs_", Of::Alphanumeric, 36, 255, "github-token", "a GitHub token"),
    shape("ghr_", Of::Alphanumeric, 36, 255, "github-token", "a GitHub token"),
    shape("github_pat_", Of::Word, 60, 255, "github-token", "a GitHub token"),
    shape("glpat-", Of::Word, 20, 255, "gitlab-token", "a GitLab token"),
    shape("AKIA", Of::UpperOrDigit, 16, 16, "aws-key", "the id of an AWS access key"),
    shape("ASIA", Of::UpperOrDigit, 16, 16, "aws-key", "the id of an AWS access key"),
    shape("xoxb-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xoxp-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xoxa-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xoxr-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xoxs-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xoxe-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("xapp-", Of::Word, 20, ANY, "slack-token", "a Slack token"),
    shape("cdk_", Of::Hex, 70, 70, "comfydock-token", "a ComfyDock token"),
    shape("comfyui-", Of::Hex, 64, 64, "comfyui-key", "a Comfy API key"),
    shape("gsk_", Of::Alphanumeric, 40, 128, "groq-key", "a Groq API key"),
    shape("xai-", Of::Alphanumeric, 60, 128, "xai-key", "an xAI API key"),
    shape("pplx-", Of::Alphanumeric, 40, 128, "perplexity-key", "a Perplexity API key"),
    shape("nvapi-", Of::Word, 50, 128, "nvidia-key", "an NVIDIA API key"),
    shape("tgp_v1_", Of::Word, 40, 128, "together-key", "a Together API key"),
    shape("rpa_", Of::Alphanumeric, 36, 128, "runpod-key", "a RunPod API key"),
    shape("key_", Of::Hex, 128, 128, "runway-key", "a Runway API key"),
    shape("tsk_", Of::Word, 36, 128, "tripo-key", "a Tripo API key"),
    shape("msy_", Of::Alphanumeric, 36, 128, "meshy-key", "a Meshy API key"),
    shape("npm_", Of::Alphanumeric, 36, 36, "npm-token", "an npm token"),
    shape("pypi-AgEI", Of::Word, 40, ANY, "pypi-token", "a PyPI token"),
    shape("dop_v1_", Of::Hex, 64, 64, "digitalocean-token", "a DigitalOcean token"),
];

/// The kinds of this module.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|shape| shape.kind).chain(["fal-key", "jwt"])
}

/// Random text of 16 characters and more lies above; what people type lies below or is a placeholder.
const LEAST_BITS: f64 = 2.6;

/// Every shape in the bytes, in order. Each byte is looked at a bounded number of times, whatever they say.
pub(super) fn find(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let (mut at, mut word_end) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() || (at > 0 && bytes[at - 1].is_ascii_alphanumeric()) {
            at += 1;
            continue;
        }
        if at >= word_end {
            word_end = at + run(&bytes[at..], is_word);
        }
        match at_start(bytes, at, word_end) {
            Outcome::Hit(hit) => {
                at = hit.end;
                hits.push(hit);
            }
            Outcome::NotRandom { end } => at = end,
            Outcome::Nothing => at += 1,
        }
    }
    hits
}

/// The shape whose prefix this is.
fn begins(rest: &[u8]) -> Option<&'static Shape> {
    let mut candidates = BY_FIRST_BYTE[usize::from(*rest.first()?)];
    while candidates != 0 {
        let shape = &SHAPES[candidates.trailing_zeros() as usize];
        if rest.starts_with(shape.prefix.as_bytes()) {
            return Some(shape);
        }
        candidates &= candidates - 1;
    }
    None
}

/// For each byte the shapes that begin with it, as bits: a push may bring gigabytes to look through.
static BY_FIRST_BYTE: [u64; 256] = {
    let mut table = [0; 256];
    let mut number = 0;
    while number < SHAPES.len() {
        table[SHAPES[number].prefix.as_bytes()[0] as usize] |= 1 << number;
        number += 1;
    }
    table
};

enum Outcome {
    Hit(Hit),
    /// It has the shape and is a placeholder; nothing else begins before its end.
    NotRandom {
        end: usize,
    },
    Nothing,
}

/// What begins here; the run of letters, digits, `_` and `-` goes on to `word_end`.
fn at_start(bytes: &[u8], at: usize, word_end: usize) -> Outcome {
    let rest = &bytes[at..];
    let judged = |kind, what, prefix: usize, length: usize| {
        if is_random(&rest[prefix..length]) {
            Outcome::Hit(Hit { kind, what, at, secret: at, end: at + length })
        } else {
            Outcome::NotRandom { end: at + length }
        }
    };
    if let Some(shape) = begins(rest) {
        let prefix = shape.prefix.len();
        let length = match shape.of {
            Of::Word if word_end >= at + prefix => word_end - at - prefix,
            // The prefix ends the run itself, as `ya29.` does.
            Of::Word => run(&rest[prefix..rest.len().min(prefix + ANY + 1)], is_word),
            narrow => whole_run(&rest[prefix..], narrow),
        };
        if (shape.least..=shape.most).contains(&length) {
            return judged(shape.kind, shape.what, prefix, prefix + length);
        }
        return Outcome::Nothing;
    }
    if let Some(length) = json_web_token(rest, word_end - at) {
        return judged("jwt", "a signed token (JWT)", 0, length);
    }
    match fal_key(rest) {
        Some(length) => judged("fal-key", "a fal API key", 0, length),
        None => Outcome::Nothing,
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn run(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(byte)).unwrap_or(bytes.len())
}

/// The run of a narrow kind; none when it goes on as another word.
fn whole_run(bytes: &[u8], of: Of) -> usize {
    let length = run(bytes, |byte| match of {
        Of::Alphanumeric => byte.is_ascii_alphanumeric(),
        Of::Word => is_word(byte),
        Of::Hex => byte.is_ascii_hexdigit(),
        Of::UpperOrDigit => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
    });
    if bytes.get(length).is_some_and(u8::is_ascii_alphanumeric) { 0 } else { length }
}

fn is_random(body: &[u8]) -> bool {
    bits_per_byte(body) >= LEAST_BITS && !is_placeholder(body)
}

/// Header, claims and signature, in base64: `eyJ` is how `{"` begins. The header has `header` bytes.
fn json_web_token(rest: &[u8], header: usize) -> Option<usize> {
    if !rest.starts_with(b"eyJ") || !(15..=512).contains(&header) {
        return None;
    }
    let part = |start: usize, least: usize| -> Option<usize> {
        let text = rest.get(start..)?;
        let length = run(&text[..text.len().min(4_096)], is_word);
        (length >= least).then_some(length)
    };
    let claims = header + 1;
    if rest.get(header) != Some(&b'.') || !rest.get(claims..)?.starts_with(b"eyJ") {
        return None;
    }
    let signature = claims + part(claims, 10)? + 1;
    (rest.get(signature - 1) == Some(&b'.')).then_some(signature + part(signature, 20)?)
}

/// A UUID, a colon, 32 hexadecimal digits.
fn fal_key(rest: &[u8]) -> Option<usize> {
    const LENGTH: usize = 36 + 1 + 32;
    let key = rest.get(..LENGTH)?;
    let fits = key.iter().enumerate().all(|(position, byte)| match position {
        8 | 13 | 18 | 23 => *byte == b'-',
        36 => *byte == b':',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = !rest.get(LENGTH).is_some_and(u8::is_ascii_alphanumeric);
    (fits && ends).then_some(LENGTH)
}
