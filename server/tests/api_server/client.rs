//! The client's files, and the headers of everything.

use offing_core::proto::Code;
use offing_server::api::headers::CONTENT_SECURITY_POLICY;
use offing_server::api::{Access, CALLS};
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
            Access::Cookie | Access::Bearer => {
                assert_eq!(answer.refusal(), (401, Code::SignedOut), "{path}");
            }
        }
        let wrong = reply(world.request(Method::PATCH, &path)).await;
        assert_eq!(wrong.refusal(), (405, Code::NotFound), "{path}");
    }
}
