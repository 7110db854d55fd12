//! OPAQUE in a module of its own, which the engine loads when somebody signs up or in:
//! once in months, so no start waits for it. The other side is `platform::opaque`.

#[cfg(target_arch = "wasm32")]
mod opaque {
    #![expect(unreachable_pub, unnameable_types, reason = "JavaScript reaches it")]

    use js_sys::{Array, Uint8Array};
    use offing_core::auth::{AuthError, Login, Registration, Stretch};
    use offing_core::proto::SecretKind;
    use offing_worker::platform::random;
    use rand::{CryptoRng, RngCore};
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;

    /// A registration or a sign-in that waits for the server's response.
    #[wasm_bindgen]
    pub struct Started {
        state: State,
        request: Vec<u8>,
    }

    enum State {
        Registration(Box<Registration>),
        Login(Box<Login>),
    }

    /// Begins to register a secret.
    #[wasm_bindgen]
    pub fn register(secret: &[u8]) -> Result<Started, JsValue> {
        let started = Registration::start(&mut Dice, secret);
        let (state, request) = started.map_err(from_auth)?;
        Ok(Started { state: State::Registration(Box::new(state)), request })
    }

    /// Begins a sign-in with the password or the recovery code.
    #[wasm_bindgen]
    pub fn sign_in(by_recovery: bool, secret: &[u8]) -> Result<Started, JsValue> {
        let kind = if by_recovery { SecretKind::Recovery } else { SecretKind::Password };
        let (state, request) = Login::start(&mut Dice, kind, secret).map_err(from_auth)?;
        Ok(Started { state: State::Login(Box::new(state)), request })
    }

    #[wasm_bindgen]
    impl Started {
        /// The request for the server.
        pub fn request(&self) -> Vec<u8> {
            self.request.clone()
        }

        /// Finishes with the server's response: a message for the server, and the export
        /// key. Throws true if the secret is wrong, else false.
        pub fn finish(self, response: &[u8]) -> Result<Array, JsValue> {
            let stretch = Stretch::default();
            let (message, key) = match self.state {
                State::Registration(state) => {
                    let done = state.finish(&mut Dice, response, &stretch).map_err(from_auth)?;
                    (done.upload, done.export_key)
                }
                State::Login(state) => {
                    let done = state.finish(&mut Dice, response, &stretch).map_err(from_auth)?;
                    (done.finalization, done.export_key)
                }
            };
            Ok(Array::of2(&Uint8Array::from(&message[..]), &Uint8Array::from(&key[..])))
        }
    }

    fn from_auth(error: AuthError) -> JsValue {
        JsValue::from_bool(error == AuthError::WrongSecret)
    }

    /// The browser's randomness, as OPAQUE wants it.
    struct Dice;

    impl RngCore for Dice {
        fn next_u32(&mut self) -> u32 {
            u32::from_le_bytes(random::array())
        }

        fn next_u64(&mut self) -> u64 {
            u64::from_le_bytes(random::array())
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            random::fill(bytes);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
            random::fill(bytes);
            Ok(())
        }
    }

    impl CryptoRng for Dice {}
}

fn main() {}
