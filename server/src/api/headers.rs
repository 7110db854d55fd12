//! The headers that every response carries, whatever it answers.
//!
//! They are set last and overwrite, so no handler can weaken them.

use std::borrow::Cow;

use axum::http::response::Response;
use axum::http::{HeaderName, HeaderValue, header};

use crate::config::Config;

/// What a page of ours may do: load its own scripts and wasm, and talk to this origin; an answer's policy
/// adds the edges that are named.
///
/// The preview's frame inherits it and has a stricter one of its own: workers of blobs and
/// the policy `viewer` are for it. Its script stands in its markup and is named by its hash,
/// which goes with the page ([`FrameHash`]).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
    media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; \
    manifest-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default viewer";

/// The hash of the script of the preview's frame, as a policy writes it: a response that
/// carries it lets that one script be inline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameHash(String);

impl FrameHash {
    /// Reads a hash as the client's build writes it; anything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digest = text.trim().strip_prefix("sha256-")?;
        let is_base64 = digest.len() == 44
            && digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        is_base64.then(|| Self(format!("'sha256-{digest}'")))
    }

    /// A policy with this script allowed.
    fn allowed_by(&self, policy: &str) -> String {
        policy.replacen("script-src ", &format!("script-src {} ", self.0), 1)
    }
}

/// Sets the security headers.
pub(crate) fn secure<B>(response: &mut Response<B>, config: &Config) {
    let hash = response.extensions_mut().remove::<FrameHash>();
    let headers = response.headers_mut();
    for (name, value) in of_every_answer(config) {
        let value = match (&hash, value) {
            (Some(hash), policy) if name == header::CONTENT_SECURITY_POLICY => {
                HeaderValue::from_str(&hash.allowed_by(&policy))
            }
            (_, Cow::Borrowed(value)) => Ok(HeaderValue::from_static(value)),
            (_, Cow::Owned(value)) => HeaderValue::from_str(&value),
        };
        headers.insert(name, value.expect("base64 and origins are visible ASCII"));
    }
}

/// The security headers; the policy of the app's page lets one script more be inline.
pub(crate) fn of_every_answer(
    config: &Config,
) -> impl Iterator<Item = (HeaderName, Cow<'static, str>)> {
    let fixed = FIXED.into_iter().map(|(name, value)| (name, Cow::Borrowed(value)));
    let transport = config.is_https().then_some(("strict-transport-security", TRANSPORT.into()));
    let policy = ("content-security-policy", policy(&config.edge_urls));
    let all = [policy].into_iter().chain(fixed).chain(transport);
    all.map(|(name, value)| (HeaderName::from_static(name), value))
}

/// The policy: beside this origin a page may talk to these edges.
fn policy(edges: &[String]) -> Cow<'static, str> {
    if edges.is_empty() {
        return Cow::Borrowed(CONTENT_SECURITY_POLICY);
    }
    let connects = format!("connect-src 'self' {}", edges.join(" "));
    CONTENT_SECURITY_POLICY.replacen("connect-src 'self'", &connects, 1).into()
}

const TRANSPORT: &str = "max-age=63072000; includeSubDomains";

const FIXED: [(&str, &str); 8] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("origin-agent-cluster", "?1"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), \
         gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), \
         xr-spatial-tracking=()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_script_more_is_allowed_and_nothing_else_can_be_written() {
        let digest = "A".repeat(43) + "=";
        let hash = FrameHash::parse(&format!("sha256-{digest}\n")).expect("a hash");
        let policy = hash.allowed_by(CONTENT_SECURITY_POLICY);
        assert!(policy.contains(&format!("; script-src 'sha256-{digest}' 'self'")), "{policy}");
        assert_eq!(policy.len(), CONTENT_SECURITY_POLICY.len() + digest.len() + 10);
        for bad in ["", "sha256-", "sha256-'unsafe-inline'", &format!("sha256-{digest}; x")] {
            assert_eq!(FrameHash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_may_talk_to_edges_that_are_named_and_do_nothing_else_there() {
        assert_eq!(policy(&[]), CONTENT_SECURITY_POLICY);
        let edges = ["https://a.example", "https://b.example:8443"].map(str::to_owned);
        let with_edges = policy(&edges);
        let connects = "; connect-src 'self' https://a.example https://b.example:8443; worker-src";
        assert!(with_edges.contains(connects), "{with_edges}");
        assert_eq!(with_edges.matches("example").count(), 2);
    }
}
