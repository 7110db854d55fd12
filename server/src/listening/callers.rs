//! How many connections each address has, so that one that opens ever more leaves room for the others.
//!
//! Addresses of version 6 count by their /64, which is what one household gets. There are no more of them here than
//! connections, whose number is bounded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections by address; cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Callers {
    held: Arc<Mutex<HashMap<IpAddr, u32>>>,
    each_max: u32,
}

/// A connection of an address, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    callers: Callers,
    address: IpAddr,
}

impl Callers {
    /// Lets each address have so many.
    pub(super) fn new(each_max: u32) -> Self {
        Self { held: Arc::default(), each_max }
    }

    /// Counts one more; `None` if the address has as many as it may.
    pub(super) fn hold(&self, address: IpAddr) -> Option<Held> {
        let address = household(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Held { callers: self.clone(), address })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.callers.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// What of an address is one caller's.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_then_again_as_they_end() {
        let callers = Callers::new(2);
        let hold = |address: &str| callers.hold(address.parse().unwrap());
        let first = hold("198.51.100.1").unwrap();
        let second = hold("::ffff:198.51.100.1").unwrap();
        assert!(hold("198.51.100.1").is_none());
        let other = hold("198.51.100.2").unwrap();
        drop(first);
        let third = hold("198.51.100.1").unwrap();
        assert!(hold("198.51.100.1").is_none());
        drop((second, third, other));
        assert!(callers.held.lock().unwrap().is_empty());
    }

    #[test]
    fn a_household_counts_as_one() {
        let callers = Callers::new(1);
        let hold = |address: &str| callers.hold(address.parse().unwrap());
        let _one = hold("2001:db8:1:2:3::4").unwrap();
        assert!(hold("2001:db8:1:2:ffff::1").is_none());
        assert!(hold("2001:db8:1:3::1").is_some());
    }
}
