//! Makes the account's identity key: the one key whose private half leaves the browser,
//! sealed, because every new device needs it to certify itself.

use offing_core::crypto::{CryptoError, PublicKey, RawKey, SigningPair};
use offing_core::proto::Bytes;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use wasm_bindgen::JsValue;

use super::js;

/// Generates a P-256 key pair as bytes.
pub async fn generate() -> Result<SigningPair, CryptoError> {
    pair().await.ok().flatten().ok_or(CryptoError::Platform)
}

async fn pair() -> Result<Option<SigningPair>, JsValue> {
    let subtle = js::property(&js::property(&js_sys::global(), "crypto"), "subtle");
    let algorithm = js::object(&[("name", "ECDSA".into()), ("namedCurve", "P-256".into())]);
    let usages = js_sys::Array::of2(&"sign".into(), &"verify".into());
    let arguments = [algorithm, JsValue::TRUE, usages.into()];
    let pair = js::call_async(&subtle, "generateKey", &arguments).await?;
    let public = js::property(&pair, "publicKey");
    let raw = js::call_async(&subtle, "exportKey", &["raw".into(), public]).await?;
    let private = js::property(&pair, "privateKey");
    let jwk = js::call_async(&subtle, "exportKey", &["jwk".into(), private]).await?;
    let scalar = js::property(&jwk, "d").as_string().and_then(|text| base64url(&text));
    let scalar = scalar.and_then(|bytes| RawKey::from_slice(&bytes));
    let public = PublicKey::from_slice(&js::to_bytes(&raw));
    Ok(scalar.zip(public).map(|(scalar, public)| SigningPair { scalar, public }))
}

/// A JWK carries its numbers as unpadded base64url, as our JSON does.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    Bytes::deserialize(text).ok().map(|bytes| bytes.0)
}
