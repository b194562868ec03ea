//! Requests to the sites: judged addresses, redirects by hand, a token for exactly its host, no more
//! of them than the site wants.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use comfydock_core::site::Refusal;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method};
use tokio::runtime::Runtime;
use url::Url;

use super::address::Addresses;
use super::guard::{self, Consent};
use super::{Error, bounded, client, retry};

/// Hops a question may be sent on.
const REDIRECTS: usize = 5;
/// Bytes of an answer at most.
const LARGEST: usize = 8 * 1024 * 1024;
/// Times that a site that is busy or broken is asked anew.
const AGAIN: u32 = 2;
/// How long an answer may take in all: one that drips is as good as none.
const LONGEST: Duration = Duration::from_secs(60);

/// Where a site may send a question on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Its own other hosts.
    Civitai,
    /// The same host, by a relative address: a renamed repository. Anything else is where the bytes
    /// are, and the question was answered by this hop.
    Relative,
}

/// An answer as it came.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// A header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What is asked for.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) json: Option<serde_json::Value>,
    pub(super) follow: Follow,
}

/// Who asks.
pub(super) struct Asker {
    runtime: Runtime,
    addresses: Addresses,
    consent: Consent,
    clients: Mutex<HashMap<String, Client>>,
    pace: Mutex<Pace>,
    /// How long one answer may take, to its last byte.
    longest: Duration,
}

impl Asker {
    /// Asks with these tokens.
    ///
    /// # Panics
    /// When the system has no resources left for an event loop.
    pub(super) fn new(addresses: Addresses) -> Self {
        let consent = Consent::to(addresses.consented());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("the system gives an event loop"),
            addresses,
            consent,
            clients: Mutex::default(),
            pace: Mutex::new(Pace::new(2.0, 6.0)),
            longest: LONGEST,
        }
    }

    /// Asks, and again a few times if the site is busy or broken, as `meaning` says.
    pub(super) fn ask(
        &self,
        request: &Request,
        meaning: impl Fn(&Reply) -> Option<Refusal>,
    ) -> Result<Result<Reply, Refusal>, Error> {
        let mut failed = 0;
        loop {
            let reply = self.runtime.block_on(self.follow(request))?;
            let Some(refusal) = meaning(&reply) else { return Ok(Ok(reply)) };
            failed += 1;
            let asked = if let Refusal::Busy(seconds) = &refusal { *seconds } else { None };
            match retry::wait(failed, asked).filter(|_| refusal.passes() && failed <= AGAIN) {
                Some(pause) => std::thread::sleep(pause),
                None => return Ok(Err(refusal)),
            }
        }
    }

    async fn follow(&self, request: &Request) -> Result<Reply, Error> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let reply = self.send(request, &url).await?;
            let location = reply.header(LOCATION.as_str()).filter(|_| (300..400).contains(&reply.status));
            let Some(next) = location.and_then(|location| next(&url, location, request.follow)) else {
                return Ok(reply);
            };
            url = next;
        }
        Err(Error::Unexpected { place: place(&url), message: format!("more than {REDIRECTS} redirects") })
    }

    async fn send(&self, request: &Request, url: &Url) -> Result<Reply, Error> {
        if request.follow == Follow::Civitai {
            let pause = self.pace.lock().map(|mut pace| pace.take(Instant::now())).unwrap_or_default();
            tokio::time::sleep(pause).await;
        }
        let late = |_| Error::Unexpected {
            place: place(url),
            message: format!("no whole answer within {:.0} s", self.longest.as_secs_f64()),
        };
        tokio::time::timeout(self.longest, self.send_now(request, url)).await.map_err(late)?
    }

    async fn send_now(&self, request: &Request, url: &Url) -> Result<Reply, Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable { place: place(url), source: error.without_url() };
        let client = self.client(url).await?;
        let mut sent = client.request(request.method.clone(), url.clone()).header("Accept-Encoding", "identity");
        if let Some(json) = &request.json {
            sent = sent.json(json);
        }
        if let Some(authorization) = self.addresses.authorization(url) {
            sent = sent.header(reqwest::header::AUTHORIZATION, authorization);
        }
        let mut response = sent.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = bounded(&mut response, LARGEST).await.map_err(unreachable)?;
        let body =
            body.ok_or_else(|| Error::Unexpected { place: place(url), message: "an endless answer".to_owned() })?;
        Ok(Reply { status, headers, body })
    }

    /// A client that connects only to addresses that were judged.
    async fn client(&self, url: &Url) -> Result<Client, Error> {
        let key = super::hub::origin(url);
        if let Some(client) = self.clients.lock().ok().and_then(|clients| clients.get(&key).cloned()) {
            return Ok(client);
        }
        let addresses = guard::check(url, &self.consent).await?;
        let made = client()
            .resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses)
            .no_proxy()
            .build()
            .map_err(|error| Error::Unreachable { place: place(url), source: error.without_url() })?;
        if let Ok(mut clients) = self.clients.lock() {
            clients.insert(key, made.clone());
        }
        Ok(made)
    }
}

fn place(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn next(url: &Url, location: &str, follow: Follow) -> Option<Url> {
    let target = url.join(location).ok()?;
    let same_host = target.origin() == url.origin();
    let allowed = match follow {
        Follow::Relative => same_host && location.starts_with('/') && !location.starts_with("//"),
        Follow::Civitai => {
            let own =
                |url: &Url| url.host_str().is_some_and(|host| comfydock_core::source::CIVITAI_HOSTS.contains(&host));
            same_host || (own(url) && own(&target) && target.scheme() == "https")
        }
    };
    allowed.then_some(target)
}

/// So many requests a second, and some at once.
struct Pace {
    rate: f64,
    burst: f64,
    left: f64,
    at: Option<Instant>,
}

impl Pace {
    fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, left: burst, at: None }
    }

    /// How long to wait before the next request, which is counted.
    fn take(&mut self, now: Instant) -> Duration {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        self.left = (self.left + since.as_secs_f64() * self.rate).min(self.burst) - 1.0;
        Duration::from_secs_f64((-self.left / self.rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::super::endpoint::Endpoints;
    use super::*;

    #[test]
    fn an_answer_that_drips_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while sent.is_ok() {
                std::thread::sleep(Duration::from_millis(20));
                sent = stream.write_all(b"[");
            }
        });
        let endpoints = Endpoints { civitai: Some(url.clone()), ..Endpoints::default() };
        let asker = Asker { longest: Duration::from_millis(300), ..Asker::new(Addresses::new(endpoints, None)) };
        let request = Request { method: Method::GET, url, json: None, follow: Follow::Relative };
        let began = Instant::now();
        let message = asker.ask(&request, |_| None).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("no whole answer"), "{message}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn some_at_once_and_then_two_a_second() {
        let mut pace = Pace::new(2.0, 3.0);
        let start = Instant::now();
        let waits: Vec<u128> = (0..6).map(|_| pace.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000, 1500]);
        assert_eq!(pace.take(start + Duration::from_secs(60)).as_millis(), 0);
    }

    #[test]
    fn where_a_question_may_be_sent_on() {
        let url = |text: &str| Url::parse(text).unwrap();
        let hugging_face = url("https://huggingface.co/o/r/resolve/main/x");
        for (location, goes) in [
            ("/new/r/resolve/main/x", true),
            ("//evil.example/x", false),
            ("https://cas-bridge.xethub.hf.co/x", false),
            ("https://huggingface.co/o/r", false),
        ] {
            assert_eq!(next(&hugging_face, location, Follow::Relative).is_some(), goes, "{location}");
        }
        let green = url("https://civitai.green/api/v1/x");
        for (location, goes) in [
            ("https://civitai.com/api/v1/x", true),
            ("/api/v1/y", true),
            ("http://civitai.com/api/v1/x", false),
            ("https://civitai.com.evil.example/x", false),
            ("https://b2.civitai.com/x", false),
        ] {
            assert_eq!(next(&green, location, Follow::Civitai).is_some(), goes, "{location}");
        }
    }
}
