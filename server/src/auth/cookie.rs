//! The session cookie: its name, its attributes, where it is found.
//!
//! What a token means and how it rotates is `service::sessions`' business.

use axum::http::{HeaderMap, HeaderValue, header};
use offing_core::limits;

use crate::admin::SESSION_MS;

/// Name of the cookie; the prefix makes browsers insist on the attributes below.
pub const COOKIE: &str = "__Host-offing";

/// Name of the cookie of the page for whoever keeps the server.
pub const ADMIN_COOKIE: &str = "__Host-offing-admin";

/// Finds the token among a request's cookies.
pub fn find(headers: &HeaderMap) -> Option<&str> {
    find_named(COOKIE, headers)
}

/// Finds the token of the page's session among a request's cookies.
pub fn find_admin(headers: &HeaderMap) -> Option<&str> {
    find_named(ADMIN_COOKIE, headers)
}

fn find_named<'h>(wanted: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, token) = pair.trim().split_once('=')?;
            (name == wanted && !token.is_empty()).then_some(token)
        })
}

/// The `Set-Cookie` that hands a token out.
pub fn set(token: &str) -> HeaderValue {
    let life_s = limits::SESSION_SECONDS;
    HeaderValue::from_str(&format!("{COOKIE}={token}; Max-Age={life_s}; {ATTRIBUTES}"))
        .expect("a token is base64url")
}

/// The `Set-Cookie` that takes any token back.
pub fn clear() -> HeaderValue {
    cleared(COOKIE)
}

/// The `Set-Cookie` that hands out the token of a session of the page.
pub fn set_admin(token: &str) -> HeaderValue {
    let life_s = SESSION_MS / 1_000;
    HeaderValue::from_str(&format!("{ADMIN_COOKIE}={token}; Max-Age={life_s}; {ATTRIBUTES}"))
        .expect("a token is base64url")
}

/// The `Set-Cookie` that takes it back.
pub fn clear_admin() -> HeaderValue {
    cleared(ADMIN_COOKIE)
}

fn cleared(name: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("{name}=; Max-Age=0; {ATTRIBUTES}"))
        .expect("constants are visible ASCII")
}

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; __Host-offing=tok; c=d"));
        assert_eq!(find(&headers), Some("tok"));
        assert_eq!(find_admin(&headers), None);
        headers.insert(header::COOKIE, HeaderValue::from_static("offing=tok; __Host-offing="));
        assert_eq!(find(&headers), None);
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        for value in [set("tok"), set_admin("tok")] {
            for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(value.to_str().unwrap().contains(attribute), "{attribute}");
            }
            assert!(!value.to_str().unwrap().contains("Domain"));
        }
    }
}
