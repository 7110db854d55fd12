//! Every text of the page, in every language it speaks.
//!
//! [`Msg`] names what is to be said, with what it depends on; each language is one `match`
//! over it, so a missing translation does not compile. Faults and alarms become text
//! here and nowhere else.

mod en;
mod zh;

use std::borrow::Cow;

use offing_core::portable;
use offing_core::rpc::{
    Alarm, Fault, KitState, Lacking, NameReason, RewindStep, Transfer, WhySetAside,
};

use crate::state::measure::{PasswordFlaw, Span};
use crate::state::status::Pill;
use crate::state::transfers::Summary;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// All languages, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// Picks the language for a tag such as `zh-CN`; English for those it does not speak.
    pub fn from_tag(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// The tag of the language.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// What the language calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "简体中文",
        }
    }

    /// Says something.
    pub fn say(self, msg: Msg<'_>) -> Cow<'static, str> {
        match self {
            Self::En => en::say(msg),
            Self::Zh => zh::say(msg),
        }
    }
}

impl Msg<'_> {
    /// Why a new sign-in is wanted.
    pub fn sign_in_again(taken_off: bool) -> Self {
        if taken_off { Self::TakenOffWhy } else { Self::SignInAgainWhy }
    }
}

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the English text beside each name is its documentation")]
pub enum Msg<'a> {
    Account,
    Alarm(&'a Alarm),
    AndMore(u32),
    AsItWas,
    BadgeHere,
    BadgeKept,
    BadgeServerOnly,
    BadgeSyncing,
    Before(&'a str),
    Breadcrumb,
    CameBack {
        name: &'a str,
        by: &'a str,
        recovered: bool,
        more: u32,
    },
    Cancel,
    ChangePassword,
    Changed(u32),
    ChooseFiles,
    Clear,
    Close,
    CodeHidden,
    Continue,
    Copied(u32),
    CopyHere,
    CopyTo,
    CopyWhere(u32),
    Create,
    CreateAccount,
    Created,
    CurrentPassword,
    Cut(u32),
    CutOut,
    Delete,
    Difference,
    Differing,
    Dismiss,
    Download,
    DownloadKit,
    DownloadOthers,
    DeviceLeaving,
    DeviceSeen(&'a str),
    DeviceSince(&'a str),
    Devices,
    DropHere,
    EditOf {
        at: u32,
        count: u32,
    },
    Editor,
    EditorLost,
    EditorMissing(&'a str),
    Edits(u32),
    EmptyTrash,
    Everything,
    ExportAll,
    ExportWhy,
    Fault(&'a Fault),
    File,
    FileOf(&'a str),
    Files,
    FolderEmpty,
    Folders,
    ForgotPassword,
    GoHome,
    Help,
    History,
    /// What a file or folder says of itself.
    Details,
    Incomplete,
    IncompleteWhy(u32),
    InviteMissing,
    IsLocal,
    Items(u32),
    JoinWhy,
    KeepBoth,
    KeepHere,
    KeepThis,
    KeptHere,
    KeptUntil,
    KeyAll,
    KeyClear,
    KeyClipboard,
    KeyMenu,
    KeyMove,
    KeyOpen,
    KeyParent,
    KeyRange,
    KeySelect,
    KeyStar,
    KeyTypeAhead,
    KitNew,
    KitNewWhy,
    KitReadBackOnly,
    KitState(KitState),
    KitText {
        username: &'a str,
        code: &'a str,
        address: &'a str,
    },
    KitWhy,
    Language,
    Later,
    LetGo,
    LetGoOf,
    Loading,
    MarkCopy,
    Marked(u32),
    MayBeEvicted,
    Merged {
        count: u32,
        from: &'a str,
    },
    TextReplaced {
        by: &'a str,
        shown: bool,
    },
    Messages,
    Modified,
    Moments,
    MoreActions,
    MoreFolders,
    MoreVersions(u32),
    MoveHere,
    MoveTo,
    MoveWhere(u32),
    Moved(u32),
    MyDevice,
    MyDeviceHint,
    Name,
    NameUnfit(NameReason),
    NameUnportable(portable::Problem),
    NamesExist(u32),
    NamesExistTitle,
    NeedInvite,
    NewFolder,
    NewPassword,
    NewTextFile,
    NewTextName,
    NoDifference,
    NoExcerpt,
    NoSuchPage,
    NoVersions,
    NotStarted,
    NotStartedHint,
    Now,
    OnTheServer,
    OnThisDevice,
    Open,
    OtherMoment,
    OthersDevice,
    OthersDeviceHint,
    Password,
    PasswordChanged,
    PasswordFlaw(PasswordFlaw),
    PasswordRule,
    Paste,
    Pause,
    Pill(Pill),
    PillHint(Pill),
    Places,
    PlacesBelow,
    Preview,
    PreviewMissing,
    Purge,
    PurgeNow,
    ReadBack,
    ReadBackHint,
    ReadOnlyLarge,
    ReadOnlyTrashed,
    Recover,
    RecoverWhy,
    Recovered,
    RecoveryCode,
    RecoveryKit,
    Rename,
    Renamed,
    RepeatPassword,
    Replace,
    Restore,
    Restored(u32),
    Resume,
    Retry,
    Rewind,
    RewindFolder,
    RewindNow,
    RewindWhy,
    Rewound(u32),
    Root,
    Search,
    Selected(u32),
    SetAside,
    SetAsideCount(u32),
    SetAsideWhy(WhySetAside),
    SetPassword,
    Settings,
    Settled(u32),
    Show,
    ShowCode,
    ShownInList,
    SignIn,
    SignInAgainWhy,
    TakenOffWhy,
    SignOut,
    SignOutAnyway,
    SignOutLoses(u32),
    SinceThen,
    Size,
    SkipThese,
    Space,
    Starred,
    State,
    StaySignedIn,
    SyncNow,
    SyncStatus,
    ServerRestored,
    GiveBackAsk,
    GiveBack,
    GoOn,
    NotNow,
    Lacking(Lacking),
    TakeOff,
    TakeOffNamed(&'a str),
    TakeOffNow,
    TakeOffWhy,
    ThisDevice,
    Toolbar,
    TransferState(&'a Transfer),
    Transfers,
    TransfersSum {
        sum: Summary,
        eta: Option<Span>,
    },
    Trash,
    TrashEmpty,
    TrashWhy,
    Trashed(u32),
    TwoVersions,
    TwoVersionsOf(&'a str),
    Undo,
    Undone,
    UnchangedLines,
    Unfold,
    /// A new version has to wait for files that are being read.
    UpdateLater,
    UploadFiles,
    UploadFolder,
    UsedOf {
        used: &'a str,
        quota: &'a str,
    },
    Username,
    Versions,
    WhoseDevice,
    WouldBe(&'a RewindStep),
    WouldChange(u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use offing_core::proto::Code;

    #[test]
    fn names_that_tests_and_screen_readers_rely_on_are_as_the_product_says() {
        let table = [
            (Msg::Username, "Username"),
            (Msg::RepeatPassword, "Repeat password"),
            (Msg::CreateAccount, "Create account"),
            (Msg::SignIn, "Sign in"),
            (Msg::RecoveryKit, "Recovery kit"),
            (Msg::DownloadKit, "Download kit"),
            (Msg::Continue, "Continue"),
            (Msg::Files, "Files"),
            (Msg::Breadcrumb, "Breadcrumb"),
            (Msg::NewFolder, "New folder"),
            (Msg::NewTextFile, "New text file"),
            (Msg::UploadFiles, "Upload files"),
            (Msg::UploadFolder, "Upload folder"),
            (Msg::MoveTo, "Move to…"),
            (Msg::Delete, "Delete"),
            (Msg::Transfers, "Transfers"),
            (Msg::SyncStatus, "Sync status"),
            (Msg::Pill(Pill::SavedHere), "Saved here"),
            (Msg::Pill(Pill::Syncing(3)), "Syncing 3"),
            (Msg::Pill(Pill::OnServer), "On server"),
            (Msg::Pill(Pill::Offline(0)), "Offline"),
            (Msg::Editor, "Editor"),
            (Msg::Preview, "Preview"),
            (Msg::TwoVersions, "Two versions"),
            (Msg::Versions, "Versions"),
            (Msg::Starred, "Starred"),
            (Msg::Trash, "Trash"),
            (Msg::Purge, "Delete for good…"),
            (Msg::PurgeNow, "Delete for good"),
            (Msg::EmptyTrash, "Empty trash…"),
            (Msg::Search, "Search"),
            (Msg::Undo, "Undo"),
        ];
        for (msg, text) in table {
            assert_eq!(Lang::En.say(msg), text);
        }
    }

    #[test]
    fn every_fault_has_words_in_every_language() {
        let faults = [
            Fault::Offline,
            Fault::Server(Code::WrongCredentials),
            Fault::Server(Code::InviteUsed),
            Fault::NotHere { name: "a.bin".into() },
            Fault::Unsynced { pending: 2 },
            Fault::Internal,
        ];
        for lang in Lang::ALL {
            for fault in &faults {
                assert!(!lang.say(Msg::Fault(fault)).is_empty());
            }
        }
        let text = Lang::Zh.say(Msg::Fault(&faults[3])).into_owned();
        assert!(text.contains("a.bin"), "the message names the file: {text}");
    }

    #[test]
    fn a_browser_s_language_picks_one_of_ours() {
        assert_eq!(Lang::from_tag("zh-CN"), Lang::Zh);
        assert_eq!(Lang::from_tag("de"), Lang::En);
        for lang in Lang::ALL {
            assert_eq!(Lang::from_tag(lang.tag()), lang);
        }
    }
}
