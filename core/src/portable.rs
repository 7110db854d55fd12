//! Names that every system can hold: what Windows refuses, and what stands for it.
//!
//! Such names are fit here; this is only good to know before a file goes there. Apart from
//! `name` because the page wants it, and that has the tables of Unicode.

/// Why some systems cannot hold a name that is fit here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It holds one of `< > : " \ | ? *`.
    Character {
        /// The first of them.
        character: char,
    },
    /// It ends with a dot or a space, which Windows drops.
    Ending,
    /// It is a device of Windows, such as `CON` or `com1.txt`.
    Reserved,
}

/// What Windows takes in no name.
const UNPORTABLE: &str = r#"<>:"\|?*"#;

/// Tells what Windows would refuse about a name.
pub fn problem(name: &str) -> Option<Problem> {
    if let Some(character) = name.chars().find(|c| UNPORTABLE.contains(*c)) {
        return Some(Problem::Character { character });
    }
    if name.ends_with(['.', ' ']) {
        return Some(Problem::Ending);
    }
    is_reserved(name).then_some(Problem::Reserved)
}

/// The nearest name that every system can hold: `_` stands for what Windows refuses.
pub fn fit(name: &str) -> String {
    let mut fit = name.replace(|c| UNPORTABLE.contains(c), "_");
    if fit.ends_with(['.', ' ']) {
        fit.pop();
        fit.push('_');
    }
    if is_reserved(&fit) {
        fit.insert(fit.find('.').unwrap_or(fit.len()), '_');
    }
    fit
}

/// Says whether Windows takes a name for a device.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|n| n.len() == 1 && matches!(n.as_bytes()[0], b'1'..=b'9'))
    };
    let reserved = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str());
    reserved || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_refuses_is_flagged() {
        assert_eq!(problem("a:b"), Some(Problem::Character { character: ':' }));
        assert_eq!(problem("end."), Some(Problem::Ending));
        assert_eq!(problem("com1.txt"), Some(Problem::Reserved));
        assert_eq!(problem("aux"), Some(Problem::Reserved));
        assert_eq!(problem("console.txt"), None);
    }

    #[test]
    fn what_windows_refuses_is_replaced_and_nothing_else() {
        for (name, expected) in [
            ("plan: \"a\\b\"?.txt", "plan_ _a_b__.txt"),
            ("end. .", "end. _"),
            ("con.tar.gz", "con_.tar.gz"),
            ("LPT1", "LPT1_"),
            ("aux:", "aux_"),
            ("...hidden", "...hidden"),
            ("größe 文件.md", "größe 文件.md"),
        ] {
            assert_eq!(fit(name), expected);
            assert_eq!(problem(expected), None);
        }
    }
}
