//! Turns the errors of the parts below into the faults that the page understands.

use offing_core::proto::Code;
use offing_core::rpc::Fault;

use crate::net::NetError;
use crate::store::StoreError;

/// A fault of the local store.
pub(crate) fn from_store(error: &StoreError) -> Fault {
    match error {
        StoreError::Full => Fault::StorageFull,
        StoreError::Lost
        | StoreError::Blocked
        | StoreError::NotFound
        | StoreError::Failed { .. } => Fault::Storage,
    }
}

/// A fault of a call to the server.
pub(crate) fn from_net(error: &NetError) -> Fault {
    match error.code() {
        Some(Code::SignedOut) => Fault::SignedOut,
        Some(code) => Fault::Server(code),
        None if error.is_offline() => Fault::Offline,
        None => Fault::Server(Code::Internal),
    }
}

/// Bytes that are not what their name says.
pub(crate) fn corrupt(name: String) -> Fault {
    Fault::Corrupt { name }
}
