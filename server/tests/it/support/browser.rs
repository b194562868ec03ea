//! A browser, as far as forms and cookies go.

use super::{Answer, Hub, send};

/// A browser on a hub.
pub(crate) struct Browser {
    address: String,
    session: String,
    csrf: String,
}

/// What the page's form carries.
pub(crate) fn field(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The cookie that an answer sets.
pub(crate) fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

impl Browser {
    pub(crate) fn new(hub: &Hub) -> Self {
        Self { address: hub.address.clone(), session: String::new(), csrf: String::new() }
    }

    /// Pastes a token into the form for it.
    pub(crate) fn sign_in(&mut self, token: &str) -> Answer {
        let form = self.get("/login");
        let body = format!("token={token}&csrf={}", field(&form.text()));
        let answer = self.send("POST", "/login", &cookie(&form), &body);
        if answer.status == 303 {
            self.session = cookie(&answer);
            self.csrf = field(&self.get("/").text());
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &self.session, "")
    }

    /// Sends a form as the page that it stands on would.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(&self.csrf, path, body)
    }

    /// Sends a form with a word of one's own.
    pub(crate) fn post_with(&self, csrf: &str, path: &str, body: &str) -> Answer {
        self.send("POST", path, &self.session, &format!("csrf={csrf}&{body}"))
    }

    fn send(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
        send(&self.address, method, path, &headers, body.as_bytes())
    }
}
