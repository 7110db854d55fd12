//! Letters typed in a list, gathered into the start of a name.
//!
//! Letters that follow each other within [`PAUSE_MS`] make one prefix; a pause starts anew.

/// The pause after which a new prefix starts.
pub const PAUSE_MS: f64 = 900.0;
/// Most characters gathered.
const CHARS_MAX: usize = 64;

/// The letters so far.
#[derive(Debug, Clone, Default)]
pub struct TypeAhead {
    prefix: String,
    last_ms: f64,
}

impl TypeAhead {
    /// Takes a key; answers the prefix to look for, or nothing if the key is no letter.
    pub fn key(&mut self, key: &str, now_ms: f64) -> Option<&str> {
        let mut chars = key.chars();
        let (Some(letter), None) = (chars.next(), chars.next()) else {
            return None;
        };
        if now_ms - self.last_ms > PAUSE_MS {
            self.prefix.clear();
        }
        // A space begins nothing: it selects.
        if letter.is_control() || (letter == ' ' && self.prefix.is_empty()) {
            return None;
        }
        if self.prefix.chars().count() < CHARS_MAX {
            self.prefix.push(letter);
        }
        self.last_ms = now_ms;
        Some(&self.prefix)
    }

    /// Says whether a prefix is being typed, so that a space belongs to it.
    pub fn is_typing(&self, now_ms: f64) -> bool {
        !self.prefix.is_empty() && now_ms - self.last_ms <= PAUSE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_gather_until_a_pause() {
        let mut typed = TypeAhead::default();
        assert_eq!(typed.key("a", 1_000.0), Some("a"));
        assert_eq!(typed.key("b", 1_200.0), Some("ab"));
        assert_eq!(typed.key(" ", 1_300.0), Some("ab "));
        assert_eq!(typed.key("c", 5_000.0), Some("c"));
    }

    #[test]
    fn other_keys_and_a_first_space_are_no_letters() {
        let mut typed = TypeAhead::default();
        assert_eq!(typed.key("Enter", 1_000.0), None);
        assert_eq!(typed.key(" ", 1_000.0), None);
        assert!(!typed.is_typing(1_000.0));
    }

    #[test]
    fn letters_of_every_script_count() {
        let mut typed = TypeAhead::default();
        assert_eq!(typed.key("文", 1_000.0), Some("文"));
    }
}
