//! Dropped or picked files and folders, flattened to what an upload takes.
//!
//! The browser gives a tree of entries, or files with a relative path; an upload takes
//! files with the folders below the target. Folders that hold nothing are kept apart, so
//! that they are made too. Bounded by `UPLOAD_FILES_MAX`.

use offing_core::limits;

/// A flattened drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flat<F> {
    files: Vec<(Vec<String>, F)>,
    empty_folders: Vec<Vec<String>>,
}

/// Reports a drop with more files than one upload takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl<F> Default for Flat<F> {
    fn default() -> Self {
        Self { files: Vec::new(), empty_folders: Vec::new() }
    }
}

impl<F> Flat<F> {
    /// Adds a file by its path below the target.
    pub fn file(&mut self, path: Vec<String>, file: F) -> Result<(), TooMany> {
        self.files.push((path, file));
        self.bounded()
    }

    /// Adds a folder with nothing in it.
    pub fn empty_folder(&mut self, path: Vec<String>) -> Result<(), TooMany> {
        self.empty_folders.push(path);
        self.bounded()
    }

    /// Files with their path below the target.
    pub fn files(&self) -> &[(Vec<String>, F)] {
        &self.files
    }

    /// Paths of folders with nothing in them.
    pub fn empty_folders(&self) -> &[Vec<String>] {
        &self.empty_folders
    }

    fn bounded(&self) -> Result<(), TooMany> {
        let count = self.files.len() + self.empty_folders.len();
        if count > limits::UPLOAD_FILES_MAX { Err(TooMany) } else { Ok(()) }
    }
}

/// Splits a relative path as a folder picker gives it; a file without one is its name.
pub fn split_path(relative: &str, name: &str) -> Vec<String> {
    let parts: Vec<String> =
        relative.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if parts.is_empty() { vec![name.to_owned()] } else { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_empty_folders_are_kept_apart_and_in_order() {
        let mut flat = Flat::default();
        flat.file(split_path("a/1", "1"), 1).unwrap();
        flat.empty_folder(split_path("a/c", "c")).unwrap();
        flat.file(split_path("", "3"), 3).unwrap();
        let paths: Vec<String> = flat.files().iter().map(|(path, _)| path.join("/")).collect();
        assert_eq!(paths, ["a/1", "3"]);
        assert_eq!(flat.empty_folders(), [["a", "c"].map(String::from)]);
    }

    #[test]
    fn one_more_than_an_upload_takes_is_refused() {
        let mut flat = Flat::default();
        for n in 0..limits::UPLOAD_FILES_MAX {
            flat.file(Vec::new(), n).unwrap();
        }
        assert_eq!(flat.empty_folder(Vec::new()), Err(TooMany));
    }

    #[test]
    fn a_picked_folder_keeps_its_path() {
        assert_eq!(split_path("a/b/c.txt", "c.txt"), ["a", "b", "c.txt"]);
        assert_eq!(split_path("", "c.txt"), ["c.txt"]);
    }
}
