//! Which files are text: by name, and by what is in them.

/// Extensions that the editor opens. What has none of these is a file to download.
const TEXT_EXTENSIONS: &[&str] = &[
    "adoc",
    "asm",
    "awk",
    "bash",
    "bashrc",
    "bat",
    "bib",
    "c",
    "c++",
    "cc",
    "cfg",
    "cjs",
    "clj",
    "cljc",
    "cljs",
    "cmake",
    "coffee",
    "conf",
    "cpp",
    "cr",
    "cs",
    "css",
    "csv",
    "cts",
    "cxx",
    "d",
    "dart",
    "diff",
    "dockerfile",
    "edn",
    "el",
    "elm",
    "env",
    "erl",
    "ex",
    "exs",
    "f",
    "f77",
    "f90",
    "f95",
    "feature",
    "fish",
    "for",
    "fs",
    "gemfile",
    "gemspec",
    "gitignore",
    "go",
    "gql",
    "gradle",
    "graphql",
    "groovy",
    "h",
    "h++",
    "hbs",
    "hcl",
    "hh",
    "hpp",
    "hrl",
    "hs",
    "htm",
    "html",
    "hxx",
    "ics",
    "ini",
    "ino",
    "ipynb",
    "java",
    "jenkinsfile",
    "jl",
    "js",
    "json",
    "json5",
    "jsonc",
    "jsonl",
    "jsx",
    "ksh",
    "kt",
    "kts",
    "less",
    "lhs",
    "lisp",
    "lock",
    "log",
    "ltx",
    "lua",
    "m",
    "makefile",
    "markdown",
    "md",
    "mdown",
    "mdx",
    "mjs",
    "mk",
    "mkd",
    "ml",
    "mli",
    "mm",
    "mts",
    "nim",
    "nix",
    "org",
    "pas",
    "patch",
    "php",
    "pl",
    "plist",
    "pm",
    "properties",
    "proto",
    "ps1",
    "psd1",
    "psm1",
    "pug",
    "py",
    "pyi",
    "pyw",
    "r",
    "rake",
    "rakefile",
    "rb",
    "readme",
    "rs",
    "rst",
    "s",
    "sass",
    "sbt",
    "scala",
    "scm",
    "scss",
    "sh",
    "sml",
    "sql",
    "srt",
    "sty",
    "styl",
    "sv",
    "svelte",
    "svh",
    "swift",
    "tcl",
    "tex",
    "text",
    "tf",
    "tfvars",
    "toml",
    "ts",
    "tsv",
    "tsx",
    "txt",
    "v",
    "vb",
    "vbs",
    "vhd",
    "vhdl",
    "vim",
    "vtt",
    "vue",
    "wast",
    "wat",
    "xhtml",
    "xml",
    "xsd",
    "xsl",
    "xslt",
    "yaml",
    "yml",
    "zig",
    "zon",
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
