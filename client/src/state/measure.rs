//! Sizes, durations, file types and names, measured for people.
//!
//! Numbers are kept apart from words: the words (units of time) are in `i18n`.

use offing_core::limits;
use offing_core::rpc::{Kind, NameReason};

/// Prints bytes with three significant digits.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    // In whole numbers: printing fractions would make the page 20 KiB larger.
    let mut whole = 1_000;
    let mut unit = 0;
    while count / (whole / 2) >= 1_999 && unit + 1 < UNITS.len() {
        whole *= 1_000;
        unit += 1;
    }
    let per = |parts: u64| count / whole * parts + (count % whole * parts + whole / 2) / whole;
    let (hundredths, tenths, unit) = (per(100), per(10), UNITS[unit]);
    if hundredths < 1_000 {
        format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100)
    } else if tenths < 1_000 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", per(1))
    }
}

/// A duration split for people: the greatest unit and its count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Seconds.
    Seconds(u64),
    /// Minutes.
    Minutes(u64),
    /// Hours.
    Hours(u64),
}

/// Rounds seconds up to the greatest unit that fits.
pub fn span(seconds: u64) -> Span {
    match seconds {
        0..60 => Span::Seconds(seconds),
        60..3_600 => Span::Minutes(seconds.div_ceil(60)),
        _ => Span::Hours(seconds.div_ceil(3_600)),
    }
}

/// The extension of a name, its letters from A to Z in lower case; empty if it has none.
pub fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Where a long name is cut in two, so that its end (a number, the extension) is still
/// shown where the room is short; the length of names that are not cut.
pub fn name_end(name: &str) -> usize {
    const LONG: usize = 24;
    const END: usize = 10;
    if name.chars().count() <= LONG {
        return name.len();
    }
    // Only between plain letters: a cut must not part what belongs together.
    let cut = name.len().saturating_sub(END);
    let plain = |at: usize| name.as_bytes().get(at).is_some_and(u8::is_ascii_graphic);
    if plain(cut.wrapping_sub(1)) && name.as_bytes()[cut..].is_ascii() { cut } else { name.len() }
}

/// How many characters of a name to select when it is renamed: all but the extension.
pub fn stem_utf16(name: &str, kind: Kind) -> u32 {
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() && kind != Kind::Folder => stem,
        _ => name,
    };
    stem.encode_utf16().count() as u32
}

/// Says whether a text file is Markdown.
pub fn is_markdown(name: &str) -> bool {
    matches!(extension(name).as_str(), "md" | "markdown" | "mdown" | "mkd")
}

/// Says whether a text file is an HTML page.
pub fn is_page(name: &str) -> bool {
    matches!(extension(name).as_str(), "html" | "htm" | "xhtml")
}

/// The icon of a node.
pub fn icon(name: &str, kind: Kind) -> &'static str {
    if kind == Kind::Folder {
        return "folder";
    }
    match extension(name).as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg" | "heic" => "file-image",
        "mp3" | "flac" | "ogg" | "wav" | "m4a" | "opus" => "file-audio",
        "mp4" | "mkv" | "webm" | "mov" | "avi" => "file-video",
        "pdf" => "files",
        "docx" | "docm" | "doc" | "odt" | "rtf" => "file-type",
        "xlsx" | "xlsm" | "xls" | "ods" | "csv" | "tsv" => "file-spreadsheet",
        "epub" => "book-open",
        "zip" | "gz" | "tar" | "7z" | "xz" | "zst" | "rar" => "file-archive",
        "rs" | "js" | "ts" | "py" | "html" | "css" | "json" | "toml" | "yaml" | "yml" | "sh"
        | "c" | "h" | "cpp" | "go" | "java" => "file-code",
        _ if kind == Kind::Text => "file-text",
        _ => "file",
    }
}

/// Checks a name before it is sent; the engine checks it again.
pub fn check_name(name: &str) -> Result<(), NameReason> {
    if name.is_empty() {
        Err(NameReason::Empty)
    } else if name == "." || name == ".." {
        Err(NameReason::Dots)
    } else if name.len() > limits::NAME_BYTES_MAX {
        Err(NameReason::TooLong)
    } else if name.contains(|letter: char| letter == '/' || letter.is_control()) {
        Err(NameReason::Character)
    } else {
        Ok(())
    }
}

/// What is wrong with a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFlaw {
    /// It has fewer than `PASSWORD_CHARS_MIN` characters.
    Short,
    /// It has more than `PASSWORD_BYTES_MAX` bytes.
    Long,
    /// The repetition differs.
    Differs,
}

/// Checks a new password and its repetition. Length is the only rule.
pub fn check_password(password: &str, repeated: &str) -> Result<(), PasswordFlaw> {
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        Err(PasswordFlaw::Short)
    } else if password.len() > limits::PASSWORD_BYTES_MAX {
        Err(PasswordFlaw::Long)
    } else if password != repeated {
        Err(PasswordFlaw::Differs)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_told_by_the_end_of_a_name_and_else_by_the_kind() {
        let names = ["plan.PDF", "letter.docx", "counts.tsv", "novel.epub", "gull.jpg", "notes"];
        let icons = ["files", "file-type", "file-spreadsheet", "book-open", "file-image"];
        for (name, expected) in names.iter().zip(icons.iter().chain(&["file-text"])) {
            assert_eq!(icon(name, Kind::Text), *expected);
        }
        assert_eq!(icon("plan.pdf", Kind::Folder), "folder");
    }

    #[test]
    fn sizes_have_three_digits() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_995, "10.0 kB"),
            (12_345, "12.3 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (999_600, "1.00 MB"),
            (268_435_456, "268 MB"),
            (5_000_000_000, "5.00 GB"),
            (u64::MAX, "18447 PB"),
        ];
        for (count, text) in table {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn a_rename_selects_the_name_without_its_extension() {
        assert_eq!(stem_utf16("notes.md", Kind::Text), 5);
        assert_eq!(stem_utf16(".profile", Kind::Text), 8);
        assert_eq!(stem_utf16("v1.2", Kind::Folder), 4);
        assert_eq!(stem_utf16("😀.md", Kind::Text), 2);
    }

    #[test]
    fn names_that_no_system_holds_are_refused() {
        assert_eq!(check_name(""), Err(NameReason::Empty));
        assert_eq!(check_name(".."), Err(NameReason::Dots));
        assert_eq!(check_name("a/b"), Err(NameReason::Character));
        assert_eq!(check_name("a\u{7}"), Err(NameReason::Character));
        assert_eq!(check_name(&"é".repeat(128)), Err(NameReason::TooLong));
        assert_eq!(check_name("résumé.md"), Ok(()));
    }

    #[test]
    fn a_password_is_judged_by_its_length_alone() {
        assert_eq!(check_password("short", "short"), Err(PasswordFlaw::Short));
        assert_eq!(check_password("aaaaaaaa", "aaaaaaab"), Err(PasswordFlaw::Differs));
        assert_eq!(check_password(&"a".repeat(2_000), ""), Err(PasswordFlaw::Long));
        assert_eq!(check_password("aaaaaaaa", "aaaaaaaa"), Ok(()));
    }

    #[test]
    fn durations_use_the_greatest_unit() {
        assert_eq!(span(59), Span::Seconds(59));
        assert_eq!(span(61), Span::Minutes(2));
        assert_eq!(span(7_200), Span::Hours(2));
    }

    #[test]
    fn a_long_name_is_cut_before_its_end_and_never_inside_a_character() {
        let long = "a rather long name of a report (2).pdf";
        assert_eq!(&long[name_end(long)..], "rt (2).pdf");
        for whole in ["short.txt", "名称很长的文件名称很长的文件名称很长的文件.txt", ""]
        {
            assert_eq!(name_end(whole), whole.len());
        }
    }
}
