//! Key shapes as their providers document them, and the places of a workflow they may stand in.

use crate::json::quote;
use crate::violation::Field;

/// Numbers that look random and are the same each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self) -> usize {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize
    }

    pub(super) fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| alphabet[self.roll() % alphabet.len()]).collect()
    }

    /// With at least one letter and one digit, as nearly every key has.
    pub(super) fn mixed(&mut self, length: usize) -> String {
        format!("{}a1{}", self.text(MIXED, length / 2), self.text(MIXED, length - length / 2 - 2))
    }
}

pub(super) const MIXED: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
pub(super) const WORD: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
pub(super) const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(super) const HEX: &str = "0123456789abcdef";
pub(super) const BASE_32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn uuid(dice: &mut Dice) -> String {
    [8, 4, 4, 4, 12].map(|length| dice.text(HEX, length)).join("-")
}

/// Every shape the providers document, with fresh content, and the kind it should be found as.
pub(super) fn corpus(dice: &mut Dice) -> Vec<(String, &'static str)> {
    let plain = |prefix: &str, body: String| format!("{prefix}{body}");
    vec![
        (plain("sk-proj-", dice.text(WORD, 73) + "T3BlbkFJ" + &dice.mixed(74)), "openai-key"),
        (plain("sk-svcacct-", dice.mixed(60)), "openai-key"),
        (plain("sk-", dice.mixed(20) + "T3BlbkFJ" + &dice.mixed(20)), "sk-key"),
        // Stability, Moonshot.
        (plain("sk-", dice.mixed(48)), "sk-key"),
        // DeepSeek, Qwen.
        (plain("sk-", dice.text(HEX, 32)), "sk-key"),
        (plain("sk-ant-api03-", dice.text(WORD, 93) + "AA"), "anthropic-key"),
        (plain("sk-or-v1-", dice.text(HEX, 64)), "openrouter-key"),
        (plain("sk_", dice.text(HEX, 48)), "elevenlabs-key"),
        (plain("sk_live_", dice.mixed(24)), "stripe-key"),
        (plain("hf_", dice.text(LETTERS, 34)), "huggingface-token"),
        (plain("r8_", dice.mixed(37)), "replicate-token"),
        (format!("{}:{}", uuid(dice), dice.text(HEX, 32)), "fal-key"),
        (plain("AIza", dice.text(WORD, 34) + "A"), "google-key"),
        (plain("ya29.", dice.text(WORD, 150) + "A"), "google-token"),
        (plain("ghp_", dice.mixed(36)), "github-token"),
        (plain("gho_", dice.mixed(36)), "github-token"),
        (plain("github_pat_", dice.mixed(22) + "_" + &dice.mixed(59)), "github-token"),
        (plain("glpat-", dice.mixed(20)), "gitlab-token"),
        (plain("AKIA", dice.text(BASE_32, 16)), "aws-key"),
        (plain("xoxb-", dice.text("0123456789", 12) + "-" + &dice.mixed(24)), "slack-token"),
        (plain("cdk_", dice.text(HEX, 70)), "comfydock-token"),
        (plain("comfyui-", dice.text(HEX, 64)), "comfyui-key"),
        (plain("gsk_", dice.mixed(52)), "groq-key"),
        (plain("xai-", dice.mixed(80)), "xai-key"),
        (plain("pplx-", dice.mixed(48)), "perplexity-key"),
        (plain("rpa_", dice.mixed(46)), "runpod-key"),
        (plain("key_", dice.text(HEX, 128)), "runway-key"),
        (plain("tsk_", dice.mixed(42) + "A"), "tripo-key"),
        (plain("msy_", dice.mixed(40)), "meshy-key"),
        (plain("eyJhbGciOiJIUzI1NiJ9.eyJ", dice.text(WORD, 60) + "." + &dice.text(WORD, 43)), "jwt"),
        (format!("-----BEGIN {}PRIVATE KEY-----\n{}\n-----END", "RSA ", dice.text(MIXED, 64)), "private-key"),
        (format!("Authorization: Bearer {}", dice.mixed(40)), "bearer"),
        (format!("https://ann:{}@example.net/a.safetensors", dice.mixed(12)), "url-credential"),
        (
            format!("https://civitai.com/api/download/models/1?type=Model&token={}", dice.text(HEX, 31) + "f1"),
            "url-credential",
        ),
        (
            format!("https://hooks.slack.com/services/T{}/B{}/{}", dice.mixed(9), dice.mixed(9), dice.mixed(24)),
            "webhook",
        ),
    ]
}

/// What only its place gives away: CivitAI, AWS secrets, Azure, Black Forest Labs, Zhipu.
pub(super) fn shapeless(dice: &mut Dice) -> Vec<String> {
    vec![
        dice.text(HEX, 31) + "f1",
        dice.mixed(40),
        dice.mixed(20),
        uuid(dice),
        format!("{}.{}", dice.text(HEX, 32), dice.mixed(16)),
        format!("Bearer {}", dice.mixed(16)) + &dice.mixed(4),
        dice.mixed(30) + "+/" + &dice.mixed(10) + "=",
    ]
}

/// A workflow with one string in one place, and where a person would find it.
pub(super) struct Spot {
    pub(super) text: String,
    pub(super) node: Option<&'static str>,
    pub(super) field: Field,
    /// Whether the place is named like a secret.
    pub(super) named: bool,
}

pub(super) fn spots(secret: &str) -> Vec<Spot> {
    let secret = quote(secret);
    let graph = |nodes: String| format!(r#"{{"nodes":[{nodes}],"links":[],"extra":{{}},"version":0.4}}"#);
    let widget = |name: &str| Field::Widget(name.to_owned());
    let spot = |text: String, node, field, named| Spot { text, node, field, named };
    vec![
        spot(
            graph(format!(
                r#"{{"id":5,"type":"OpenAIChat","inputs":[{{"name":"model","widget":{{"name":"model"}}}},{{"name":"api_key","widget":{{"name":"api_key"}}}}],"widgets_values":["gpt-4o",{secret}]}}"#
            )),
            Some("5"),
            widget("api_key"),
            true,
        ),
        spot(
            graph(format!(
                r#"{{"id":6,"type":"X","inputs":[{{"name":"token","widget":{{"name":"token"}}}}],"widgets_values":[42,"randomize",{secret}]}}"#
            )),
            Some("6"),
            // Which of the three the name belongs to is only known by what stands there.
            widget("token"),
            true,
        ),
        spot(
            graph(format!(r#"{{"id":7,"type":"LoadCivitaiApiKey","widgets_values":[{secret}]}}"#)),
            Some("7"),
            Field::WidgetAt(0),
            true,
        ),
        spot(
            graph(format!(r#"{{"id":8,"type":"Anything","widgets_values":["x",{secret}]}}"#)),
            Some("8"),
            Field::WidgetAt(1),
            false,
        ),
        spot(
            graph(format!(r#"{{"id":9,"type":"VHS","widgets_values":{{"apiKey":{secret}}}}}"#)),
            Some("9"),
            widget("apiKey"),
            true,
        ),
        spot(
            graph(format!(r#"{{"id":10,"type":"VHS","widgets_values":{{"options":{{"password":{secret}}}}}}}"#)),
            Some("10"),
            widget("options"),
            true,
        ),
        spot(
            graph(format!(
                r#"{{"id":11,"type":"PrimitiveNode","outputs":[{{"widget":{{"name":"hf_token"}}}}],"widgets_values":[{secret}]}}"#
            )),
            Some("11"),
            widget("hf_token"),
            true,
        ),
        spot(
            graph(format!(r#"{{"id":12,"type":"PrimitiveString","title":"fal API key","widgets_values":[{secret}]}}"#)),
            Some("12"),
            Field::WidgetAt(0),
            true,
        ),
        spot(
            graph(format!(
                r#"{{"id":13,"type":"Note","widgets_values":[{}]}}"#,
                quote(&format!("use {}", secret.trim_matches('"').replace("\\n", "\n")))
            )),
            Some("13"),
            Field::WidgetAt(0),
            false,
        ),
        spot(
            graph(format!(r#"{{"id":14,"type":"X","properties":{{"auth":{{"secret":{secret}}}}}}}"#)),
            Some("14"),
            Field::Property("properties.auth.secret".to_owned()),
            true,
        ),
        spot(
            format!(
                r#"{{"nodes":[],"definitions":{{"subgraphs":[{{"id":"e5-1","nodes":[{{"id":3,"type":"Chat","inputs":[{{"widget":{{"name":"api_key"}}}}],"widgets_values":[{secret}]}}]}}]}}}}"#
            ),
            Some("e5-1:3"),
            widget("api_key"),
            true,
        ),
        spot(
            graph(format!(
                r#"{{"id":15,"type":"e5-1","properties":{{"proxyWidgets":[["3","text"],["3","api_key"]]}},"widgets_values":["a",{secret}]}}"#
            )),
            Some("15"),
            widget("api_key"),
            true,
        ),
        spot(
            format!(
                r#"{{"nodes":[],"extra":{{"groupNodes":{{"chat":{{"nodes":[{{"type":"Chat","index":0,"inputs":[{{"widget":{{"name":"api_key"}}}}],"widgets_values":[{secret}]}}]}}}}}}}}"#
            ),
            Some("chat:0"),
            widget("api_key"),
            true,
        ),
        spot(
            format!(r#"{{"nodes":[],"extra":{{"mine":{{"access_token":{secret}}}}}}}"#),
            None,
            Field::Property("extra.mine.access_token".to_owned()),
            true,
        ),
        spot(
            format!(r#"{{"40":{{"class_type":"FluxSchnell_fal","inputs":{{"seed":-1,"api_key":{secret}}}}}}}"#),
            Some("40"),
            widget("api_key"),
            true,
        ),
        spot(
            format!(
                r#"{{"nodes":[],"extra":{{"prompt":{{"4":{{"class_type":"Chat","inputs":{{"key":{secret}}}}}}}}}}}"#
            ),
            Some("4"),
            widget("key"),
            false,
        ),
    ]
}
