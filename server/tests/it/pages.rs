//! The pages, without a browser.

use crate::support::browser::{Browser, cookie, field};
use crate::support::{Answer, Hub, MANIFEST, send};

fn post(hub: &Hub, path: &str, cookie: &str, body: &str) -> Answer {
    let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
    send(&hub.address, "POST", path, &headers, body.as_bytes())
}

fn sign_in(hub: &Hub, token: &str) -> Answer {
    Browser::new(hub).sign_in(token)
}

#[test]
fn the_front_page_lists_what_one_may_see_and_escapes_it() {
    let hub = Hub::with_team();
    for (user, path) in [("ann", "studio/portraits"), ("sam", "sam/secret")] {
        let repository = hub.repository(user);
        repository.write("pyproject.toml", MANIFEST.replace("v0.3.64", "<script>alert(1)</script>"));
        repository.commit("v2");
        repository.git(&["push", "--quiet", &hub.url(&hub.token(user, "push"), path), "main"]);
    }
    let anonymous = send(&hub.address, "GET", "/", &[], b"").text();
    assert!(anonymous.contains("Sign in") && !anonymous.contains("portraits"));

    let session = sign_in(&hub, &hub.token("rea", "read"));
    assert_eq!((session.status, session.header("location")), (303, "/"));
    let set = session.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Max-Age=604800"), "{set}");
    let front = send(&hub.address, "GET", "/", &[("Cookie", &cookie(&session))], b"");
    let page = front.text();
    assert!(page.contains(&format!("comfydock clone http://{}/studio/portraits", hub.address)), "{page}");
    assert!(page.contains("1 workflow · 0 node packs · 0 models") && page.contains("by ann"), "{page}");
    assert!(!page.contains("secret") && page.contains("private") && !page.contains("<script"), "{page}");
    assert!(front.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(front.header("x-content-type-options"), "nosniff");

    let out = post(&hub, "/logout", &cookie(&session), "csrf=forged");
    assert_eq!(out.status, 403);
    let out = post(&hub, "/logout", &cookie(&session), &format!("csrf={}", field(&page)));
    assert_eq!(out.status, 303);
    let after = send(&hub.address, "GET", "/", &[("Cookie", &cookie(&session))], b"").text();
    assert!(!after.contains("portraits"));
}

#[test]
fn a_session_needs_a_good_token_and_ends_with_it() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let bad = sign_in(&hub, "cdk_nonsense");
    assert_eq!(bad.status, 401);
    assert!(bad.text().contains("not one this hub knows"));
    let form = send(&hub.address, "GET", "/login", &[], b"");
    let forged = post(&hub, "/login", &cookie(&form), &format!("token={token}&csrf=0"));
    assert_eq!(forged.status, 403);
    let nothing = post(&hub, "/login", "comfydock_form=", &format!("token={token}&csrf="));
    assert_eq!(nothing.status, 403);

    let session = cookie(&sign_in(&hub, &token));
    let signed_in = || send(&hub.address, "GET", "/", &[("Cookie", &session)], b"").text().contains("Sign out");
    assert!(signed_in());
    hub.run(&["user", "disable", "ann"]);
    assert!(!signed_in());
    let style = send(&hub.address, "GET", "/static/style.css", &[], b"");
    assert!(
        style.text().contains("prefers-color-scheme: dark") && style.header("content-type").starts_with("text/css")
    );
}

#[test]
fn owners_change_their_environments_on_a_page() {
    let hub = Hub::with_team();
    let repository = hub.repository("ann");
    repository.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "ann/look"), "main"]);
    let mut ann = Browser::new(&hub);
    ann.sign_in(&hub.token("ann", "admin"));
    let front = ann.get("/").text();
    assert!(front.contains("href=\"/ann/look/settings\"") && front.contains("href=\"/account\""), "{front}");
    let settings = ann.get("/ann/look/settings").text();
    assert!(settings.contains("Make it public") && settings.contains("Rename it"), "{settings}");

    let done = ann.post("/ann/look/settings", "action=visibility&value=public");
    assert_eq!((done.status, done.header("location")), (303, "/ann/look/settings"));
    let anonymous = send(&hub.address, "GET", "/", &[], b"").text();
    assert!(anonymous.contains("ann/look") && anonymous.contains("You may pull."), "{anonymous}");
    let done = ann.post("/ann/look/settings", "action=rename&value=portrait");
    assert_eq!((done.status, done.header("location")), (303, "/ann/portrait/settings"));
    let done = ann.post("/ann/portrait/settings", "action=delete&value=Portrait");
    assert_eq!(done.status, 303, "{}", done.text());
    assert!(ann.get("/ann/portrait/settings").text().contains("Restore it"));
    assert!(ann.get("/account").text().contains("can be restored until 20"));
    assert!(!ann.get("/").text().contains("portrait"));
    assert_eq!(ann.post("/ann/portrait/settings", "action=restore").status, 303);
    assert!(ann.get("/").text().contains("ann/portrait"));
}

#[test]
fn where_nothing_is_a_browser_sees_a_page_and_others_a_line() {
    let hub = Hub::with_team();
    let ask = |path, accept| send(&hub.address, "GET", path, &[("Accept", accept)], b"");
    for path in ["/nothing", "/a/b", "/a/b/c/d"] {
        let page = ask(path, "text/html,application/xhtml+xml,*/*;q=0.8");
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("There is nothing here.") && page.text().contains("Sign in"), "{}", page.text());
        let line = ask(path, "*/*");
        assert_eq!((line.status, line.text().as_str()), (404, "error: there is nothing here\n"), "{path}");
    }
}

#[test]
fn tokens_are_made_and_revoked_on_a_page() {
    let hub = Hub::with_team();
    let mut ann = Browser::new(&hub);
    ann.sign_in(&hub.token("ann", "admin"));
    let page = ann.get("/account").text();
    assert!(page.contains("studio") && page.contains("writer") && page.contains("(this one)"), "{page}");
    let made = ann.post("/account/tokens", "name=%3Cci%3E&scope=read&environments=studio%2F*&expires=30");
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    let text = made.text();
    let start = text.find("cdk_").unwrap();
    let token = &text[start..start + 74];
    let who = hub.get(token, "/api/v1/whoami").json();
    assert_eq!((who["scope"].as_str(), who["environments"].as_str()), (Some("read"), Some("studio/*")));
    let page = ann.get("/account").text();
    assert!(page.contains("&lt;ci&gt;") && !page.contains(token), "{page}");
    let id = hub.database().query_row("SELECT max(id) FROM tokens", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(ann.post(&format!("/account/tokens/{id}/revoke"), "").status, 303);
    assert_eq!(hub.get(token, "/api/v1/whoami").status, 401);
    for bad in ["scope=all", "scope=read&expires=soon", "scope=read&environments=studio"] {
        let refused = ann.post("/account/tokens", bad);
        assert_eq!(refused.status, 422, "{bad}");
        let page = refused.text();
        assert!(page.contains("Sign out") && !page.contains("Sign in"), "she is signed in: {page}");
    }
    let mut rea = Browser::new(&hub);
    rea.sign_in(&hub.token("rea", "push"));
    assert!(rea.get("/account").text().contains("sign in with one of the scope admin"));
}
