//! One-time codes of an app (RFC 6238 with SHA-1, six digits, thirty seconds: what every app knows).
//!
//! A code is right for its step and for one before and after, since clocks differ and people type slowly. Which
//! step was used last is kept by the caller, so that none is right twice.

use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// Bytes of a secret, as many as SHA-1 gives.
pub(super) const SECRET_BYTES: usize = 20;
/// Digits of a code.
pub(super) const DIGITS: usize = 6;

/// The step of which this is the code, if it is one of now and later than `last_step`. Takes as long for a wrong
/// code as for a right one.
pub(super) fn step_of(secret: &[u8], code: u32, now_ms: i64, last_step: i64) -> Option<i64> {
    let now = now_ms.div_euclid(STEP_MS);
    let mut found = i64::MIN;
    for step in now - STEPS_AROUND..=now + STEPS_AROUND {
        found.conditional_assign(&step, code_at(secret, step).ct_eq(&code));
    }
    (found > last_step).then_some(found)
}

/// A secret as apps read it: base32 without padding (RFC 4648).
pub(super) fn base32(secret: &[u8]) -> String {
    let mut text = String::new();
    for group in secret.chunks(5) {
        let mut bits = [0; 8];
        bits[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(bits);
        for at in 0..(group.len() * 8).div_ceil(5) {
            let index = (bits >> (35 - 5 * at)) & 31;
            text.push(char::from(BASE32[index as usize]));
        }
    }
    text
}

fn code_at(secret: &[u8], step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    let sum = mac.finalize().into_bytes();
    let at = usize::from(sum[sum.len() - 1] & 15);
    let word = u32::from_be_bytes([sum[at], sum[at + 1], sum[at + 2], sum[at + 3]]);
    (word & 0x7fff_ffff) % CODES
}

const STEP_MS: i64 = 30_000;
const STEPS_AROUND: i64 = 1;
const CODES: u32 = 1_000_000;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (at_s, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code_at(SECRET, at_s / 30), code, "{at_s}");
        }
    }

    #[test]
    fn a_code_is_right_one_step_early_and_late_and_no_more() {
        let (step, now_ms) = (41_152_263, 1_234_567_890_000);
        let code = code_at(SECRET, step);
        let found = |passed_ms: i64| step_of(SECRET, code, now_ms + passed_ms, i64::MIN);
        for passed_ms in [-30_000, 0, 30_000, 59_000 - 30_000] {
            assert_eq!(found(passed_ms), Some(step), "{passed_ms}");
        }
        for passed_ms in [-60_000, 60_000, 3_600_000] {
            assert_eq!(found(passed_ms), None, "{passed_ms}");
        }
        assert_eq!(step_of(SECRET, code ^ 1, now_ms, i64::MIN), None);
    }

    #[test]
    fn no_code_is_right_twice_nor_an_earlier_one_afterwards() {
        let (step, now_ms) = (41_152_263, 1_234_567_890_000);
        for (last, found) in [(step - 1, Some(step)), (step, None), (step + 1, None)] {
            assert_eq!(step_of(SECRET, code_at(SECRET, step), now_ms, last), found, "{last}");
        }
    }

    #[test]
    fn secrets_are_written_as_rfc_4648_has_them() {
        for (bytes, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
