//! Following redirects by hand: every hop is judged, and told no more than it must know.

use comfydock_bundle::registry::tls::{BELIEVE, Doubt, doubt};
use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint;
use comfydock_core::site::hugging_face::bare_tag;
use comfydock_core::site::{Refusal, Site};
use reqwest::Response;
use reqwest::header::AUTHORIZATION;
use url::Url;

use super::Engine;
use super::judge::{LOGIN, header};
use super::part::Validator;
use super::verdict::Try;
use super::windows::Way;
use crate::remote::{self, client, guard};

/// Hops a download may be sent on.
const REDIRECTS: usize = 5;

/// What is asked for.
pub(super) struct Ask<'a> {
    /// From which byte on.
    pub(super) begun: u64,
    /// Which version the earlier bytes are of, as a host named it.
    pub(super) validator: Option<&'a Validator>,
    /// Whether any version's bytes may follow: its hash will tell.
    pub(super) any_version: bool,
}

/// The answer at the end of the way.
pub(super) struct Answer {
    pub(super) response: Response,
    /// Whether the source's own host gave it, or another front of the same site.
    pub(super) own: bool,
    /// The site whose host gave it.
    pub(super) site: Option<Site>,
    /// The host, with its port.
    pub(super) host: String,
    /// The range that was asked for, if any.
    pub(super) asked: Option<u64>,
    /// The way to it, for further connections.
    pub(super) way: Way,
    /// What was sent to prove who we are; never to be repeated.
    pub(super) secret: Option<String>,
    /// The SHA-256 that the source's own host says the file has; what others say of it is of theirs.
    pub(super) declared: Option<Sha256>,
}

pub(super) async fn open(engine: &Engine<'_>, url: &Url, ask: &Ask<'_>) -> Result<Answer, Try> {
    let mut url = url.clone();
    let (first, began_at) = (place(&url), engine.addresses.site(&url));
    let mut been = vec![url.clone()];
    let mut declared = None;
    loop {
        let addresses = guard::check(&url, engine.consent).await.map_err(guarded)?;
        let host = place(&url);
        let client = client()
            // The attempt watches the body and says what came of it; this is for when it does not look.
            .read_timeout(engine.pace.stall * 3)
            .resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses)
            .no_proxy()
            .build()
            .map_err(|error| Try::refused(cause(error)))?;
        let mut request = client.get(url.clone()).header("Accept-Encoding", "identity");
        let authorization = engine.addresses.authorization(&url);
        let secret = authorization.as_ref().and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(value) = &authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let same = ask.validator.filter(|validator| validator.host == host);
        let asked = (ask.begun > 0 && (ask.any_version || same.is_some())).then_some(ask.begun);
        if let Some(begun) = asked {
            request = request.header("Range", format!("bytes={begun}-"));
            if let Some(validator) = same {
                request = request.header("If-Range", &validator.value);
            }
        }
        let silent = |_| Try::broken(format!("no answer came for {:.0} s", engine.pace.stall.as_secs_f64()));
        let response = tokio::time::timeout(engine.pace.stall, request.send()).await.map_err(silent)?;
        let response = response.map_err(unreachable)?;
        if host == first {
            let linked = header(response.headers(), "x-linked-etag").map(bare_tag);
            declared = declared.or_else(|| linked.and_then(|text| Sha256::parse(text).ok()));
        }
        if !response.status().is_redirection() {
            let site = engine.addresses.site(&url);
            let own = host == first || (site.is_some() && site == began_at);
            let way = Way { client, url, authorization, version: None };
            return Ok(Answer { response, own, site, host, asked, way, secret, declared });
        }
        url = next(&url, &response, &been, engine.addresses.site(&url))?;
        been.push(url.clone());
    }
}

/// Where a redirect leads, if it may be followed.
fn next(url: &Url, response: &Response, been: &[Url], site: Option<Site>) -> Result<Url, Try> {
    let next = header(response.headers(), "location")
        .and_then(|text| url.join(text).ok())
        .filter(|next| matches!(next.scheme(), "http" | "https"))
        .ok_or_else(|| Try::refused("it redirects to nowhere"))?;
    if next.path().split('/').any(|segment| segment == "login")
        || next.query().is_some_and(|query| query.contains("reason=download-auth"))
    {
        return Err(Try::Refused {
            reason: site.map_or_else(|| LOGIN.to_owned(), |site| Refusal::Login(None).told(site)),
            verdict: Some(comfydock_core::observation::Verdict::AuthRequired),
            status: Some(response.status().as_u16()),
        });
    }
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(Try::refused("it redirects from https to an address without"));
    }
    if been.contains(&next) {
        return Err(Try::refused("it redirects in a circle"));
    }
    if been.len() > REDIRECTS {
        return Err(Try::refused(format!("it redirects more than {REDIRECTS} times")));
    }
    Ok(next)
}

/// `host:port`, which is who answers.
fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

fn guarded(error: remote::Error) -> Try {
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    match error {
        // Names that cannot be looked up now may be found a moment later.
        remote::Error::Lookup { .. } => Try::broken(error.to_string()),
        _ => Try::refused(format!("{error}{hint}")),
    }
}

/// It cannot be reached: now, or as long as its certificate is not believed.
fn unreachable(error: reqwest::Error) -> Try {
    match doubt(&error) {
        Some(Doubt::Certificate) => Try::refused(format!("it cannot be reached ({}); {BELIEVE}", cause(error))),
        _ => Try::broken(format!("it cannot be reached ({})", cause(error))),
    }
}

/// The innermost cause, without the URL.
pub(super) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}
