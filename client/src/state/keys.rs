//! What the keys of a list mean.
//!
//! One table from key and modifiers to a [`ListKey`]; on a Mac, Command counts as Ctrl.
//! Letters without a meaning are left to type-ahead.

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// `KeyboardEvent.key`.
    pub key: &'a str,
    /// Ctrl, or Command.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
}

/// What to do in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKey {
    /// Move by rows, down if positive, and pick as told.
    Move(i64, Pick),
    /// Move by pages.
    Page(i64, Pick),
    /// Move to the first row.
    First(Pick),
    /// Move to the last row.
    Last(Pick),
    /// Open the row.
    Open,
    /// Pick the row, or let go of it.
    Toggle,
    /// Pick all rows.
    All,
    /// Show what the row says of itself.
    Details,
    /// Rename.
    Rename,
    /// Move to the trash.
    Delete,
    /// Mark for a move.
    Cut,
    /// Mark for a copy.
    Copy,
    /// Move or copy what is marked to here.
    Paste,
    /// Go to the search box.
    Search,
    /// Show help.
    Help,
    /// Let go of everything.
    Clear,
    /// Go to the parent folder.
    Parent,
    /// Open the menu of the row.
    Menu,
}

/// What a movement picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The row it arrives at.
    Only,
    /// The range from the anchor.
    Range,
    /// Nothing: only the focus moves.
    Nothing,
}

/// Finds what a key means in a list.
pub fn list_key(key: Key<'_>) -> Option<ListKey> {
    let pick = match (key.ctrl, key.shift) {
        (_, true) => Pick::Range,
        (true, false) => Pick::Nothing,
        (false, false) => Pick::Only,
    };
    if key.alt {
        return match key.key {
            "ArrowUp" => Some(ListKey::Parent),
            "Enter" => Some(ListKey::Details),
            _ => None,
        };
    }
    let meaning = match key.key {
        "ArrowUp" => ListKey::Move(-1, pick),
        "ArrowDown" => ListKey::Move(1, pick),
        "PageUp" => ListKey::Page(-1, pick),
        "PageDown" => ListKey::Page(1, pick),
        "Home" => ListKey::First(pick),
        "End" => ListKey::Last(pick),
        "F10" if key.shift => ListKey::Menu,
        "ContextMenu" => ListKey::Menu,
        "Enter" if !key.ctrl => ListKey::Open,
        " " => ListKey::Toggle,
        "F2" => ListKey::Rename,
        "Delete" => ListKey::Delete,
        "Backspace" if key.ctrl => ListKey::Delete,
        "Escape" => ListKey::Clear,
        "a" | "A" if key.ctrl => ListKey::All,
        "x" | "X" if key.ctrl => ListKey::Cut,
        "c" | "C" if key.ctrl => ListKey::Copy,
        "v" | "V" if key.ctrl => ListKey::Paste,
        _ => return page_key(key),
    };
    Some(meaning)
}

/// Finds what a key means wherever no text is being typed.
pub fn page_key(key: Key<'_>) -> Option<ListKey> {
    match key.key {
        "k" | "K" if key.ctrl && !key.alt => Some(ListKey::Search),
        "/" if !key.ctrl && !key.alt => Some(ListKey::Search),
        "?" if !key.ctrl && !key.alt => Some(ListKey::Help),
        _ => None,
    }
}

/// Moves a focus inside a list of `total` rows.
pub fn moved(focus: u32, by: i64, total: u32) -> u32 {
    let last = i64::from(total.saturating_sub(1));
    (i64::from(focus) + by).clamp(0, last) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str, modifiers: &str) -> Option<ListKey> {
        list_key(Key {
            key,
            ctrl: modifiers.contains('c'),
            shift: modifiers.contains('s'),
            alt: modifiers.contains('a'),
        })
    }

    #[test]
    fn the_documented_keys_do_what_they_say() {
        let table = [
            ("ArrowDown", "", ListKey::Move(1, Pick::Only)),
            ("ArrowUp", "s", ListKey::Move(-1, Pick::Range)),
            ("ArrowDown", "c", ListKey::Move(1, Pick::Nothing)),
            ("Enter", "", ListKey::Open),
            (" ", "", ListKey::Toggle),
            ("F2", "", ListKey::Rename),
            ("Delete", "", ListKey::Delete),
            ("x", "c", ListKey::Cut),
            ("c", "c", ListKey::Copy),
            ("v", "c", ListKey::Paste),
            ("a", "c", ListKey::All),
            ("/", "", ListKey::Search),
            ("k", "c", ListKey::Search),
            ("?", "s", ListKey::Help),
            ("Escape", "", ListKey::Clear),
            ("ArrowUp", "a", ListKey::Parent),
            ("Enter", "a", ListKey::Details),
            ("F10", "s", ListKey::Menu),
            ("ContextMenu", "", ListKey::Menu),
        ];
        for (key, modifiers, meaning) in table {
            assert_eq!(press(key, modifiers), Some(meaning), "{modifiers}+{key}");
        }
    }

    #[test]
    fn plain_letters_are_left_to_type_ahead() {
        for key in ["a", "x", "文", "1"] {
            assert_eq!(press(key, ""), None);
        }
    }

    #[test]
    fn a_movement_stays_inside() {
        assert_eq!(moved(0, -1, 5), 0);
        assert_eq!(moved(4, 1, 5), 4);
        assert_eq!(moved(0, 1, 0), 0);
        assert_eq!(moved(1, 3, 10), 4);
    }
}
