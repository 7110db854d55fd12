//! English.

use std::borrow::Cow;

use offing_core::portable::Problem;
use offing_core::proto::Code;
use offing_core::rpc::{
    Alarm, Fault, KitState, Lacking, NameReason, RewindStep, Rewound, Transfer, TransferState,
    WhySetAside,
};

use super::Msg;
use crate::state::measure::{self, PasswordFlaw, Span};
use crate::state::status::Pill;
use crate::state::transfers::Summary;

pub(super) fn say(msg: Msg<'_>) -> Cow<'static, str> {
    match msg {
        Msg::Account => "Account".into(),
        Msg::Alarm(alarm) => self::alarm(alarm),
        Msg::AndMore(count) => format!("and {count} more").into(),
        Msg::AsItWas => "As it was then".into(),
        Msg::BadgeHere => "Saved here".into(),
        Msg::BadgeKept => "Kept on this device".into(),
        Msg::BadgeServerOnly => "On the server only".into(),
        Msg::BadgeSyncing => "Syncing".into(),
        Msg::Before(time) => format!("Before {time}").into(),
        Msg::Breadcrumb => "Breadcrumb".into(),
        Msg::CameBack { name, by, recovered, more } => came_back(name, by, recovered, more).into(),
        Msg::Cancel => "Cancel".into(),
        Msg::ChangePassword => "Change password".into(),
        Msg::Changed(count) => format!("{} changed", items(count)).into(),
        Msg::ChooseFiles => "Choose files".into(),
        Msg::Clear => "Clear".into(),
        Msg::Close => "Close".into(),
        Msg::CodeHidden => "The code is hidden while you read it back.".into(),
        Msg::Continue => "Continue".into(),
        Msg::Copied(count) => format!("{} copied", items(count)).into(),
        Msg::CopyHere => "Copy here".into(),
        Msg::CopyTo => "Copy to…".into(),
        Msg::CopyWhere(count) => format!("Copy {} to:", items(count)).into(),
        Msg::Create => "Create".into(),
        Msg::CreateAccount => "Create account".into(),
        Msg::Created => "Created".into(),
        Msg::CurrentPassword => "Current password".into(),
        Msg::Cut(count) => format!("{} cut. Paste to move.", items(count)).into(),
        Msg::CutOut => "Cut".into(),
        Msg::Delete => "Delete".into(),
        Msg::Difference => "Difference".into(),
        Msg::Differing => "Struck out is only in the first version, marked only in the second.".into(),
        Msg::Dismiss => "Dismiss".into(),
        Msg::Download => "Download".into(),
        Msg::DownloadKit => "Download kit".into(),
        Msg::DownloadOthers => "Download the others".into(),
        Msg::DropHere => "Drop to upload here".into(),
        Msg::EditOf { at, count } => format!("Edit {at} of {count}").into(),
        Msg::Editor => "Editor".into(),
        Msg::EditorLost => {
            "This text cannot be followed any further. Copy what you typed last, then reload the page."
                .into()
        }
        Msg::EditorMissing(name) => {
            format!("“{name}” could not be opened in the editor. Reload the page.").into()
        }
        Msg::Edits(1) => "1 edit".into(),
        Msg::Edits(count) => format!("{count} edits").into(),
        Msg::EmptyTrash => "Empty trash…".into(),
        Msg::Everything => "Everything you have".into(),
        Msg::ExportAll => "Download everything".into(),
        Msg::ExportWhy => {
            "One ZIP with all files as they are, those in the trash too. Nobody needs Offing to open it.".into()
        }
        Msg::Fault(fault) => self::fault(fault),
        Msg::File => "File".into(),
        Msg::FileOf(kind) => format!("{} file", kind.to_ascii_uppercase()).into(),
        Msg::Files => "Files".into(),
        Msg::FolderEmpty => "This folder is empty.".into(),
        Msg::Folders => "Folders".into(),
        Msg::ForgotPassword => "Forgot the password? Use the recovery code".into(),
        Msg::GoHome => "Go to My files".into(),
        Msg::Help => "Help".into(),
        Msg::History => "Versions…".into(),
        Msg::Details => "Details".into(),
        Msg::Incomplete => "Not everything is here".into(),
        Msg::IncompleteWhy(1) => {
            "One file is not on this device, and the server does not have it to give now. The \
             download would be without it:"
                .into()
        }
        Msg::IncompleteWhy(count) => format!(
            "{count} files are not on this device, and the server does not have them to give now. \
             The download would be without them:"
        )
        .into(),
        Msg::InviteMissing => "This sign-up link is incomplete. Open the whole link you were given.".into(),
        Msg::IsLocal => "On this device".into(),
        Msg::Items(count) => items(count).into(),
        Msg::JoinWhy => "Your password never leaves this browser, and nobody can reset it for you.".into(),
        Msg::KeepBoth => "Keep both".into(),
        Msg::KeepHere => "Keep on this device".into(),
        Msg::KeepThis => "Keep only this one".into(),
        Msg::KeptHere => "Kept on this device".into(),
        Msg::KeptUntil => "Kept until".into(),
        Msg::KeyAll => "Select all".into(),
        Msg::KeyClear => "Select nothing".into(),
        Msg::KeyClipboard => "Cut, copy, paste".into(),
        Msg::KeyMenu => "Open the menu of a row".into(),
        Msg::KeyMove => "Move in the list".into(),
        Msg::KeyOpen => "Open".into(),
        Msg::KeyParent => "Go to the folder above".into(),
        Msg::KeyRange => "Select a range, or add to the selection".into(),
        Msg::KeySelect => "Select".into(),
        Msg::KeyStar => "Star".into(),
        Msg::KeyTypeAhead => "Go to a name by typing it".into(),
        Msg::KitNew => "Make a new kit".into(),
        Msg::KitNewWhy => {
            "Type your password to make a new recovery kit. The one before opens nothing any more.".into()
        }
        Msg::KitReadBackOnly => "Type the code of the recovery kit that you kept.".into(),
        Msg::KitText { username, code, address } => format!(
            "Offing recovery kit\n\nAddress: {address}\nUsername: {username}\nRecovery code: {code}\n\n\
             Whoever has this code can sign in and set a new password.\n\
             Keep it where you will find it and nobody else will. To use it, open\n{address}/recover\n"
        )
        .into(),
        Msg::KitState(KitState::Kept) => "Kept and read back".into(),
        Msg::KitState(KitState::Shown) => "Your recovery kit was not read back yet.".into(),
        Msg::KitState(KitState::Missing) => {
            "No recovery kit was read back. Without one, a forgotten password loses everything.".into()
        }
        Msg::KitWhy => {
            "If you forget your password, this code is the only way back to your files. \
             Download it, keep it safe, and then type it here."
                .into()
        }
        Msg::Language => "Language".into(),
        Msg::Later => "Later".into(),
        Msg::LetGo => "No longer kept on this device".into(),
        Msg::LetGoOf => "Stop keeping here".into(),
        Msg::Loading => "Loading…".into(),
        Msg::MarkCopy => "Copy".into(),
        Msg::Marked(count) => format!("{} marked. Paste to copy.", items(count)).into(),
        Msg::MayBeEvicted => "This browser may clear what is stored here when its disk is full.".into(),
        Msg::Merged { count: 1, from } => format!("1 edit merged from {from}").into(),
        Msg::Merged { count, from } => format!("{count} edits merged from {from}").into(),
        Msg::TextReplaced { by, shown: true } => format!(
            "{by} put another file in the place of this one. What was typed here and not seen \
             there is kept as a second version."
        )
        .into(),
        Msg::TextReplaced { by, shown: false } => format!(
            "{by} put another file in the place of this one, which cannot be shown here. What \
             you type is kept as a second version."
        )
        .into(),
        Msg::Messages => "Messages".into(),
        Msg::Modified => "Modified".into(),
        Msg::Moments => "Moments".into(),
        Msg::MoreActions => "More actions".into(),
        Msg::MoreFolders => "Show more folders".into(),
        Msg::MoreVersions(1) => "One more version follows after these two.".into(),
        Msg::MoreVersions(count) => format!("{count} more versions follow after these two.").into(),
        Msg::MoveHere => "Move here".into(),
        Msg::MoveTo => "Move to…".into(),
        Msg::MoveWhere(count) => format!("Move {} to:", items(count)).into(),
        Msg::Moved(count) => format!("{} moved", items(count)).into(),
        Msg::MyDevice => "My device".into(),
        Msg::MyDeviceHint => "files stay here for use without a network".into(),
        Msg::Name => "Name".into(),
        Msg::NameUnfit(reason) => name_unfit(reason).into(),
        Msg::NameUnportable(problem) => name_unportable(problem),
        Msg::NamesExist(1) => "This name exists here already:".into(),
        Msg::NamesExist(count) => format!("{count} names exist here already:").into(),
        Msg::NamesExistTitle => "Already in this folder".into(),
        Msg::NeedInvite => "A new account needs a sign-up link from whoever runs this server.".into(),
        Msg::NewFolder => "New folder".into(),
        Msg::NewPassword => "New password".into(),
        Msg::NewTextFile => "New text file".into(),
        Msg::NewTextName => "Untitled.md".into(),
        Msg::NoDifference => "This is the text as it is now.".into(),
        Msg::NoExcerpt => "No preview".into(),
        Msg::NoSuchPage => "There is nothing at this address.".into(),
        Msg::NoVersions => "There is nothing in this file yet, so there are no versions of it.".into(),
        Msg::NotStarted => "Offing did not start".into(),
        Msg::NotStartedHint => "What is saved on this device is untouched. Reload the page.".into(),
        Msg::Now => "Now".into(),
        Msg::OnTheServer => "On the server".into(),
        Msg::OnThisDevice => "On this device".into(),
        Msg::Open => "Open".into(),
        Msg::OtherMoment => "Or another moment".into(),
        Msg::OthersDevice => "Someone else's device".into(),
        Msg::OthersDeviceHint => "nothing is written to its disk".into(),
        Msg::Password => "Password".into(),
        Msg::PasswordChanged => "Password changed. Other devices have to sign in again.".into(),
        Msg::PasswordFlaw(flaw) => password_flaw(flaw).into(),
        Msg::PasswordRule => "At least 8 characters; longer is stronger.".into(),
        Msg::Paste => "Paste".into(),
        Msg::Pause => "Pause".into(),
        Msg::Pill(pill) => self::pill(pill),
        Msg::PillHint(pill) => pill_hint(pill),
        Msg::Places => "Places".into(),
        Msg::PlacesBelow => "Main".into(),
        Msg::Preview => "Preview".into(),
        Msg::PreviewMissing => {
            "The rendered text cannot be shown. Go on writing: what you write is saved.".into()
        }
        Msg::Purge => "Delete for good…".into(),
        Msg::PurgeNow => "Delete for good".into(),
        Msg::ReadBack => "Read it back".into(),
        Msg::ReadBackHint => "Spaces, dashes and capitals do not matter.".into(),
        Msg::ReadOnlyLarge => "This text is too large to be edited here.".into(),
        Msg::ReadOnlyTrashed => "This text is in the trash. Restore it to edit it.".into(),
        Msg::Recover => "Recover account".into(),
        Msg::RecoverWhy => "Type the code of your recovery kit and choose a new password.".into(),
        Msg::Recovered => "Recovered".into(),
        Msg::RecoveryCode => "Recovery code".into(),
        Msg::RecoveryKit => "Recovery kit".into(),
        Msg::Rename => "Rename".into(),
        Msg::Renamed => "Renamed".into(),
        Msg::RepeatPassword => "Repeat password".into(),
        Msg::Replace => "Replace".into(),
        Msg::Restore => "Restore".into(),
        Msg::Restored(count) => format!("{} restored", items(count)).into(),
        Msg::Resume => "Resume".into(),
        Msg::Retry => "Retry".into(),
        Msg::Rewind => "Rewind…".into(),
        Msg::RewindFolder => "Rewind the folder".into(),
        Msg::RewindNow => "Rewind".into(),
        Msg::RewindWhy => {
            "Makes the folder what it was at a moment. What came since goes to the trash, and Undo takes it all back."
                .into()
        }
        Msg::Rewound(count) => format!("Rewound: {}", changes(count)).into(),
        Msg::Root => "My files".into(),
        Msg::Search => "Search".into(),
        Msg::Selected(count) => format!("{count} selected").into(),
        Msg::SetAside => "Set aside".into(),
        Msg::SetAsideCount(1) => {
            "One change from the server was not taken in. It is kept there.".into()
        }
        Msg::SetAsideCount(count) => {
            format!("{count} changes from the server were not taken in. They are kept there.").into()
        }
        Msg::SetAsideWhy(WhySetAside::NotGenuine) => "Not genuine: no device of yours can have written it so".into(),
        Msg::SetAsideWhy(WhySetAside::NotUnderstood) => "Not understood: tried again when Offing is updated".into(),
        Msg::SetPassword => "Set new password".into(),
        Msg::Settings => "Settings".into(),
        Msg::Settled(_) => "Settled".into(),
        Msg::Show => "Show".into(),
        Msg::ShowCode => "Show the code".into(),
        Msg::ShownInList => "Shown in the list now".into(),
        Msg::SignIn => "Sign in".into(),
        Msg::SignInAgainWhy => "The server asks you to sign in again. Work goes on here meanwhile.".into(),
        Msg::SignOut => "Sign out".into(),
        Msg::SignOutAnyway => "Sign out and lose them".into(),
        Msg::SignOutLoses(1) => "1 change is not on the server yet. Signing out now loses it.".into(),
        Msg::SignOutLoses(count) => {
            format!("{count} changes are not on the server yet. Signing out now loses them.").into()
        }
        Msg::SinceThen => "What changed since then".into(),
        Msg::Size => "Size".into(),
        Msg::SkipThese => "Skip these".into(),
        Msg::Space => "Space".into(),
        Msg::Starred => "Starred".into(),
        Msg::State => "State".into(),
        Msg::StaySignedIn => "Stay signed in".into(),
        Msg::SyncNow => "Try now".into(),
        Msg::SyncStatus => "Sync status".into(),
        Msg::ServerRestored => "The server was restored from a backup".into(),
        Msg::GiveBackAsk => "Give back…".into(),
        Msg::GiveBack => "Give back what it lacks".into(),
        Msg::GoOn => "Go on".into(),
        Msg::NotNow => "Not now".into(),
        Msg::Lacking(lacking) => self::lacking(lacking),
        Msg::TakeOff => "Take off…".into(),
        Msg::TakeOffNamed(name) => format!("Take “{name}” off your account").into(),
        Msg::TakeOffNow => "Take it off".into(),
        Msg::TakeOffWhy => {
            "It is signed out, gets nothing more from the server, and nothing it writes is \
             accepted any more. What is on it stays there. If somebody else has it, change your \
             password too: whoever knows that can sign in again."
                .into()
        }
        Msg::TakenOffWhy => {
            "This device was taken off your account. What is here stays, also what is not on the \
             server yet: sign in again to go on with it, download it, or sign out to clear it."
                .into()
        }
        Msg::DeviceLeaving => "Being taken off".into(),
        Msg::DeviceSeen(time) => format!("Last here {time}").into(),
        Msg::DeviceSince(time) => format!("Signed in {time}").into(),
        Msg::Devices => "Devices".into(),
        Msg::ThisDevice => "This device".into(),
        Msg::Toolbar => "Actions".into(),
        Msg::TransferState(transfer) => transfer_state(transfer),
        Msg::Transfers => "Transfers".into(),
        Msg::TransfersSum { sum, eta } => transfers(sum, eta),
        Msg::Trash => "Trash".into(),
        Msg::TrashEmpty => "The trash is empty.".into(),
        Msg::TrashWhy => {
            "What you delete stays here for 30 days, then it is deleted for good.".into()
        }
        Msg::Trashed(count) => format!("{} moved to the trash", items(count)).into(),
        Msg::TwoVersions => "Two versions".into(),
        Msg::TwoVersionsOf(name) => {
            format!("“{name}” was changed in two places. Both contents are here.").into()
        }
        Msg::UpdateLater => "Files are still being read. Reload when they are done.".into(),
        Msg::Undo => "Undo".into(),
        Msg::Undone => "Undone".into(),
        Msg::UnchangedLines => "$ unchanged lines".into(),
        Msg::Unfold => "Show or hide what is inside".into(),
        Msg::UploadFiles => "Upload files".into(),
        Msg::UploadFolder => "Upload folder".into(),
        Msg::UsedOf { used, quota } => format!("{used} of {quota}").into(),
        Msg::Username => "Username".into(),
        Msg::Versions => "Versions".into(),
        Msg::WouldBe(step) => would_be(step).into(),
        Msg::WouldChange(0) => "The folder is as it was then.".into(),
        Msg::WouldChange(count) => format!("{} would be made", changes(count)).into(),
        Msg::WhoseDevice => "Whose device is this?".into(),
    }
}

fn items(count: u32) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

fn pill(pill: Pill) -> Cow<'static, str> {
    match pill {
        Pill::Saving => "Saving…".into(),
        Pill::SavedHere => "Saved here".into(),
        Pill::Syncing(count) => format!("Syncing {count}").into(),
        Pill::OnServer => "On server".into(),
        Pill::Offline(_) => "Offline".into(),
    }
}

fn pill_hint(pill: Pill) -> Cow<'static, str> {
    match pill {
        Pill::Saving => "Saving on this device…".into(),
        Pill::SavedHere => "Everything is saved on this device.".into(),
        Pill::Syncing(count) => format!("{} on the way to the server.", changes(count)).into(),
        Pill::OnServer => "Everything is on the server.".into(),
        Pill::Offline(0) => "The server cannot be reached. Work goes on here.".into(),
        Pill::Offline(count) => {
            format!("The server cannot be reached. {} saved here will follow.", changes(count))
                .into()
        }
    }
}

fn changes(count: u32) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

fn would_be(step: &RewindStep) -> String {
    let name = &step.name;
    match (step.what, &step.was) {
        (Rewound::Renamed, Some(was)) => format!("{name} is called {was} again"),
        (Rewound::Renamed, None) => format!("{name} has its name of then"),
        (Rewound::Restored, _) => format!("{name} comes out of the trash"),
        (Rewound::Moved, _) => format!("{name} moves back"),
        (Rewound::Changed, _) => format!("{name} has its content of then"),
        (Rewound::Trashed, _) => format!("{name} goes to the trash"),
    }
}

fn span(span: Span) -> String {
    match span {
        Span::Seconds(count) => format!("{count} s"),
        Span::Minutes(count) => format!("{count} min"),
        Span::Hours(count) => format!("{count} h"),
    }
}

fn transfers(sum: Summary, eta: Option<Span>) -> Cow<'static, str> {
    let mut parts = Vec::new();
    if sum.active > 0 {
        parts.push(format!("{} active", sum.active));
    }
    if sum.paused > 0 {
        parts.push(format!("{} paused", sum.paused));
    }
    if sum.failed > 0 {
        parts.push(format!("{} failed", sum.failed));
    }
    if sum.done > 0 {
        parts.push(format!("{} done", sum.done));
    }
    if let Some(eta) = eta {
        parts.push(format!("{} left", span(eta)));
    }
    if parts.is_empty() { "".into() } else { parts.join(" · ").into() }
}

fn transfer_state(transfer: &Transfer) -> Cow<'static, str> {
    let size = measure::bytes(transfer.size);
    match &transfer.state {
        TransferState::Waiting => format!("{size} · waiting").into(),
        TransferState::Reading => format!("{size} · reading").into(),
        TransferState::Here => format!("{size} · saved here").into(),
        TransferState::Moving => {
            format!("{} of {size}", measure::bytes(transfer.done.min(transfer.size))).into()
        }
        TransferState::Paused => format!("{size} · paused").into(),
        TransferState::Done if transfer.upload => format!("{size} · on server").into(),
        TransferState::Done => format!("{size} · downloaded").into(),
        TransferState::Failed(fault) => self::fault(fault),
        TransferState::Cancelled => "Cancelled".into(),
    }
}

fn name_unfit(reason: NameReason) -> &'static str {
    match reason {
        NameReason::Empty => "Type a name.",
        NameReason::Dots => "A name cannot be “.” or “..”.",
        NameReason::TooLong => "This name is too long. Use at most 255 bytes.",
        NameReason::Character => "A name cannot hold “/” or control characters.",
    }
}

fn came_back(name: &str, by: &str, recovered: bool, more: u32) -> String {
    let others = match more {
        0 => String::new(),
        1 => " One more file came back with it.".to_owned(),
        more => format!(" {more} more came back with it."),
    };
    if recovered {
        format!("“{name}” is in Recovered: its folder was deleted while {by} changed it.{others}")
    } else {
        format!("“{name}” was deleted and came back because {by} edited it.{others}")
    }
}

fn name_unportable(problem: Problem) -> Cow<'static, str> {
    match problem {
        Problem::Character { character } => {
            format!("Windows has no “{character}” in names. In a ZIP it becomes “_”.").into()
        }
        Problem::Ending => {
            "Windows drops a dot or space at the end of a name. In a ZIP it becomes “_”.".into()
        }
        Problem::Reserved => "Windows takes this name for a device. In a ZIP it gets a “_”.".into(),
    }
}

fn password_flaw(flaw: PasswordFlaw) -> &'static str {
    match flaw {
        PasswordFlaw::Short => "The password needs at least 8 characters.",
        PasswordFlaw::Long => "This password is too long.",
        PasswordFlaw::Differs => "The two passwords differ. Type the same one twice.",
    }
}

fn lacking(lacking: Lacking) -> Cow<'static, str> {
    match lacking {
        Lacking { entries: 0, .. } => {
            "The server has everything that this device has. Open Offing on your other devices \
             before you go on: what only they have can be given back until then, and not later."
                .into()
        }
        Lacking { entries, kept: true } => format!(
            "It lacks {} that this device has. Giving them back overwrites nothing.",
            changes(entries)
        )
        .into(),
        Lacking { kept: false, .. } => {
            "The backup is so old that this device does not keep all that came after it, so it \
             cannot give it back. Your files here are untouched: download what you need, or look \
             whether another device can."
                .into()
        }
    }
}

fn alarm(alarm: &Alarm) -> Cow<'static, str> {
    match alarm {
        Alarm::HistoryChanged { seq } => format!(
            "The server's history contradicts what this device has seen (at {seq}). Nothing more is \
             taken from it. Ask whoever runs the server; your files here are untouched."
        )
        .into(),
        Alarm::EntryRefused { seq } => format!(
            "The server sent something that is not genuine (at {seq}). It was set aside."
        )
        .into(),
        Alarm::EditRefused { name } => format!(
            "Someone's edit of “{name}” names text that does not exist, and was left out. The \
             rest of the file is as it was."
        )
        .into(),
        Alarm::StorageFailing => {
            "This browser's storage is failing. Download what is not on the server yet.".into()
        }
        Alarm::ServerRefuses(code) => {
            format!("Your changes are kept on this device. {}", server(*code)).into()
        }
        Alarm::DeviceCopied => {
            "This browser's data was copied, and another copy is in use. This one has become a \
             device of its own; all your work is here and goes on being saved."
                .into()
        }
        Alarm::ServerRestored => {
            "The server was restored from a backup. What you made since is on your devices, and \
             can be given back."
                .into()
        }
        Alarm::LeftBehind { seq } => format!(
            "The server was restored from a backup and went on without some of what this device \
             has (up to {seq}). All of it is still here, and nothing more is sent or taken: \
             download what you need, then sign out and sign in again."
        )
        .into(),
    }
}

fn fault(fault: &Fault) -> Cow<'static, str> {
    match fault {
        Fault::Server(code) => server(*code).into(),
        Fault::Offline => {
            "The server cannot be reached, and this needs it. Try again later.".into()
        }
        Fault::SignedOut => "Sign in first.".into(),
        Fault::CodeMismatch => "This is not the code. Check it and type it again.".into(),
        Fault::PasswordUnfit => "The password needs at least 8 characters.".into(),
        Fault::NameUnfit { name, reason } if !name.is_empty() => {
            format!("“{name}”: {}", name_unfit(*reason)).into()
        }
        Fault::NameUnfit { reason, .. } => name_unfit(*reason).into(),
        Fault::NodeUnknown => "This file or folder is gone.".into(),
        Fault::MoveIntoItself => "A folder cannot go into itself. Choose another one.".into(),
        Fault::Builtin => "This folder cannot be changed.".into(),
        Fault::NotHere { name } => {
            format!("“{name}” is not on this device. Try again when the server can be reached.")
                .into()
        }
        Fault::Incomplete { count, .. } => format!(
            "{count} of the files cannot be had now. Try again when the server can be reached."
        )
        .into(),
        Fault::ForGood { count, bytes, .. } => format!(
            "{} ({}) will be deleted for good, on every device. This cannot be undone.",
            items(*count),
            measure::bytes(*bytes)
        )
        .into(),
        Fault::FileVanished { name } => {
            format!("“{name}” changed or vanished while it was read. Upload it again.").into()
        }
        Fault::StorageFull => {
            "This browser's storage is full. Free some space, or stop keeping files here.".into()
        }
        Fault::Storage => "This browser's storage failed. Reload the page.".into(),
        Fault::CannotOpen => "This cannot be opened with your keys.".into(),
        Fault::Corrupt { name } if name.is_empty() => {
            "Something that the server sent is damaged. It was not used.".into()
        }
        Fault::Corrupt { name } => {
            format!("“{name}” is damaged on the server. Try again, or restore another copy.").into()
        }
        Fault::Unsynced { pending } => format!("{} would be lost.", changes(*pending)).into(),
        Fault::TooMany => "That is too much at once. Do it in smaller parts.".into(),
        Fault::NotOpen => "This was closed meanwhile. Open it again.".into(),
        Fault::Unsupported => "This browser cannot do that.".into(),
        Fault::Internal => "Something went wrong in Offing. Reload the page.".into(),
        _ => "Something went wrong. Reload the page.".into(),
    }
}

fn server(code: Code) -> &'static str {
    match code {
        Code::BadRequest | Code::NotFound => "The server did not understand. Reload the page.",
        Code::TooLarge => "That is larger than the server takes.",
        Code::SignedOut | Code::TokenExpired => "You are signed out. Sign in again.",
        Code::WrongCredentials => "The name, or the password or code, is wrong. Check both.",
        Code::NameMalformed => "This username cannot be used. Use 2 to 64 letters or digits.",
        Code::NameTaken => "This username is taken. Choose another one.",
        Code::InviteUnknown => "This sign-up link is unknown. Ask for a new one.",
        Code::InviteUsed => "This sign-up link was used. Ask for a new one.",
        Code::InviteExpired => "This sign-up link has expired. Ask for a new one.",
        Code::RegistrationClosed => "This server makes no new accounts.",
        Code::TooManyDevices => "Your account has as many devices as it may. Take one off first.",
        Code::LoginExpired => "That took too long. Try again.",
        Code::TakenOff => "This device was taken off your account.",
        Code::AccountClosed => "Your account was closed by who runs the server.",
        Code::SecondFactor => "Not signed in: the second factor is missing.",
        Code::SignInAgain => "The server asks you to sign in again.",
        Code::WrongDevice => "This session belongs to another device. Sign in again.",
        Code::Recovering => "The server was restored from a backup. Give back what it lacks first.",
        Code::VaultUnknown => "The server does not know this vault.",
        Code::ChunkUnknown => "The server lacks a part of this file.",
        Code::ChunkMismatch => "A part was damaged on its way. Try again.",
        Code::RangeInvalid => "The server could not give that part of the file.",
        Code::QuotaExceeded => "Your space on the server is used up. Delete something.",
        Code::StorageFull => "The server's disk is full. Everything stays saved here.",
        Code::RateLimited => "Too many tries. Wait a moment.",
        Code::Unavailable => "The server is not available now. Try again later.",
        Code::Internal => "The server had a fault. Try again later.",
        _ => "The server refused. Reload the page.",
    }
}
