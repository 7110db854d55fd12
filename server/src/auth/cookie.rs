//! The session cookie: its name, its attributes, where it is found.
//!
//! What a token means and how it rotates is `service::sessions`' business.

use axum::http::{HeaderMap, HeaderValue, header};
use offing_core::limits;

/// Name of the cookie; the prefix makes browsers insist on the attributes below.
pub const COOKIE: &str = "__Host-offing";

/// Finds the token among a request's cookies.
pub fn find(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, token) = pair.trim().split_once('=')?;
            (name == COOKIE && !token.is_empty()).then_some(token)
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
    HeaderValue::from_str(&format!("{COOKIE}=; Max-Age=0; {ATTRIBUTES}"))
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
        headers.insert(header::COOKIE, HeaderValue::from_static("offing=tok; __Host-offing="));
        assert_eq!(find(&headers), None);
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let value = set("tok");
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(value.to_str().unwrap().contains(attribute), "{attribute}");
        }
        assert!(!value.to_str().unwrap().contains("Domain"));
    }
}
