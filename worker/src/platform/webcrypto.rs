//! The primitives by WebCrypto; keys are `CryptoKey`s that script cannot read.
//!
//! Works wherever `globalThis.crypto` does. A chunk's frames are sealed at once, and the
//! signatures of a page verified at once: the browser spreads them over its threads. Keys can be kept in
//! [`crate::store::keys::KeyStore`] through `as_js` and `from_js`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use js_sys::Array;
use offing_core::crypto::frames::{self, FRAME_SEALED_BYTES, Span, TAG_BYTES};
use offing_core::crypto::hazmat::{Claim, Crypto};
use offing_core::crypto::{CryptoError, PublicKey, SigningPair};
use offing_core::limits::FRAME_PLAIN_BYTES;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::SubtleCrypto;

use super::js;

/// The primitives by WebCrypto.
#[derive(Debug, Clone)]
pub struct WebCrypto {
    subtle: JsValue,
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(JsValue);

        impl $name {
            /// The `CryptoKey`, to be stored.
            pub fn as_js(&self) -> &JsValue {
                &self.0
            }

            /// Takes back what [`Self::as_js`] gave.
            pub fn from_js(key: JsValue) -> Self {
                Self(key)
            }
        }
    };
}

key!(
    /// An HKDF key to derive from.
    WebSecret
);
key!(
    /// An AES-256-GCM key.
    WebAeadKey
);
key!(
    /// An HMAC-SHA-256 key.
    WebMacKey
);
key!(
    /// A private ECDSA P-256 key.
    WebSigningKey
);

impl WebSigningKey {
    /// The private half of a pair of `CryptoKey`s.
    pub fn of_pair(pair: &JsValue) -> Self {
        Self(js::property(pair, "privateKey"))
    }
}

/// The key of this device: made here, and its private half never leaves the browser.
#[derive(Debug, Clone)]
pub struct DeviceKey {
    /// The private half.
    pub signing: WebSigningKey,
    /// The public half.
    pub public: PublicKey,
    pair: JsValue,
}

impl DeviceKey {
    /// The pair of `CryptoKey`s, to be stored.
    pub fn as_js(&self) -> &JsValue {
        &self.pair
    }
}

impl Default for WebCrypto {
    fn default() -> Self {
        Self::new()
    }
}

impl WebCrypto {
    /// Finds the browser's cryptography. Without it, which means outside of a secure
    /// context, every operation fails with [`CryptoError::Platform`].
    pub fn new() -> Self {
        let crypto = js::property(&js_sys::global(), "crypto");
        Self { subtle: js::property(&crypto, "subtle") }
    }

    /// Generates a key for this device.
    pub async fn generate_device_key(&self) -> Result<DeviceKey, CryptoError> {
        let arguments = [ecdsa(), JsValue::FALSE, usages(&["sign", "verify"])];
        let pair = self.call("generateKey", &arguments).await.map_err(platform)?;
        self.device_key(pair).await
    }

    /// Takes back what [`DeviceKey::as_js`] gave.
    pub async fn device_key(&self, pair: JsValue) -> Result<DeviceKey, CryptoError> {
        let public = js::property(&pair, "publicKey");
        let raw = self.call("exportKey", &["raw".into(), public]).await;
        let raw = js::to_bytes(&raw.map_err(|_| CryptoError::BadKey)?);
        let public = PublicKey::from_slice(&raw).ok_or(CryptoError::BadKey)?;
        Ok(DeviceKey { signing: WebSigningKey::of_pair(&pair), public, pair })
    }

    async fn call(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
        js::call_async(&self.subtle, method, arguments).await
    }

    async fn derive_key(
        &self,
        secret: &WebSecret,
        salt: &[u8],
        info: &[u8],
        algorithm: JsValue,
        uses: &[&str],
    ) -> Result<JsValue, CryptoError> {
        let arguments =
            [hkdf(salt, info), secret.0.clone(), algorithm, JsValue::FALSE, usages(uses)];
        self.call("deriveKey", &arguments).await.map_err(platform)
    }

    /// Imports a key to verify under; `None` for one that is no point.
    async fn import_public(&self, public: &PublicKey) -> Option<JsValue> {
        let raw = js::to_js(&public.0);
        let arguments = ["raw".into(), raw.into(), ecdsa(), JsValue::FALSE, usages(&["verify"])];
        self.call("importKey", &arguments).await.ok()
    }

    async fn is_signed_by(
        &self,
        key: &JsValue,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<bool, CryptoError> {
        let signature = js::to_js(signature).into();
        let arguments = [ecdsa_sha256(), key.clone(), signature, js::to_js(message).into()];
        let answer = self.call("verify", &arguments).await.map_err(platform)?;
        answer.as_bool().ok_or(CryptoError::Platform)
    }

    async fn gcm(
        &self,
        direction: Direction,
        key: &WebAeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &[u8],
    ) -> Result<js_sys::Uint8Array, CryptoError> {
        let algorithm = js::object(&[
            ("name", "AES-GCM".into()),
            ("iv", js::to_js(nonce).into()),
            ("additionalData", js::to_js(aad).into()),
            ("tagLength", 128.into()),
        ]);
        let (subtle, algorithm) = (self.subtle(), algorithm.unchecked_ref());
        let key = key.0.unchecked_ref();
        let promise = match direction {
            Direction::Seal => subtle.encrypt_with_object_and_u8_array(algorithm, key, data),
            Direction::Open => subtle.decrypt_with_object_and_u8_array(algorithm, key, data),
        };
        let done = match promise {
            Ok(promise) => JsFuture::from(promise).await,
            Err(error) => Err(error),
        };
        match (done, direction) {
            (Ok(done), _) => Ok(js_sys::Uint8Array::new(&done)),
            (Err(error), Direction::Seal) => Err(platform(error)),
            (Err(error), Direction::Open) => Err(cannot_open(error)),
        }
    }

    /// Seals or opens the frames of a chunk that a span tells of, all at once.
    async fn gcm_frames(
        &self,
        direction: Direction,
        key: &WebAeadKey,
        aad: &[u8],
        span: Span,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let (given_bytes, made_bytes) = match direction {
            Direction::Seal => (FRAME_PLAIN_BYTES, FRAME_SEALED_BYTES),
            Direction::Open => (FRAME_SEALED_BYTES, FRAME_PLAIN_BYTES),
        };
        let count = data.len().div_ceil(given_bytes);
        let len = match direction {
            Direction::Seal => Some(data.len() + count * TAG_BYTES),
            Direction::Open => data.len().checked_sub(count * TAG_BYTES),
        };
        let calls = data.chunks(given_bytes).enumerate().map(async |(i, frame)| {
            let nonce = frames::nonce(span.first + i, span.ends && i + 1 == count);
            self.gcm(direction, key, &nonce, aad, frame).await
        });
        let mut made = vec![0; len.ok_or(CryptoError::CannotOpen)?];
        let slots = made.chunks_mut(made_bytes);
        for (frame, slot) in join_all(calls).await.into_iter().zip(slots) {
            copy(&frame?, slot)?;
        }
        Ok(made)
    }

    /// The typed methods, for what is long: they lend WebCrypto this worker's memory, of
    /// which it takes its own copy before it returns, and so spare one.
    fn subtle(&self) -> &SubtleCrypto {
        self.subtle.unchecked_ref()
    }
}

/// Which way AES-GCM goes.
#[derive(Debug, Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

impl Crypto for WebCrypto {
    type Secret = WebSecret;
    type AeadKey = WebAeadKey;
    type MacKey = WebMacKey;
    type SigningKey = WebSigningKey;

    async fn import_secret(&self, bytes: &[u8]) -> Result<WebSecret, CryptoError> {
        let uses = usages(&["deriveBits", "deriveKey"]);
        let arguments =
            ["raw".into(), js::to_js(bytes).into(), "HKDF".into(), JsValue::FALSE, uses];
        self.call("importKey", &arguments).await.map(WebSecret).map_err(platform)
    }

    async fn derive_bytes(
        &self,
        secret: &WebSecret,
        salt: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<Vec<u8>, CryptoError> {
        let bits = u32::try_from(len * 8).map_err(|_| CryptoError::TooLong { max: 64 })?;
        let arguments = [hkdf(salt, info), secret.0.clone(), bits.into()];
        let bytes = self.call("deriveBits", &arguments).await.map_err(platform)?;
        Ok(js::to_bytes(&bytes))
    }

    async fn derive_aead(
        &self,
        secret: &WebSecret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<WebAeadKey, CryptoError> {
        let algorithm = js::object(&[("name", "AES-GCM".into()), ("length", 256.into())]);
        let uses = ["encrypt", "decrypt"];
        self.derive_key(secret, salt, info, algorithm, &uses).await.map(WebAeadKey)
    }

    async fn derive_mac(
        &self,
        secret: &WebSecret,
        salt: &[u8],
        info: &[u8],
    ) -> Result<WebMacKey, CryptoError> {
        // Without a length WebCrypto would derive one of the hash's block size.
        let algorithm = js::object(&[
            ("name", "HMAC".into()),
            ("hash", "SHA-256".into()),
            ("length", 256.into()),
        ]);
        self.derive_key(secret, salt, info, algorithm, &["sign"]).await.map(WebMacKey)
    }

    async fn aead_seal(
        &self,
        key: &WebAeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Ok(self.gcm(Direction::Seal, key, nonce, aad, plain).await?.to_vec())
    }

    async fn aead_open(
        &self,
        key: &WebAeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Ok(self.gcm(Direction::Open, key, nonce, aad, sealed).await?.to_vec())
    }

    async fn mac(&self, key: &WebMacKey, data: &[u8]) -> Result<[u8; 32], CryptoError> {
        let key = key.0.unchecked_ref();
        let signed = self.subtle().sign_with_str_and_u8_array("HMAC", key, data);
        array(&JsFuture::from(signed.map_err(platform)?).await.map_err(platform)?)
    }

    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], CryptoError> {
        let digest = self.subtle().digest_with_str_and_u8_array("SHA-256", data);
        array(&JsFuture::from(digest.map_err(platform)?).await.map_err(platform)?)
    }

    async fn import_signing(&self, pair: &SigningPair) -> Result<WebSigningKey, CryptoError> {
        let encoded = js::to_js(&pkcs8(pair));
        let arguments =
            ["pkcs8".into(), encoded.clone().into(), ecdsa(), JsValue::FALSE, usages(&["sign"])];
        let key = self.call("importKey", &arguments).await;
        // The buffer is garbage of JavaScript's from here on; leave no key in it.
        encoded.fill(0, 0, encoded.length());
        key.map(WebSigningKey).map_err(|_| CryptoError::BadKey)
    }

    async fn sign(&self, key: &WebSigningKey, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let arguments = [ecdsa_sha256(), key.0.clone(), js::to_js(message).into()];
        array(&self.call("sign", &arguments).await.map_err(platform)?)
    }

    async fn verify(
        &self,
        public: &PublicKey,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<bool, CryptoError> {
        match self.import_public(public).await {
            Some(key) => self.is_signed_by(&key, message, signature).await,
            None => Ok(false),
        }
    }

    async fn verify_all(&self, claims: &[Claim]) -> Result<Vec<bool>, CryptoError> {
        let mut keys: BTreeMap<PublicKey, Option<JsValue>> = BTreeMap::new();
        for Claim { public, .. } in claims {
            if !keys.contains_key(public) {
                keys.insert(*public, self.import_public(public).await);
            }
        }
        let calls = claims.iter().map(async |claim| match &keys[&claim.public] {
            Some(key) => self.is_signed_by(key, &claim.message, &claim.signature).await,
            None => Ok(false),
        });
        join_all(calls).await.into_iter().collect()
    }

    async fn seal_frames(
        &self,
        key: &WebAeadKey,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let whole = Span { first: 0, ends: true };
        self.gcm_frames(Direction::Seal, key, aad, whole, plain).await
    }

    async fn open_frames(
        &self,
        key: &WebAeadKey,
        aad: &[u8],
        span: Span,
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.gcm_frames(Direction::Open, key, aad, span, sealed).await
    }
}

fn copy(from: &js_sys::Uint8Array, to: &mut [u8]) -> Result<(), CryptoError> {
    if from.length() as usize != to.len() {
        return Err(CryptoError::CannotOpen);
    }
    from.copy_to(to);
    Ok(())
}

fn array<const N: usize>(value: &JsValue) -> Result<[u8; N], CryptoError> {
    js::to_bytes(value).try_into().map_err(|_| CryptoError::Platform)
}

fn platform(_: JsValue) -> CryptoError {
    CryptoError::Platform
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn cannot_open(error: JsValue) -> CryptoError {
    match js::error_name(&error).as_str() {
        "OperationError" => CryptoError::CannotOpen,
        _ => CryptoError::Platform,
    }
}

fn usages(uses: &[&str]) -> JsValue {
    uses.iter().map(|name| JsValue::from_str(name)).collect::<Array>().into()
}

fn hkdf(salt: &[u8], info: &[u8]) -> JsValue {
    js::object(&[
        ("name", "HKDF".into()),
        ("hash", "SHA-384".into()),
        ("salt", js::to_js(salt).into()),
        ("info", js::to_js(info).into()),
    ])
}

fn ecdsa() -> JsValue {
    js::object(&[("name", "ECDSA".into()), ("namedCurve", "P-256".into())])
}

fn ecdsa_sha256() -> JsValue {
    js::object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])
}

/// Wraps a key as PKCS #8, the only binary form of a private key that WebCrypto takes.
///
/// ```text
/// SEQUENCE { 0, { ecPublicKey, prime256v1 },
///            OCTET STRING { SEQUENCE { 1, scalar, [1] { BIT STRING { public } } } } }
/// ```
fn pkcs8(pair: &SigningPair) -> Vec<u8> {
    const HEAD: [u8; 36] = [
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30,
        0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];
    const PUBLIC: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
    let mut bytes = HEAD.to_vec();
    bytes.extend_from_slice(pair.scalar.as_bytes());
    bytes.extend_from_slice(&PUBLIC);
    bytes.extend_from_slice(&pair.public.0);
    bytes
}
