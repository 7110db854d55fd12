//! How many files the program may have open: each connection is one, and most systems begin with a
//! thousand for each program, which may raise that to a limit that is not its own.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets so many files be open, or as many as the system allows; says how many those are.
pub fn allow(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Where there is no limit, nothing is said.
    let (Some(now), Some(most)) = (current, maximum) else {
        return current.unwrap_or(u64::MAX);
    };
    let may_set = |current: u64, maximum: u64| {
        let limit = Rlimit { current: Some(current), maximum: Some(maximum) };
        setrlimit(Resource::Nofile, limit).is_ok()
    };
    if now >= wanted {
        now
    } else if may_set(wanted, most.max(wanted)) {
        wanted
    } else if may_set(most, most) {
        most
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_never_less_than_before_nor_more_than_the_system_lets() {
        let before = allow(0);
        let allowed = allow(before + 1);
        assert!(allowed >= before);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(allowed));
        assert_eq!(allow(0), allowed);
    }
}
