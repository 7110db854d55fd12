//! The client's files, and the headers of everything.

use offing_core::proto::{Code, NextRelease, ReleaseStart, Releases};
use offing_server::api::headers::CONTENT_SECURITY_POLICY;
use offing_server::api::{Access, CALLS};
use offing_server::rollout::Rollout;
use reqwest::Method;

use crate::calls::{Reply, reply};
use crate::harness::{Differs, World};

async fn with_client() -> World {
    let world = World::start().await;
    let dist = world.folder.path().join("dist");
    for (name, content) in [
        ("index.html", "<!doctype html>"),
        ("sw.js", "// worker"),
        ("assets/page-abc.wasm", "\0asm"),
        ("assets/page-abc.wasm.br", "compressed"),
        ("manifest.webmanifest", "{}"),
    ] {
        std::fs::write(dist.join(name), content).unwrap();
    }
    world
}

/// Puts a second build beside the one that is served; answers its folder.
fn next_build(world: &World) -> std::path::PathBuf {
    let next = world.folder.path().join("next-build");
    std::fs::create_dir_all(next.join("assets")).unwrap();
    let release = r#"{"release":"{\"version\":\"later\"}"}"#;
    for (name, content) in [
        ("index.html", "<!doctype html><title>later"),
        ("release.json", release),
        ("assets/page-def.wasm", "later"),
    ] {
        std::fs::write(next.join(name), content).unwrap();
    }
    next
}

async fn get(world: &World, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    let mut request = world.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request).await
}

#[tokio::test]
async fn every_place_of_the_app_opens_the_app() {
    let world = with_client().await;
    for path in ["/", "/files/0123", "/join", "/a/b/c"] {
        let page = world.get(path).await;
        assert_eq!(page.body, "<!doctype html>", "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
    }
    let dotted = get(&world, "/files/notes.md", &[("accept", "text/html,*/*")]).await;
    assert_eq!(dotted.body, "<!doctype html>");
}

#[tokio::test]
async fn a_missing_file_is_missing_and_nothing_outside_is_served() {
    let world = with_client().await;
    std::fs::write(world.folder.path().join("secret.txt"), "secret").unwrap();
    for path in ["/assets/gone.js", "/favicon.ico", "/%2e%2e/secret.txt", "/api/v1/nothing"] {
        assert_eq!(world.get(path).await.refusal(), (404, Code::NotFound), "{path}");
    }
    let request = world.request(Method::POST, "/files");
    assert_eq!(reply(request).await.refusal(), (405, Code::NotFound));
}

#[tokio::test]
async fn hashed_files_are_for_ever_and_come_compressed_to_who_takes_it() {
    let world = with_client().await;
    let plain = get(&world, "/assets/page-abc.wasm", &[]).await;
    assert_eq!(plain.body, "\0asm");
    assert_eq!(plain.header("content-type"), Some("application/wasm"));
    assert_eq!(plain.header("cache-control"), Some("public,max-age=31536000,immutable"));
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    let small = get(&world, "/assets/page-abc.wasm", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(small.body, "compressed");
    assert_eq!(small.header("content-encoding"), Some("br"));
    assert_eq!(small.header("content-type"), Some("application/wasm"));
    assert_ne!(small.header("etag"), plain.header("etag"));
}

#[tokio::test]
async fn other_files_are_revalidated() {
    let world = with_client().await;
    let worker = world.get("/sw.js").await;
    assert_eq!(worker.header("cache-control"), Some("no-cache"));
    assert_eq!(worker.header("service-worker-allowed"), Some("/"));
    let etag = worker.header("etag").unwrap();
    let again = get(&world, "/sw.js", &[("if-none-match", etag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let manifest = world.get("/manifest.webmanifest").await;
    assert_eq!(manifest.header("content-type"), Some("application/manifest+json"));
    let head = reply(world.request(Method::HEAD, "/sw.js")).await;
    assert_eq!(head.header("content-length"), Some("9"));
}

#[tokio::test]
async fn an_absent_client_is_said_plainly() {
    let world = World::start().await;
    assert_eq!(world.get("/").await.status, 503);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let world = with_client().await;
    for path in [
        "/",
        "/assets/page-abc.wasm",
        "/assets/gone",
        "/api/v1/info",
        "/api/v1/account",
        "/healthz",
    ] {
        let answer = world.get(path).await;
        for (name, value) in [
            ("content-security-policy", CONTENT_SECURITY_POLICY),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("origin-agent-cluster", "?1"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {path}");
        }
        assert!(answer.header("permissions-policy").is_some());
        assert!(answer.header("x-request-id").is_some());
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    assert!(CONTENT_SECURITY_POLICY.contains("require-trusted-types-for 'script'"));
}

#[tokio::test]
async fn only_the_page_may_have_the_script_of_its_preview_inline() {
    let world = with_client().await;
    let digest = "frame".repeat(8) + "abc=";
    let file = world.folder.path().join("dist/frame.sha256");
    std::fs::write(&file, format!("sha256-{digest}\n")).unwrap();
    let policy = |answer: &Reply| answer.header("content-security-policy").unwrap().to_owned();
    assert!(policy(&world.get("/files/0123").await).contains(&format!("'sha256-{digest}'")));
    for path in ["/sw.js", "/assets/page-abc.wasm", "/api/v1/info"] {
        assert_eq!(policy(&world.get(path).await), CONTENT_SECURITY_POLICY, "{path}");
    }
    std::fs::write(&file, "sha256-x' 'unsafe-inline").unwrap();
    assert_eq!(policy(&world.get("/").await), CONTENT_SECURITY_POLICY);
}

#[tokio::test]
async fn transport_security_is_promised_only_over_tls() {
    let public_url = Some("https://drive.example".to_owned());
    let world = World::start_with(Differs { public_url, ..Differs::default() }).await;
    assert!(world.get("/healthz").await.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn every_call_exists_and_refuses_whom_it_should() {
    let world = World::start().await;
    let described = world.get("/api/v1/openapi.json").await.json::<serde_json::Value>();
    for call in CALLS {
        let path = format!("/api/v1{}", call.path);
        let method = call.method.to_lowercase();
        assert!(described["paths"][&path][&method].is_object(), "{} {path}", call.method);
        let id = "00".repeat(32);
        let path = path.replace("{vault}", &id).replace("{chunk}", &id);
        let method: Method = call.method.parse().unwrap();
        let request = world
            .request(method, &path)
            .header("origin", format!("http://{}", world.address))
            .header("content-type", call.takes.media_type().unwrap_or("text/plain"));
        let answer = reply(request).await;
        let is_sign_out = call.path == "/auth/sign-out";
        match call.access {
            Access::Open => assert_ne!(answer.status, 404, "{path}"),
            Access::Cookie if is_sign_out => assert_eq!(answer.status, 204),
            Access::Cookie | Access::Bearer | Access::Reader | Access::Admin => {
                assert_eq!(answer.refusal(), (401, Code::SignedOut), "{path}");
            }
        }
        let wrong = reply(world.request(Method::PATCH, &path)).await;
        assert_eq!(wrong.refusal(), (405, Code::NotFound), "{path}");
    }
}

#[tokio::test]
async fn a_next_build_is_served_beside_the_first_and_offered_until_too_many_starts_fail() {
    let world = with_client().await;
    assert_eq!(world.get("/api/v1/release").await.json::<Releases>().next, None);
    assert_eq!(world.get("/next/index.html").await.refusal(), (404, Code::NotFound));
    world.pass_ms(2_000);
    let next = next_build(&world);
    Rollout::offer(world.folder.path(), &next, 10, &[]).unwrap();
    let told = NextRelease { version: "later".to_owned(), percent: 10, allow: Vec::new() };
    assert_eq!(world.get("/api/v1/release").await.json::<Releases>().next, Some(told));
    assert_eq!(world.get("/next/index.html").await.body, "<!doctype html><title>later");
    assert_eq!(world.get("/").await.body, "<!doctype html>");
    assert_eq!(world.get("/next/%2e%2e/secret.txt").await.refusal(), (404, Code::NotFound));

    let start = ReleaseStart { version: "later".to_owned(), good: false };
    for _ in 0..3 {
        assert_eq!(world.post("/release/starts", &start).await.status, 204);
    }
    assert_eq!(world.get("/api/v1/release").await.json::<Releases>().next, None);
    // Who runs it goes on asking for its files.
    assert_eq!(world.get("/assets/page-def.wasm").await.body, "later");
}

#[tokio::test]
async fn one_address_can_say_only_so_much_of_starts() {
    let world = with_client().await;
    let start = ReleaseStart { version: "later".to_owned(), good: true };
    for _ in 0..6 {
        assert_eq!(world.post("/release/starts", &start).await.status, 204);
    }
    let more = world.post("/release/starts", &start).await;
    assert_eq!(more.refusal(), (429, Code::RateLimited));
}
