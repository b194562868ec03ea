//! The pages, without a browser.

use crate::support::{Answer, Hub, MANIFEST, send};

fn field(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn post(hub: &Hub, path: &str, cookie: &str, body: &str) -> Answer {
    let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
    send(&hub.address, "POST", path, &headers, body.as_bytes())
}

fn sign_in(hub: &Hub, token: &str) -> Answer {
    let form = send(&hub.address, "GET", "/login", &[], b"");
    post(hub, "/login", &cookie(&form), &format!("token={token}&csrf={}", field(&form.text())))
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
