//! The page for whoever keeps the server: who gets in, for how long, and what it does.

use std::fs;

use offing_core::proto::Code;
use offing_server::admin::{LINK_MS, SESSION_IDLE_MS, SESSION_MS};
use offing_server::api::{Access, CALLS, Takes};
use offing_server::rollout::Rollout;
use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{Reply, reply};
use crate::harness::World;

/// A browser that came by a link.
struct Page<'w> {
    world: &'w World,
    cookie: String,
}

async fn enters(world: &World, secret: &str) -> Reply {
    world.post("/admin/enter", &json!({ "secret": secret })).await
}

impl<'w> Page<'w> {
    async fn of(world: &'w World) -> Self {
        let link = world.state.keeper().make_link().await.unwrap();
        let entered = enters(world, &link).await;
        assert_eq!(entered.status, 204);
        Self { world, cookie: entered.cookie().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let path = format!("/api/v1/admin{path}");
        self.world.request(method, &path).header("cookie", &self.cookie)
    }

    async fn asks(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path)).await
    }

    async fn does(&self, path: &str, body: Value) -> Reply {
        reply(self.request(Method::POST, path).json(&body)).await
    }

    async fn is_in(&self) -> bool {
        self.asks("/server").await.status == 200
    }
}

fn audit(world: &World) -> Vec<(String, String)> {
    let log = fs::read_to_string(world.folder.path().join("audit.log")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["by"], "page");
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        (text("action"), text("account"))
    };
    log.lines().map(line).collect()
}

#[tokio::test]
async fn a_link_is_good_once_and_for_ten_minutes() {
    let world = World::start().await;
    let wrong = (401, Code::WrongCredentials);
    assert_eq!(enters(&world, "").await.refusal(), wrong);
    assert_eq!(enters(&world, "no such link").await.refusal(), wrong);

    let keeper = world.state.keeper();
    let link = keeper.make_link().await.unwrap();
    world.pass_ms(LINK_MS - 1);
    let entered = enters(&world, &link).await;
    assert_eq!(entered.status, 204);
    let cookie = entered.header("set-cookie").unwrap();
    for part in ["__Host-offing-admin=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{part}");
    }
    assert_eq!(enters(&world, &link).await.refusal(), wrong, "it was used");
    // What stands in the cookie is no link.
    let token = entered.cookie().unwrap().split_once('=').unwrap().1.to_owned();
    assert_eq!(enters(&world, &token).await.refusal(), wrong);

    let late = keeper.make_link().await.unwrap();
    world.pass_ms(LINK_MS);
    assert_eq!(enters(&world, &late).await.refusal(), wrong, "it is late");
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_when_it_is_old_and_when_it_is_left() {
    let world = World::start().await;
    let (used, unused) = (Page::of(&world).await, Page::of(&world).await);
    for _ in 0..7 {
        assert!(used.is_in().await);
        world.pass_ms(SESSION_IDLE_MS - 1);
    }
    assert!(!unused.is_in().await);
    assert!(used.is_in().await);
    world.pass_ms(SESSION_MS - 7 * SESSION_IDLE_MS + 7);
    assert!(!used.is_in().await, "it was used all the time");

    let left = Page::of(&world).await;
    let leaves = reply(left.request(Method::POST, "/leave")).await;
    assert!(leaves.status == 204 && leaves.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(!left.is_in().await);
}

#[tokio::test]
async fn locking_and_another_life_of_the_server_end_links_and_sessions() {
    let world = World::start().await;
    let keeper = world.state.keeper();
    for ends in ["lock", "another life"] {
        let (page, link) = (Page::of(&world).await, keeper.make_link().await.unwrap());
        assert!(page.is_in().await);
        match ends {
            "lock" => assert_eq!(keeper.lock().await.unwrap(), 2),
            _ => drop(world.state.services().begin_life().await.unwrap()),
        }
        assert!(!page.is_in().await, "{ends}");
        assert_eq!(enters(&world, &link).await.status, 401, "{ends}");
    }
}

#[tokio::test]
async fn nothing_is_done_without_the_cookie_or_from_another_page() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let page = Page::of(&world).await;
    for call in CALLS.iter().filter(|call| call.access == Access::Admin) {
        let path = call.path.strip_prefix("/admin").unwrap();
        let method: Method = call.method.parse().unwrap();
        let body = json!({ "username": "alice", "quota_bytes": 1, "percent": 1 });
        let ask = |cookie: &str| {
            let request = world.request(method.clone(), &format!("/api/v1{}", call.path));
            let request = request.header("cookie", cookie);
            if call.takes == Takes::Nothing { request } else { request.json(&body) }
        };
        for cookie in ["a=b", &alice.cookie, "__Host-offing-admin=guess"] {
            let refused = reply(ask(cookie)).await;
            assert_eq!(refused.refusal(), (401, Code::SignedOut), "{path} by {cookie}");
        }
        let foreign = ask(&page.cookie).header("origin", "https://evil.example");
        assert_eq!(reply(foreign).await.status, 403, "{path}");
        world.pass_ms(30_000);
    }
    assert!(page.is_in().await);
    let listed: Value = page.does("/accounts", json!({ "username": "" })).await.json();
    assert_eq!(listed["accounts"][0]["quota_bytes"], Value::Null);
    assert_eq!(listed["accounts"][0]["closed"], false);
}

#[tokio::test]
async fn one_address_has_only_so_many_wrong_secrets_looked_at() {
    let world = World::start().await;
    let page = Page::of(&world).await;
    for _ in 0..30 {
        assert!(page.is_in().await, "what is right does not count");
    }
    for _ in 0..10 {
        assert_eq!(enters(&world, "wrong").await.status, 401);
    }
    let link = world.state.keeper().make_link().await.unwrap();
    assert_eq!(enters(&world, &link).await.refusal(), (429, Code::RateLimited));
    assert_eq!(page.asks("/server").await.refusal(), (429, Code::RateLimited));
    world.pass_ms(60_000);
    assert_eq!(enters(&world, &link).await.status, 204);
}

#[tokio::test]
async fn accounts_are_limited_closed_opened_and_signed_out_and_noted_before() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    world.sign_up("bob", "password").await;
    let page = Page::of(&world).await;
    let listed = || async {
        let listed: Value = page.does("/accounts", json!({ "username": "" })).await.json();
        assert_eq!(listed["more"], false);
        listed["accounts"].as_array().unwrap().clone()
    };
    let names: Vec<Value> =
        listed().await.into_iter().map(|account| account["username"].clone()).collect();
    assert_eq!(names, ["alice", "bob"]);

    let limit = json!({ "username": "alice", "quota_bytes": 5_000 });
    assert_eq!(page.does("/limit", limit).await.status, 204);
    assert_eq!(listed().await[0]["quota_bytes"], 5_000);
    let lifted = json!({ "username": "alice", "quota_bytes": null });
    assert_eq!(page.does("/limit", lifted).await.status, 204);
    assert_eq!(listed().await[0]["quota_bytes"], Value::Null);

    let of_alice = json!({ "username": "Alice" });
    let account = || async { reply(world.call(&alice, Method::GET, "/account")).await };
    assert_eq!(page.does("/close", of_alice.clone()).await.status, 204);
    assert_eq!(account().await.refusal(), (403, Code::AccountClosed), "at once");
    assert_eq!(listed().await[0]["closed"], true);
    assert_eq!(page.does("/open", of_alice.clone()).await.status, 204);
    assert_eq!(account().await.status, 200);

    let sessions: Value = page.does("/sessions", of_alice.clone()).await.json();
    assert_eq!(sessions["sessions"][0]["device"], alice.device.to_string());
    let ended: Value = page.does("/sign-out", of_alice.clone()).await.json();
    assert_eq!(ended, json!({ "sessions": 1 }));
    assert_eq!(world.refresh(&alice.cookie).await.status, 401);

    for path in ["/limit", "/close", "/open", "/sign-out", "/sessions"] {
        let nobody = match path {
            "/limit" => json!({ "username": "nobody", "quota_bytes": null }),
            _ => json!({ "username": "nobody" }),
        };
        assert_eq!(page.does(path, nobody).await.refusal(), (404, Code::NotFound), "{path}");
        let wrong = page.does(path, json!({ "name": "alice" })).await;
        assert_eq!(wrong.refusal(), (400, Code::BadRequest), "{path}");
    }
    let expected = ["admin-link -", "admin-enter -", "quota alice", "quota alice", "close alice"];
    let expected = expected.into_iter().chain(["open alice", "sign-out alice"]);
    let noted = audit(&world).into_iter().map(|(action, account)| format!("{action} {account}"));
    assert_eq!(noted.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn an_invitation_makes_an_account_and_what_is_offered_of_the_app_is_changed() {
    let world = World::start().await;
    let page = Page::of(&world).await;
    let invited: Value = reply(page.request(Method::POST, "/invite")).await.json();
    let (place, token) = invited["link"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(place, format!("{}/join", world.state.config().public_url));
    world.try_sign_up(token, "carol", "password", "recovery").await.unwrap();
    let server: Value = page.asks("/server").await.json();
    assert_eq!(server["accounts"], 1);
    assert!(server["disk_bytes"].as_u64() >= server["disk_free_bytes"].as_u64());
    assert_eq!(server["release"], Value::Null);

    let stop = || async { reply(page.request(Method::POST, "/release/stop")).await };
    let share = |percent: u8| page.does("/release/share", json!({ "percent": percent }));
    assert_eq!(stop().await.refusal(), (404, Code::NotFound));
    assert_eq!(share(5).await.refusal(), (404, Code::NotFound));
    let build = world.folder.path().join("build");
    fs::create_dir_all(&build).unwrap();
    let release = r#"{"release":"{\"version\":\"later\"}"}"#;
    fs::write(build.join("release.json"), release).unwrap();
    Rollout::offer(world.folder.path(), &build, 10, &[]).unwrap();
    let offered: Value = share(40).await.json();
    let expected = json!({ "version": "later", "percent": 40, "devices": 0, "stopped": null });
    assert_eq!(offered, expected);
    assert_eq!(share(101).await.refusal(), (400, Code::BadRequest));
    let stopped: Value = stop().await.json();
    assert_eq!(stopped["stopped"], "stopped by hand");
    assert_eq!(page.asks("/server").await.json::<Value>()["release"], stopped);
}
