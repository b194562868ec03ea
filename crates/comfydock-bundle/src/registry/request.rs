//! One question to a registry: credentials for it alone, redirects by hand, again when it is busy.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use comfydock_core::oci::{Code, complaint};
use comfydock_core::retry;
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, Response};
use url::Url;

use super::auth::Scope;
use super::tls::doubt;
use super::{Error, Inner};

/// Hops a question is sent on at most.
const REDIRECTS: usize = 5;
/// Bytes of a refusal that are read.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// Why something did not work this time.
pub(super) enum Fault {
    /// It will not work another time either.
    Final(Error),
    /// It may, after so many seconds if the server said so.
    Passing(Error, Option<u32>),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What is asked.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) scope: Scope,
    /// Whether the answer may be somewhere else.
    pub(super) follow: bool,
}

impl Ask {
    pub(super) fn new(method: Method, url: Url, scope: Scope) -> Self {
        let follow = method == Method::GET || method == Method::HEAD;
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), scope, follow }
    }
}

/// A body of at most so many bytes; none when it is longer.
pub(super) async fn bounded(response: &mut Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        if body.len() + bytes.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&bytes);
    }
    Ok(Some(body))
}

/// A header's value, if it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    url.host_str().unwrap_or_default().to_owned() + &port
}

impl Inner {
    /// An address below `/v2/`.
    pub(super) fn at(&self, path: &str) -> Url {
        // Names, tags and digests need no escaping.
        self.base.join(path).expect("validated names make an address")
    }

    /// Asks until there is an answer that will not change by asking again.
    ///
    /// # Errors
    /// When the registry cannot be reached, wants other credentials, or is busy for too long.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Response, Error> {
        let mut failed = 0;
        loop {
            match self.ask_once(ask).await {
                Ok(response) => return Ok(response),
                Err(fault) => self.rest(&mut failed, fault).await?,
            }
        }
    }

    /// Asks, and reads the whole answer, again from the question if the connection breaks meanwhile.
    pub(super) async fn ask_whole(&self, ask: &Ask, most: usize) -> Result<(Response, Vec<u8>), Error> {
        let mut failed = 0;
        loop {
            let whole = async {
                let mut response = self.ask_once(ask).await?;
                let place = place(response.url());
                let body = self.in_time(bounded(&mut response, most), &place).await?;
                let endless = || Error::Unexpected { place, message: format!("more than {most} bytes") };
                Ok::<_, Fault>((response, body.ok_or_else(endless)?))
            };
            match whole.await {
                Ok(answer) => return Ok(answer),
                Err(fault) => self.rest(&mut failed, fault).await?,
            }
        }
    }

    /// Waits before another try, if there is to be one.
    pub(super) async fn rest(&self, failed: &mut u32, fault: Fault) -> Result<(), Error> {
        *failed += 1;
        let (error, asked) = match fault {
            Fault::Final(error) => return Err(error),
            Fault::Passing(error, asked) => (error, asked),
        };
        let Some(pause) = retry::wait(*failed, asked, chance()) else { return Err(error) };
        tokio::time::sleep(self.options.second.mul_f64(pause.as_secs_f64())).await;
        Ok(())
    }

    /// Asks once, of whoever the registry sends us to.
    pub(super) async fn ask_once(&self, ask: &Ask) -> Result<Response, Fault> {
        let mut url = ask.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.ask_here(ask, &url).await?;
            let place = place(&url);
            self.judge_passing(&response, &place)?;
            let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            match header(response.headers(), LOCATION.as_str()).filter(|_| moved && ask.follow) {
                Some(location) => url = self.judge_hop(&url, location)?,
                None => return Ok(response),
            }
        }
        let message = format!("more than {REDIRECTS} redirects");
        Err(Error::Unexpected { place: self.host.clone(), message }.into())
    }

    /// Asks one server, and again with what it wants to know of us.
    async fn ask_here(&self, ask: &Ask, url: &Url) -> Result<Response, Fault> {
        let mut refused = false;
        loop {
            let authorization = self.authorization(url, &ask.scope).await?;
            let mut request = self.http.request(ask.method.clone(), url.clone()).headers(ask.headers.clone());
            if !ask.body.is_empty() || matches!(ask.method, Method::POST | Method::PUT) {
                request = request.body(ask.body.clone());
            }
            if let Some(authorization) = &authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let response = self.answer(request, &place(url)).await?;
            if response.status().as_u16() != 401 || url.origin() != self.base.origin() {
                return Ok(response);
            }
            if refused {
                return Err(self.refusal(response, "this", &ask.scope).await.into());
            }
            refused = true;
            self.learn(response.headers(), &ask.scope, authorization.as_ref()).await?;
        }
    }

    /// The head of the answer, in time.
    pub(super) async fn answer(&self, request: RequestBuilder, place: &str) -> Result<Response, Fault> {
        self.in_time(request.header("Accept-Encoding", "identity").send(), place).await
    }

    /// What the network gives, if it comes before it has to count as stalled.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, reqwest::Error>>,
        place: &str,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(self.options.stall, work).await {
            Ok(done) => done.map_err(|error| unreachable(place, error)),
            Err(_) => Err(Fault::Passing(Error::Stalled { place: place.to_owned() }, None)),
        }
    }

    /// Whether another time may be better.
    pub(super) fn judge_passing(&self, response: &Response, place: &str) -> Result<(), Fault> {
        let status = response.status().as_u16();
        if ![408, 429, 500, 502, 503, 504].contains(&status) {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let seconds = retry::asked(|name| header(response.headers(), name), now);
        Err(Fault::Passing(Error::Busy { place: place.to_owned(), status, seconds }, seconds))
    }

    /// Where a server sends us: never from https to plain http.
    pub(super) fn judge_hop(&self, from: &Url, location: &str) -> Result<Url, Error> {
        let odd = |message: String| Error::Unexpected { place: place(from), message };
        let mut target = from.join(location).map_err(|_| odd("it sends us to no address".to_owned()))?;
        let _ = target.set_username("");
        let _ = target.set_password(None);
        if !matches!(target.scheme(), "http" | "https") || target.host().is_none() {
            return Err(odd("it sends us to no address".to_owned()));
        }
        if from.scheme() == "https" && target.scheme() == "http" {
            return Err(odd(format!("it sends us from https to plain http at {}", place(&target))));
        }
        Ok(target)
    }

    /// What a refusal means.
    pub(super) async fn refusal(&self, mut response: Response, what: &str, scope: &Scope) -> Error {
        let place = place(response.url());
        let body = self.in_time(bounded(&mut response, LARGEST_REFUSAL), &place).await;
        self.refusal_of(&response, &body.ok().flatten().unwrap_or_default(), what, scope)
    }

    /// What a refusal means whose body was read.
    pub(super) fn refusal_of(&self, response: &Response, body: &[u8], what: &str, scope: &Scope) -> Error {
        let (status, place) = (response.status().as_u16(), place(response.url()));
        let said = complaint(body);
        let message = match self.auth.redacted(&said.message) {
            words if words.is_empty() => format!("HTTP status {status}"),
            words => words,
        };
        if place != self.place() {
            return Error::Refused { place, what: what.to_owned(), status, code: said.code, message };
        }
        let repository = scope.repository.clone();
        let unknown = matches!(said.code, Some(Code::NameUnknown | Code::ManifestUnknown | Code::BlobUnknown));
        match (status, said.code) {
            (401, _) => self.unauthorized(scope, &message),
            (403, _) | (_, Some(Code::Denied)) => Error::Denied { place: self.host.clone(), repository, message },
            (404, code) if unknown || code.is_none() => {
                let what = what.strip_prefix("the ").unwrap_or(what).to_owned();
                Error::Unknown { place: self.host.clone(), what, code }
            }
            (_, code) => Error::Refused { place: self.host.clone(), what: what.to_owned(), status, code, message },
        }
    }

    /// The registry's own host and port.
    pub(super) fn place(&self) -> String {
        place(&self.base)
    }
}

/// A failure of the network, which passes unless it is the wrong server. An address may hold a signature, so it is
/// not told.
pub(super) fn unreachable(place: &str, error: reqwest::Error) -> Fault {
    let doubt = doubt(&error);
    let error = Error::Unreachable { place: place.to_owned(), source: error.without_url() };
    if doubt.is_some() { Fault::Final(error) } else { Fault::Passing(error, None) }
}

/// Any number.
pub(super) fn chance() -> u8 {
    let [chance, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    chance
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Credentials;
    use super::super::{Options, Registry};
    use super::*;

    fn registry(host: &str, plain_http: bool) -> Registry {
        Registry::open(host, Credentials::nobody(), Options { plain_http, ..Options::default() }).unwrap()
    }

    #[test]
    fn how_a_registry_is_reached() {
        for (host, plain, base) in [
            ("ghcr.io", false, "https://ghcr.io/v2/"),
            ("docker.io", false, "https://registry-1.docker.io/v2/"),
            ("nas:5000", false, "https://nas:5000/v2/"),
            ("nas:5000", true, "http://nas:5000/v2/"),
            ("localhost:5000", false, "http://localhost:5000/v2/"),
            ("127.0.0.1", false, "http://127.0.0.1/v2/"),
            ("[::1]:5000", false, "http://[::1]:5000/v2/"),
            ("localhost.example", false, "https://localhost.example/v2/"),
        ] {
            assert_eq!(registry(host, plain).0.base.as_str(), base);
        }
    }

    #[test]
    fn where_we_may_be_sent() {
        let registry = registry("ghcr.io", false);
        let from = Url::parse("https://ghcr.io/v2/a/blobs/uploads/").unwrap();
        for (location, target) in [
            ("/v2/a/up?x=1", Some("https://ghcr.io/v2/a/up?x=1")),
            ("https://storage.example/x", Some("https://storage.example/x")),
            ("https://me:pw@storage.example/x", Some("https://storage.example/x")),
            ("http://ghcr.io/x", None),
            ("http://127.0.0.1/x", None),
            ("file:///etc/passwd", None),
            ("https://", None),
        ] {
            let judged = registry.0.judge_hop(&from, location).ok();
            assert_eq!(judged.as_ref().map(Url::as_str), target, "{location}");
        }
        let from = Url::parse("http://localhost:5000/v2/").unwrap();
        assert!(registry.0.judge_hop(&from, "https://storage.example/x").is_ok());
    }

    #[test]
    fn where_a_password_may_go() {
        for (host, plain, realm, goes) in [
            ("ghcr.io", false, "https://ghcr.io/token", true),
            ("docker.io", false, "https://auth.docker.io/token", true),
            ("ghcr.io", false, "http://ghcr.io/token", false),
            ("ghcr.io", false, "https://127.0.0.1/token", false),
            ("ghcr.io", false, "http://localhost/token", false),
            ("localhost:5000", false, "http://localhost:5001/token", true),
            ("localhost:5000", false, "http://nas/token", false),
            ("localhost:5000", false, "https://nas/token", true),
            ("nas:5000", true, "http://nas/token", true),
            ("nas:5000", true, "ftp://nas/token", false),
        ] {
            assert_eq!(registry(host, plain).0.judge_realm(realm).is_ok(), goes, "{host} {realm}");
        }
    }

    #[test]
    fn nothing_of_credentials_goes_to_another_origin() {
        let given = super::super::credentials::Given::Token(super::super::Secret::new("t"));
        let name = comfydock_core::oci::RepositoryName::parse("a").unwrap();
        let known = Credentials::find("ghcr.io", &name, Some(given), None, &Default::default()).unwrap();
        let registry = Registry::open("ghcr.io", known, Options::default()).unwrap();
        let scope = Scope::pull(&name);
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", "Basic realm=x".parse().unwrap());
        let inner = &registry.0;
        inner.block_on(inner.learn(&headers, &scope, None)).unwrap();
        for (url, goes) in [
            ("https://ghcr.io/v2/", true),
            ("https://ghcr.io:443/v2/", true),
            ("http://ghcr.io/v2/", false),
            ("https://ghcr.io:8443/v2/", false),
            ("https://x.ghcr.io/v2/", false),
            ("https://ghcr.io.example/v2/", false),
        ] {
            let header = inner.block_on(inner.authorization(&Url::parse(url).unwrap(), &scope)).ok().flatten();
            assert_eq!(header.is_some(), goes, "{url}");
        }
    }
}
