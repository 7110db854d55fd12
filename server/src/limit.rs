//! Rate limits: token buckets in a bounded map.
//!
//! A bucket holds a minute's worth of calls, or another time's, and refills steadily. Keys are strings built
//! by the caller (class, account, address). When the map is full, buckets that have refilled
//! are dropped first, since forgetting a full bucket changes nothing; if that is not enough
//! the newcomer is refused, so that an attacker with many addresses costs bounded memory.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// Token buckets for many keys.
#[derive(Debug)]
pub struct RateLimiter {
    buckets: Mutex<HashMap<String, Bucket>>,
    keys_max: usize,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    per_second: f64,
    capacity: f64,
    at_ms: i64,
}

impl RateLimiter {
    /// Creates a limiter that remembers at most `keys_max` keys.
    pub fn new(keys_max: usize) -> Self {
        Self { buckets: Mutex::new(HashMap::new()), keys_max }
    }

    /// Takes one call from the bucket of `key`, or says how long to wait.
    pub fn take(&self, key: &str, per_minute: u32, now_ms: i64) -> Result<(), Duration> {
        self.take_of(key, per_minute, MINUTE, now_ms)
    }

    /// The same of a bucket that holds what there may be in this time.
    pub fn take_of(
        &self,
        key: &str,
        count: u32,
        within: Duration,
        now_ms: i64,
    ) -> Result<(), Duration> {
        let capacity = f64::from(count.max(1));
        let per_second = capacity / within.as_secs_f64();
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !buckets.contains_key(key) && buckets.len() >= self.keys_max {
            buckets.retain(|_, bucket| !bucket.is_full(now_ms));
            if buckets.len() >= self.keys_max {
                return Err(Duration::from_secs(1));
            }
        }
        let bucket = buckets.entry(key.to_owned()).or_insert(Bucket {
            tokens: capacity,
            per_second,
            capacity,
            at_ms: now_ms,
        });
        bucket.tokens = bucket.tokens_at(now_ms);
        bucket.at_ms = now_ms;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64((1.0 - bucket.tokens) / bucket.per_second))
        }
    }

    /// Puts a call back that was taken and turned out not to count.
    pub fn put_back(&self, key: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(bucket.capacity);
        }
    }
}

impl Bucket {
    fn tokens_at(&self, now_ms: i64) -> f64 {
        let waited_ms = u32::try_from((now_ms - self.at_ms).max(0)).unwrap_or(u32::MAX);
        let gained = f64::from(waited_ms) / 1_000.0 * self.per_second;
        (self.tokens + gained).min(self.capacity)
    }

    fn is_full(&self, now_ms: i64) -> bool {
        self.tokens_at(now_ms) >= self.capacity
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_a_minutes_worth_and_refills() {
        let limiter = RateLimiter::new(8);
        let start = 1_000;
        for _ in 0..6 {
            assert_eq!(limiter.take("alice", 6, start), Ok(()));
        }
        let wait = limiter.take("alice", 6, start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(10));
        assert_eq!(limiter.take("bob", 6, start), Ok(()));
        assert_eq!(limiter.take("alice", 6, start + 10_000), Ok(()));
        assert!(limiter.take("alice", 6, start + 10_000).is_err());
    }

    #[test]
    fn what_may_be_rarely_is_waited_for_longer() {
        let limiter = RateLimiter::new(8);
        let hour = Duration::from_secs(3_600);
        for _ in 0..2 {
            assert_eq!(limiter.take_of("alice", 2, hour, 1_000), Ok(()));
        }
        let wait = limiter.take_of("alice", 2, hour, 1_000).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1_800));
        assert_eq!(limiter.take_of("alice", 2, hour, 1_801_000), Ok(()));
    }

    #[test]
    fn what_is_put_back_does_not_count() {
        let limiter = RateLimiter::new(8);
        for _ in 0..5 {
            assert_eq!(limiter.take("alice", 2, 1_000), Ok(()));
            limiter.put_back("alice");
        }
        limiter.put_back("alice");
        limiter.put_back("bob");
        assert_eq!(limiter.take("alice", 2, 1_000), Ok(()));
        assert_eq!(limiter.take("alice", 2, 1_000), Ok(()));
        assert!(limiter.take("alice", 2, 1_000).is_err());
    }

    #[test]
    fn a_full_map_forgets_refilled_buckets_and_refuses_newcomers_otherwise() {
        let limiter = RateLimiter::new(2);
        let start = 1_000;
        assert!(limiter.take("a", 60, start).is_ok());
        assert!(limiter.take("b", 60, start).is_ok());
        assert!(limiter.take("c", 60, start).is_err());
        assert!(limiter.take("c", 60, start + 5_000).is_ok());
    }
}
