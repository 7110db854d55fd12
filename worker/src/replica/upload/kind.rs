//! Which files are text: by name, and by what is in them.

/// Extensions that the editor opens. What has none of these is a file to download.
const TEXT_EXTENSIONS: &[&str] = &[
    "adoc",
    "asm",
    "awk",
    "bash",
    "bat",
    "bib",
    "c",
    "cc",
    "cfg",
    "clj",
    "cmake",
    "conf",
    "cpp",
    "cs",
    "css",
    "csv",
    "cxx",
    "d",
    "dart",
    "diff",
    "dockerfile",
    "el",
    "elm",
    "env",
    "erl",
    "ex",
    "exs",
    "f90",
    "fish",
    "fs",
    "gitignore",
    "go",
    "gradle",
    "graphql",
    "groovy",
    "h",
    "hpp",
    "hs",
    "htm",
    "html",
    "ics",
    "ini",
    "ipynb",
    "java",
    "jl",
    "js",
    "json",
    "jsonc",
    "jsx",
    "kt",
    "kts",
    "less",
    "lisp",
    "lock",
    "log",
    "lua",
    "m",
    "makefile",
    "markdown",
    "md",
    "mdx",
    "mjs",
    "ml",
    "mli",
    "nim",
    "nix",
    "org",
    "pas",
    "patch",
    "php",
    "pl",
    "pm",
    "properties",
    "proto",
    "ps1",
    "py",
    "r",
    "rb",
    "readme",
    "rs",
    "rst",
    "sass",
    "scala",
    "scm",
    "scss",
    "sh",
    "sql",
    "srt",
    "svelte",
    "swift",
    "tcl",
    "tex",
    "text",
    "tf",
    "toml",
    "ts",
    "tsv",
    "tsx",
    "txt",
    "vb",
    "vim",
    "vtt",
    "vue",
    "xml",
    "yaml",
    "yml",
    "zig",
    "zsh",
];

/// Extensions of what a host may make thumbs of.
const THUMB_EXTENSIONS: &[&str] = &[
    "docm", "docx", "dotm", "dotx", "epub", "gif", "jpeg", "jpg", "m4v", "mov", "mp4", "pdf",
    "png", "webm", "webp",
];

/// Says whether a name is one of a text file.
pub(super) fn has_text_name(name: &str) -> bool {
    has_extension(name, TEXT_EXTENSIONS)
}

/// Says whether a name is one of a file that has a thumb.
pub(super) fn has_thumb_name(name: &str) -> bool {
    has_extension(name, THUMB_EXTENSIONS)
}

fn has_extension(name: &str, sorted: &[&str]) -> bool {
    let lower = name.to_lowercase();
    let extension = lower.rsplit('.').next().unwrap_or(&lower);
    sorted.binary_search(&extension).is_ok()
}

/// Says whether the start of a file, or all of it, is text of this kind.
pub(super) fn is_text(name: &str, bytes: &[u8]) -> bool {
    has_text_name(name) && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extensions_are_sorted_for_the_search() {
        assert!(TEXT_EXTENSIONS.is_sorted() && THUMB_EXTENSIONS.is_sorted());
    }

    #[test]
    fn a_picture_with_a_text_name_is_no_text() {
        assert!(is_text("notes.md", "größe".as_bytes()));
        assert!(is_text("Makefile", b"all:"));
        assert!(!is_text("notes.md", &[0xff, 0xd8, 0xff]));
        assert!(!is_text("notes.md", b"a\0b"));
        assert!(!is_text("photo.jpg", b"text"));
    }
}
