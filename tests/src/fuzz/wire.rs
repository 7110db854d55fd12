//! What page and engine say to each other, and the forms of the calls.

use offing_core::proto;
use offing_core::rpc::{self, FromEngine, ToEngine};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::take_byte;

pub(super) fn command(bytes: &[u8]) {
    let Ok(message) = rpc::decode::<ToEngine>(bytes) else { return };
    assert_eq!(rpc::decode::<ToEngine>(&rpc::encode(&message)), Ok(message));
}

pub(super) fn event(bytes: &[u8]) {
    let Ok(message) = rpc::decode::<FromEngine>(bytes) else { return };
    assert_eq!(rpc::decode::<FromEngine>(&rpc::encode(&message)), Ok(message));
}

pub(super) fn append(bytes: &[u8]) {
    let Ok(entries) = proto::decode_append(bytes) else { return };
    let entries: Vec<Vec<u8>> = entries.into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(proto::encode_append(&entries), bytes);
}

/// A question which chunks are there, and its answer.
pub(super) fn have(bytes: &[u8]) {
    if let Ok(ids) = proto::decode_have(bytes) {
        assert_eq!(proto::encode_have(&ids), bytes);
    }
    let mut bits = bytes;
    let count = usize::from(take_byte(&mut bits));
    if let Ok(decoded) = proto::decode_bitmap(bits, count) {
        assert_eq!(decoded.len(), count);
        assert_eq!(proto::decode_bitmap(&proto::encode_bitmap(&decoded), count), Ok(decoded));
    }
}

/// Reads a form as the server does, and as devices do.
fn read<T: DeserializeOwned + Serialize>(json: &[u8]) {
    let on_device = offing_core::json::read::<T>(json);
    let Ok(read) = serde_json::from_slice::<T>(json) else { return };
    let written = serde_json::to_vec(&read).unwrap();
    if let Ok(on_device) = on_device {
        assert_eq!(serde_json::to_vec(&on_device).unwrap(), written);
    }
    let again: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), written);
}

/// Every form of the protocol.
const FORMS: [fn(&[u8]); 26] = [
    read::<proto::AccessToken>,
    read::<proto::AccountRecord>,
    read::<proto::AccountView>,
    read::<proto::Appended>,
    read::<proto::ChunksStored>,
    read::<proto::DeviceBinding>,
    read::<proto::Devices>,
    read::<proto::LoginFinish>,
    read::<proto::LoginStart>,
    read::<proto::LoginStarted>,
    read::<proto::Refusal>,
    read::<proto::RegisterFinish>,
    read::<proto::RegisterStart>,
    read::<proto::RegisterStarted>,
    read::<proto::ReleaseStart>,
    read::<proto::Releases>,
    read::<proto::SecretFinish>,
    read::<proto::SecretKind>,
    read::<proto::SecretStart>,
    read::<proto::SecretStarted>,
    read::<proto::ServerInfo>,
    read::<proto::SessionStarted>,
    read::<proto::Tip>,
    read::<proto::Wake>,
    read::<proto::Code>,
    read::<proto::Bytes>,
];

/// JSON, read as each of them.
pub(super) fn json(bytes: &[u8]) {
    for read in FORMS {
        read(bytes);
    }
}
