//! The service worker's module: it pushes the outbox while no tab is open.
//!
//! Loaded lazily by `www/sw/push.js`. It links no replica and holds no key: what it reads is
//! sealed and signed already. A tab's engine that pushes meanwhile holds the vault's lock,
//! and then there is nothing to do here.

#[cfg(target_arch = "wasm32")]
mod push_all {
    use std::ops::ControlFlow;

    use offing_worker::net::fetch::{Api, Fetch};
    use offing_worker::push::{self, PushError};
    use offing_worker::store::{DATABASE, StoreError, local, outbox};
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;

    /// Pushes every vault's outbox; answers how many entries the server acknowledged.
    ///
    /// Rejects where trying later may help, so that the browser's background
    /// synchronisation comes back; what the server refuses for good waits for the engine.
    #[expect(unreachable_pub, reason = "JavaScript reaches it")]
    #[wasm_bindgen(js_name = pushAll)]
    pub async fn push_all() -> Result<f64, JsValue> {
        run().await.map_err(|error| js_sys::Error::new(&error.to_string()).into())
    }

    /// Why the outbox may not be empty.
    #[derive(Debug, thiserror::Error)]
    enum Unfinished {
        #[error(transparent)]
        Push(#[from] PushError),
        #[error(transparent)]
        Store(#[from] StoreError),
        #[error("a tab is pushing this outbox")]
        TabAtIt,
    }

    async fn run() -> Result<f64, Unfinished> {
        let (store, chunks) = local::open(DATABASE).await?;
        let api = Api::new(Fetch);
        let pace = push::Pace::default();
        let mut acked = 0;
        for vault in outbox::vaults(&store).await? {
            let mut go_on = |_: &push::Step| ControlFlow::Continue(());
            match push::drain_if_free(vault, &store, &chunks, &api, &pace, &mut go_on).await {
                Ok(Some(report)) => acked += report.acked,
                // A tab is at it, which may be closed before it ends.
                Ok(None) => return Err(Unfinished::TabAtIt),
                // Signed out, another device's session: only a person can change that.
                Err(PushError::Net(error)) if error.code().is_some_and(is_final) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Lets go of the database, so that signing out in a tab can delete it.
        store.close();
        Ok(acked as f64)
    }

    fn is_final(code: offing_core::proto::Code) -> bool {
        use offing_core::proto::Code;
        !matches!(code, Code::RateLimited | Code::Unavailable | Code::Internal)
    }
}

fn main() {}
