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

/// Every shape in the bytes, in order.
pub(super) fn find(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let starts_word = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let hit = if starts_word && bytes[at].is_ascii_alphanumeric() { at_start(bytes, at) } else { None };
        at = hit.map_or(at + 1, |hit| hit.end);
        hits.extend(hit);
    }
    hits
}

fn at_start(bytes: &[u8], at: usize) -> Option<Hit> {
    let rest = &bytes[at..];
    let hit = |kind, what, length| Hit { kind, what, at, secret: at, end: at + length };
    if let Some(shape) = SHAPES.iter().find(|shape| rest.starts_with(shape.prefix.as_bytes())) {
        let body = &rest[shape.prefix.len()..];
        let length = run(body, shape.of);
        return ((shape.least..=shape.most).contains(&length) && is_random(&body[..length]))
            .then(|| hit(shape.kind, shape.what, shape.prefix.len() + length));
    }
    if let Some(length) = json_web_token(rest) {
        return Some(hit("jwt", "a signed token (JWT)", length));
    }
    fal_key(rest).map(|length| hit("fal-key", "a fal API key", length))
}

fn run(bytes: &[u8], of: Of) -> usize {
    let belongs = |byte: &u8| match of {
        Of::Alphanumeric => byte.is_ascii_alphanumeric(),
        Of::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        Of::Hex => byte.is_ascii_hexdigit(),
        Of::UpperOrDigit => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
    };
    // One more than any shape may have is enough to tell that it is too long.
    let bytes = &bytes[..bytes.len().min(ANY + 1)];
    let length = bytes.iter().position(|byte| !belongs(byte)).unwrap_or(bytes.len());
    // A run of the narrow kind that goes on as a word is another word.
    let goes_on = bytes.get(length).is_some_and(u8::is_ascii_alphanumeric);
    if goes_on { 0 } else { length }
}

fn is_random(body: &[u8]) -> bool {
    bits_per_byte(body) >= LEAST_BITS && !is_placeholder(body)
}

/// Header, claims and signature, in base64: `eyJ` is how `{"` begins.
fn json_web_token(rest: &[u8]) -> Option<usize> {
    if !rest.starts_with(b"eyJ") {
        return None;
    }
    let mut length = 0;
    for (part, least) in [(0, 15), (1, 10), (2, 20)] {
        if part > 0 {
            if rest.get(length) != Some(&b'.') {
                return None;
            }
            length += 1;
        }
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let run = rest[length..].iter().take_while(|byte| word(byte)).count();
        if run < least || (part == 1 && !rest[length..].starts_with(b"eyJ")) {
            return None;
        }
        length += run;
    }
    is_random(&rest[..length]).then_some(length)
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
    (fits && ends && is_random(key)).then_some(LENGTH)
}
