//! The headers that every response carries, whatever it answers.
//!
//! They are set last and overwrite, so no handler can weaken them.

use axum::http::response::Response;
use axum::http::{HeaderName, HeaderValue, header};

/// What a page of ours may do: load its own scripts and wasm, and talk to this origin.
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

    /// The policy with this script allowed.
    fn policy(&self) -> HeaderValue {
        let scripts = format!("script-src {} ", self.0);
        let policy = CONTENT_SECURITY_POLICY.replacen("script-src ", &scripts, 1);
        HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
    }
}

/// Sets the security headers.
pub(crate) fn secure<B>(response: &mut Response<B>, is_https: bool) {
    let hash = response.extensions_mut().remove::<FrameHash>();
    let headers = response.headers_mut();
    for (name, value) in of_every_answer(is_https) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(hash) = hash {
        headers.insert(header::CONTENT_SECURITY_POLICY, hash.policy());
    }
}

/// The security headers; the policy of the app's page lets one script more be inline.
pub(crate) fn of_every_answer(is_https: bool) -> impl Iterator<Item = (HeaderName, &'static str)> {
    let fixed = FIXED.into_iter().map(|(name, value)| (HeaderName::from_static(name), value));
    fixed.chain(is_https.then_some((header::STRICT_TRANSPORT_SECURITY, TRANSPORT)))
}

const TRANSPORT: &str = "max-age=63072000; includeSubDomains";

const FIXED: [(&str, &str); 9] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
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
        let policy = hash.policy();
        let policy = policy.to_str().expect("ASCII");
        assert!(policy.contains(&format!("; script-src 'sha256-{digest}' 'self'")), "{policy}");
        assert_eq!(policy.len(), CONTENT_SECURITY_POLICY.len() + digest.len() + 10);
        for bad in ["", "sha256-", "sha256-'unsafe-inline'", &format!("sha256-{digest}; x")] {
            assert_eq!(FrameHash::parse(bad), None, "{bad}");
        }
    }
}
