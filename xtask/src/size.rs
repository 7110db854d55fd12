//! Keeps what the browser downloads within its budget.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

/// One line of the budget: files whose brotli sizes are added up.
struct Budget {
    name: &'static str,
    /// How a file's path begins and ends.
    parts: &'static [(&'static str, &'static str)],
    /// What it should be at most.
    kib_goal: u64,
    /// What fails the build: it may be above the goal where that is not reached yet. It comes down
    /// wherever it can; what takes it up is something that people asked for, named in its commit.
    kib_max: u64,
}

/// What stands between a person and the first paint, and what the service worker costs
/// each time it is woken.
const BUDGETS: [Budget; 25] = [
    Budget {
        name: "page wasm",
        parts: &[("assets/page-", ".wasm.br")],
        kib_goal: 250,
        kib_max: 252,
    },
    Budget {
        name: "engine wasm",
        parts: &[("assets/engine-", ".wasm.br")],
        kib_goal: 700,
        kib_max: 848,
    },
    Budget {
        name: "OPAQUE, at a sign-in",
        parts: &[("assets/opaque-", ".wasm.br"), ("assets/opaque-", ".js.br")],
        kib_goal: 64,
        kib_max: 64,
    },
    Budget {
        name: "Markdown, when opened",
        parts: &[("assets/markdown-", ".wasm.br"), ("assets/markdown-", ".js.br")],
        kib_goal: 80,
        kib_max: 80,
    },
    Budget {
        name: "search, when asked",
        parts: &[
            ("assets/search-", ".wasm.br"),
            ("assets/search-", ".js.br"),
            ("assets/searcher-", ".js.br"),
        ],
        kib_goal: 96,
        kib_max: 97,
    },
    // With its frame, which draws SVG as the page draws pictures, and counts it before.
    Budget {
        name: "preview, when opened",
        parts: &[("assets/viewer-", ".js.br"), ("assets/soon-", ".js.br")],
        kib_goal: 24,
        kib_max: 33,
    },
    Budget {
        name: "pictures, sound, film",
        parts: &[("assets/media-", ".js.br")],
        kib_goal: 3,
        kib_max: 3,
    },
    Budget {
        name: "thumbs, after the start",
        parts: &[("assets/thumbs-", ".js.br"), ("assets/maker-", ".js.br")],
        kib_goal: 4,
        kib_max: 4,
    },
    Budget {
        name: "edges, where there are some",
        parts: &[("assets/edges-", ".js.br")],
        kib_goal: 3,
        kib_max: 3,
    },
    Budget {
        name: "labels, after the start",
        parts: &[("assets/labels-", ".js.br"), ("assets/tags-", ".js.br")],
        kib_goal: 4,
        kib_max: 4,
    },
    Budget {
        name: "second factors, when asked",
        parts: &[("assets/factor-", ".js.br"), ("assets/factors-", ".js.br")],
        kib_goal: 10,
        kib_max: 10,
    },
    Budget {
        name: "new versions",
        parts: &[("assets/update-", ".js.br")],
        kib_goal: 3,
        kib_max: 3,
    },
    Budget {
        name: "details, when asked",
        parts: &[("assets/details-", ".js.br")],
        kib_goal: 3,
        kib_max: 3,
    },
    Budget {
        name: "details of a picture",
        parts: &[("assets/picture-", ".js.br")],
        kib_goal: 3,
        kib_max: 3,
    },
    Budget {
        name: "details of a PDF",
        parts: &[("assets/document-", ".js.br")],
        kib_goal: 1,
        kib_max: 1,
    },
    Budget {
        name: "admin, no part of it",
        parts: &[("admin/admin", ".js.br"), ("admin/style", ".css.br")],
        kib_goal: 10,
        kib_max: 10,
    },
    Budget {
        name: "checkup, no part of it",
        parts: &[("checkup/checkup", ".js.br"), ("checkup/style", ".css.br")],
        kib_goal: 10,
        kib_max: 11,
    },
    // It reads in pieces what is larger than memory.
    Budget {
        name: "preview of archives",
        parts: &[("assets/preview-archive-", ".wasm.br"), ("assets/preview-archive-", ".js.br")],
        kib_goal: 106,
        kib_max: 112,
    },
    // The standard fonts are 240 KiB of it.
    Budget {
        name: "preview of PDF",
        parts: &[("assets/preview-pdf-", ".wasm.br"), ("assets/preview-pdf-", ".js.br")],
        kib_goal: 1024,
        kib_max: 1150,
    },
    Budget {
        name: "preview of documents",
        parts: &[("assets/preview-docx-", ".wasm.br"), ("assets/preview-docx-", ".js.br")],
        kib_goal: 116,
        kib_max: 116,
    },
    Budget {
        name: "preview of books",
        parts: &[("assets/preview-epub-", ".wasm.br"), ("assets/preview-epub-", ".js.br")],
        kib_goal: 128,
        kib_max: 128,
    },
    Budget {
        name: "pictures' own words",
        parts: &[("assets/preview-picture-", ".wasm.br"), ("assets/preview-picture-", ".js.br")],
        kib_goal: 66,
        kib_max: 66,
    },
    Budget {
        name: "preview of sheets",
        parts: &[("assets/preview-sheet-", ".wasm.br"), ("assets/preview-sheet-", ".js.br")],
        kib_goal: 128,
        kib_max: 134,
    },
    Budget {
        name: "service worker",
        parts: &[("assets/sw-", ".wasm.br"), ("sw", ".js.br"), ("release", ".json.br")],
        kib_goal: 128,
        kib_max: 128,
    },
    Budget {
        name: "boot, styles, index",
        parts: &[("assets/boot-", ".js.br"), ("assets/style-", ".css.br"), ("index", ".html.br")],
        kib_goal: 48,
        kib_max: 48,
    },
];

/// Prints the budget and fails where something is over it.
pub(crate) fn check(dist: &Path) -> Result<()> {
    let mut files = Vec::new();
    for folder in ["", "admin", "assets", "checkup"] {
        let inside = dist.join(folder);
        for entry in
            fs::read_dir(&inside).with_context(|| format!("cannot list {}", inside.display()))?
        {
            let entry = entry?;
            let name = Path::new(folder).join(entry.file_name());
            files.push((name.display().to_string(), entry.metadata()?.len()));
        }
    }
    let mut over = Vec::new();
    eprintln!("   {:<22}{:>12}{:>10}{:>10}", "after brotli", "KiB", "goal", "at most");
    for budget in &BUDGETS {
        let mut bytes = 0;
        for (start, end) in budget.parts {
            let part =
                files.iter().find(|(name, _)| name.starts_with(start) && name.ends_with(end));
            let (_, len) = part.with_context(|| format!("dist/ has no {start}…{end}"))?;
            bytes += len;
        }
        let kib = bytes as f64 / 1024.0;
        let Budget { name, kib_goal, kib_max, .. } = budget;
        eprintln!("   {name:<22}{kib:>12.1}{kib_goal:>10}{kib_max:>10}");
        if bytes > budget.kib_max * 1024 {
            over.push(budget.name);
        }
    }
    if !over.is_empty() {
        bail!("over the size budget: {}", over.join(", "));
    }
    Ok(())
}
