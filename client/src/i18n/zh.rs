//! Simplified Chinese.

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
        Msg::Account => "账户".into(),
        Msg::Alarm(alarm) => self::alarm(alarm),
        Msg::AndMore(count) => format!("还有 {count} 个").into(),
        Msg::AsItWas => "当时的样子".into(),
        Msg::BadgeHere => "已保存在本机".into(),
        Msg::BadgeKept => "保留在本设备".into(),
        Msg::BadgeServerOnly => "仅在服务器上".into(),
        Msg::BadgeSyncing => "正在同步".into(),
        Msg::Before(time) => format!("{time} 之前").into(),
        Msg::Breadcrumb => "路径".into(),
        Msg::CameBack { name, by, recovered, more } => came_back(name, by, recovered, more).into(),
        Msg::Cancel => "取消".into(),
        Msg::ChangePassword => "更改密码".into(),
        Msg::Changed(count) => format!("更改了 {count} 项").into(),
        Msg::ChooseFiles => "选择文件".into(),
        Msg::Clear => "清除".into(),
        Msg::Close => "关闭".into(),
        Msg::CodeHidden => "回填时不显示恢复码。".into(),
        Msg::Continue => "继续".into(),
        Msg::Copied(count) => format!("已复制 {count} 项").into(),
        Msg::CopyHere => "复制到此处".into(),
        Msg::CopyTo => "复制到…".into(),
        Msg::CopyWhere(count) => format!("将 {count} 项复制到：").into(),
        Msg::Create => "创建".into(),
        Msg::CreateAccount => "创建账户".into(),
        Msg::Created => "已创建".into(),
        Msg::CurrentPassword => "当前密码".into(),
        Msg::Cut(count) => format!("已剪切 {count} 项，粘贴即可移动。").into(),
        Msg::CutOut => "剪切".into(),
        Msg::Delete => "删除".into(),
        Msg::Difference => "差异".into(),
        Msg::Differing => "划掉的内容仅在第一个版本中，标出的内容仅在第二个版本中。".into(),
        Msg::Dismiss => "关闭提示".into(),
        Msg::Download => "下载".into(),
        Msg::DownloadKit => "下载恢复包".into(),
        Msg::DownloadOthers => "下载其余文件".into(),
        Msg::DropHere => "松开以上传到此处".into(),
        Msg::EditOf { at, count } => format!("第 {at} / {count} 次编辑").into(),
        Msg::Editor => "编辑器".into(),
        Msg::EditorLost => "无法继续跟踪此文本。请复制刚输入的内容，然后重新加载页面。".into(),
        Msg::EditorMissing(name) => format!("无法在编辑器中打开“{name}”。请重新加载页面。").into(),
        Msg::Edits(count) => format!("{count} 次编辑").into(),
        Msg::EmptyTrash => "清空回收站…".into(),
        Msg::Everything => "全部内容".into(),
        Msg::ExportAll => "下载全部".into(),
        Msg::ExportWhy => {
            "一个 ZIP，包含全部文件的原样，回收站中的也在内。打开它不需要 Offing。".into()
        }
        Msg::Fault(fault) => self::fault(fault),
        Msg::File => "文件".into(),
        Msg::FileOf(kind) => format!("{} 文件", kind.to_ascii_uppercase()).into(),
        Msg::Files => "文件".into(),
        Msg::FolderEmpty => "此文件夹为空。".into(),
        Msg::Folders => "文件夹".into(),
        Msg::ForgotPassword => "忘记密码？使用恢复码".into(),
        Msg::GoHome => "前往我的文件".into(),
        Msg::Help => "帮助".into(),
        Msg::History => "版本…".into(),
        Msg::Details => "详细信息".into(),
        Msg::Incomplete => "部分文件无法获取".into(),
        Msg::IncompleteWhy(count) => {
            format!("有 {count} 个文件不在本设备上，服务器目前也无法提供。下载内容将不包含：")
                .into()
        }
        Msg::InviteMissing => "注册链接不完整。请打开收到的完整链接。".into(),
        Msg::IsLocal => "在本设备上".into(),
        Msg::Items(count) => format!("{count} 项").into(),
        Msg::JoinWhy => "密码不会离开此浏览器，也没有人能替你重置。".into(),
        Msg::KeepBoth => "两者都保留".into(),
        Msg::KeepHere => "保留在本设备".into(),
        Msg::KeepThis => "只保留这个".into(),
        Msg::KeptHere => "已保留在本设备".into(),
        Msg::KeptUntil => "保留至".into(),
        Msg::KeyAll => "全选".into(),
        Msg::KeyClear => "取消选择".into(),
        Msg::KeyClipboard => "剪切、复制、粘贴".into(),
        Msg::KeyMenu => "打开该行的菜单".into(),
        Msg::KeyMove => "在列表中移动".into(),
        Msg::KeyOpen => "打开".into(),
        Msg::KeyParent => "前往上级文件夹".into(),
        Msg::KeyRange => "选择一段，或添加到所选".into(),
        Msg::KeySelect => "选择".into(),
        Msg::KeyStar => "加星标".into(),
        Msg::KeyTypeAhead => "输入名称以定位".into(),
        Msg::KitNew => "制作新的恢复包".into(),
        Msg::KitNewWhy => "请输入密码以制作新的恢复包。旧的恢复包将不再有效。".into(),
        Msg::KitReadBackOnly => "请输入你保存的恢复包中的恢复码。".into(),
        Msg::KitText { username, code, address } => format!(
            "Offing 恢复包\n\n地址：{address}\n用户名：{username}\n恢复码：{code}\n\n\
             持有此码者可以登录并设置新密码。\n\
             请保存在只有你能找到的地方。使用时请打开\n{address}/recover\n"
        )
        .into(),
        Msg::KitState(KitState::Kept) => "已回填确认".into(),
        Msg::KitState(KitState::Shown) => "恢复包尚未回填确认。".into(),
        Msg::KitState(KitState::Missing) => {
            "尚无经回填确认的恢复包。若忘记密码，所有文件将无法找回。".into()
        }
        Msg::KitWhy => {
            "如果忘记密码，此恢复码是找回文件的唯一办法。请下载并妥善保存，然后在这里输入。".into()
        }
        Msg::Language => "语言".into(),
        Msg::Later => "以后再说".into(),
        Msg::LetGo => "不再保留在本设备".into(),
        Msg::LetGoOf => "不再保留在此".into(),
        Msg::Loading => "正在加载…".into(),
        Msg::MarkCopy => "复制".into(),
        Msg::Marked(count) => format!("已标记 {count} 项，粘贴即可复制。").into(),
        Msg::MayBeEvicted => "磁盘空间不足时，浏览器可能清除此处的数据。".into(),
        Msg::Merged { count, from } => format!("已合并来自 {from} 的 {count} 处编辑").into(),
        Msg::TextReplaced { by, shown: true } => {
            format!("{by} 用另一个文件替换了此文件。在此输入而对方未看到的内容已保留为第二个版本。")
                .into()
        }
        Msg::TextReplaced { by, shown: false } => format!(
            "{by} 用另一个文件替换了此文件，新文件无法在此显示。你输入的内容会保留为第二个版本。"
        )
        .into(),
        Msg::Messages => "消息".into(),
        Msg::Modified => "修改时间".into(),
        Msg::Moments => "时刻".into(),
        Msg::MoreActions => "更多操作".into(),
        Msg::MoreFolders => "显示更多文件夹".into(),
        Msg::MoreVersions(count) => format!("处理完这两个版本后，还有 {count} 个。").into(),
        Msg::MoveHere => "移动到此处".into(),
        Msg::MoveTo => "移动到…".into(),
        Msg::MoveWhere(count) => format!("将 {count} 项移动到：").into(),
        Msg::Moved(count) => format!("已移动 {count} 项").into(),
        Msg::MyDevice => "我的设备".into(),
        Msg::MyDeviceHint => "文件保留在此，离线可用".into(),
        Msg::Name => "名称".into(),
        Msg::NameUnfit(reason) => name_unfit(reason).into(),
        Msg::NameUnportable(problem) => name_unportable(problem),
        Msg::NamesExist(count) => format!("此处已有 {count} 个同名项：").into(),
        Msg::NamesExistTitle => "名称已存在".into(),
        Msg::NeedInvite => "创建新账户需要服务器管理者提供的注册链接。".into(),
        Msg::NewFolder => "新建文件夹".into(),
        Msg::NewPassword => "新密码".into(),
        Msg::NewTextFile => "新建文本文件".into(),
        Msg::NewTextName => "未命名.md".into(),
        Msg::NoDifference => "这就是现在的文本。".into(),
        Msg::NoExcerpt => "无预览".into(),
        Msg::NoSuchPage => "此地址没有内容。".into(),
        Msg::NoVersions => "此文件还没有内容，因此没有版本。".into(),
        Msg::NotStarted => "Offing 未能启动".into(),
        Msg::NotStartedHint => "本设备上保存的内容未受影响。请重新加载页面。".into(),
        Msg::Now => "现在".into(),
        Msg::OnTheServer => "服务器上".into(),
        Msg::OnThisDevice => "本设备上".into(),
        Msg::Open => "打开".into(),
        Msg::OtherMoment => "或其他时刻".into(),
        Msg::OthersDevice => "他人的设备".into(),
        Msg::OthersDeviceHint => "不会写入其磁盘".into(),
        Msg::Password => "密码".into(),
        Msg::PasswordChanged => "密码已更改。其他设备需要重新登录。".into(),
        Msg::PasswordFlaw(flaw) => password_flaw(flaw).into(),
        Msg::PasswordRule => "至少 8 个字符，越长越安全。".into(),
        Msg::Paste => "粘贴".into(),
        Msg::Pause => "暂停".into(),
        Msg::Pill(pill) => self::pill(pill),
        Msg::PillHint(pill) => pill_hint(pill),
        Msg::Places => "位置".into(),
        Msg::PlacesBelow => "主导航".into(),
        Msg::Preview => "预览".into(),
        Msg::PreviewMissing => "无法显示预览。请继续编辑：您写的内容会照常保存。".into(),
        Msg::Purge => "永久删除…".into(),
        Msg::PurgeNow => "永久删除".into(),
        Msg::ReadBack => "回填确认".into(),
        Msg::ReadBackHint => "空格、连字符和大小写无关紧要。".into(),
        Msg::ReadOnlyLarge => "此文本过大，无法在此编辑。".into(),
        Msg::ReadOnlyTrashed => "此文本在回收站中。恢复后即可编辑。".into(),
        Msg::Recover => "恢复账户".into(),
        Msg::RecoverWhy => "输入恢复包中的恢复码并设置新密码。".into(),
        Msg::Recovered => "找回的内容".into(),
        Msg::RecoveryCode => "恢复码".into(),
        Msg::RecoveryKit => "恢复包".into(),
        Msg::Rename => "重命名".into(),
        Msg::Renamed => "已重命名".into(),
        Msg::RepeatPassword => "重复密码".into(),
        Msg::Replace => "替换".into(),
        Msg::Restore => "恢复".into(),
        Msg::Restored(count) => format!("已恢复 {count} 项").into(),
        Msg::Resume => "继续".into(),
        Msg::Retry => "重试".into(),
        Msg::Rewind => "回到过去…".into(),
        Msg::RewindFolder => "将文件夹回到过去".into(),
        Msg::RewindNow => "回到此刻".into(),
        Msg::RewindWhy => {
            "使文件夹恢复到某一时刻的样子。此后新增的内容移到回收站，可以全部撤销。".into()
        }
        Msg::Rewound(count) => format!("已回到过去：{count} 处更改").into(),
        Msg::Root => "我的文件".into(),
        Msg::Search => "搜索".into(),
        Msg::Selected(count) => format!("已选 {count} 项").into(),
        Msg::SetAside => "已搁置".into(),
        Msg::SetAsideCount(count) => {
            format!("有 {count} 项来自服务器的更改未被采纳，它们仍保存在服务器上。").into()
        }
        Msg::SetAsideWhy(WhySetAside::NotGenuine) => "不可信：不可能由你的设备写入".into(),
        Msg::SetAsideWhy(WhySetAside::NotUnderstood) => "无法理解：更新 Offing 后会再次尝试".into(),
        Msg::SetPassword => "设置新密码".into(),
        Msg::Settings => "设置".into(),
        Msg::Settled(_) => "已处理".into(),
        Msg::Show => "显示".into(),
        Msg::ShowCode => "显示恢复码".into(),
        Msg::ShownInList => "列表中显示的版本".into(),
        Msg::SignIn => "登录".into(),
        Msg::SignInAgainWhy => "服务器要求重新登录。在此期间可以继续工作。".into(),
        Msg::SignOut => "退出登录".into(),
        Msg::SignOutAnyway => "仍然退出并丢弃".into(),
        Msg::SignOutLoses(count) => {
            format!("有 {count} 处更改尚未保存到服务器。现在退出会丢失它们。").into()
        }
        Msg::SinceThen => "此后的更改".into(),
        Msg::Size => "大小".into(),
        Msg::SkipThese => "跳过这些".into(),
        Msg::Space => "空间".into(),
        Msg::Starred => "已加星标".into(),
        Msg::State => "状态".into(),
        Msg::StaySignedIn => "保持登录".into(),
        Msg::SyncNow => "立即尝试".into(),
        Msg::SyncStatus => "同步状态".into(),
        Msg::ServerRestored => "服务器已从备份恢复".into(),
        Msg::GiveBackAsk => "归还…".into(),
        Msg::GiveBack => "归还缺少的内容".into(),
        Msg::GoOn => "继续".into(),
        Msg::NotNow => "暂不".into(),
        Msg::Lacking(lacking) => self::lacking(lacking),
        Msg::TakeOff => "移除…".into(),
        Msg::TakeOffNamed(name) => format!("从账户中移除“{name}”").into(),
        Msg::TakeOffNow => "移除".into(),
        Msg::TakeOffWhy => "该设备将退出登录，不再从服务器获得任何内容，它写入的内容也不再被接受。\
             设备上已有的内容会保留。如果它在别人手中，请同时更改密码：知道密码的人可以重新登录。"
            .into(),
        Msg::TakenOffWhy => {
            "本设备已从您的账户中移除。这里的内容都保留着，包括尚未保存到服务器的内容：\
             重新登录即可继续，也可以下载，或退出登录以清除。"
                .into()
        }
        Msg::DeviceLeaving => "正在移除".into(),
        Msg::DeviceSeen(time) => format!("上次在线：{time}").into(),
        Msg::DeviceSince(time) => format!("登录时间：{time}").into(),
        Msg::Devices => "设备".into(),
        Msg::ThisDevice => "本设备".into(),
        Msg::Toolbar => "操作".into(),
        Msg::TransferState(transfer) => transfer_state(transfer),
        Msg::Transfers => "传输".into(),
        Msg::TransfersSum { sum, eta } => transfers(sum, eta),
        Msg::Trash => "回收站".into(),
        Msg::TrashEmpty => "回收站为空。".into(),
        Msg::TrashWhy => "删除的内容会在此保留 30 天，之后将被永久删除。".into(),
        Msg::Trashed(count) => format!("已将 {count} 项移到回收站").into(),
        Msg::TwoVersions => "两个版本".into(),
        Msg::TwoVersionsOf(name) => format!("“{name}”在两处被修改，两份内容都在这里。").into(),
        Msg::UpdateLater => "仍有文件正在读取。读完后再重新加载。".into(),
        Msg::Undo => "撤销".into(),
        Msg::Undone => "已撤销".into(),
        Msg::UnchangedLines => "$ 行未更改".into(),
        Msg::Unfold => "展开或收起".into(),
        Msg::UploadFiles => "上传文件".into(),
        Msg::UploadFolder => "上传文件夹".into(),
        Msg::UsedOf { used, quota } => format!("{used}，共 {quota}").into(),
        Msg::Username => "用户名".into(),
        Msg::Versions => "版本".into(),
        Msg::WouldBe(step) => would_be(step).into(),
        Msg::WouldChange(0) => "文件夹与当时相同。".into(),
        Msg::WouldChange(count) => format!("将恢复 {count} 处更改").into(),
        Msg::WhoseDevice => "这是谁的设备？".into(),
    }
}

fn pill(pill: Pill) -> Cow<'static, str> {
    match pill {
        Pill::Saving => "正在保存…".into(),
        Pill::SavedHere => "已保存在本机".into(),
        Pill::Syncing(count) => format!("正在同步 {count}").into(),
        Pill::OnServer => "已在服务器".into(),
        Pill::Offline(_) => "离线".into(),
    }
}

fn pill_hint(pill: Pill) -> Cow<'static, str> {
    match pill {
        Pill::Saving => "正在保存到本设备…".into(),
        Pill::SavedHere => "全部内容已保存在本设备。".into(),
        Pill::Syncing(count) => format!("{count} 处更改正在发送到服务器。").into(),
        Pill::OnServer => "全部内容已在服务器上。".into(),
        Pill::Offline(0) => "无法连接服务器，可以继续在此工作。".into(),
        Pill::Offline(count) => {
            format!("无法连接服务器。已保存在此的 {count} 处更改稍后发送。").into()
        }
    }
}

fn would_be(step: &RewindStep) -> String {
    let name = &step.name;
    match (step.what, &step.was) {
        (Rewound::Renamed, Some(was)) => format!("“{name}”改回“{was}”"),
        (Rewound::Renamed, None) => format!("“{name}”改回当时的名称"),
        (Rewound::Restored, _) => format!("从回收站恢复“{name}”"),
        (Rewound::Moved, _) => format!("“{name}”移回原处"),
        (Rewound::Changed, _) => format!("“{name}”恢复当时的内容"),
        (Rewound::Trashed, _) => format!("“{name}”移到回收站"),
    }
}

fn span(span: Span) -> String {
    match span {
        Span::Seconds(count) => format!("{count} 秒"),
        Span::Minutes(count) => format!("{count} 分钟"),
        Span::Hours(count) => format!("{count} 小时"),
    }
}

fn transfers(sum: Summary, eta: Option<Span>) -> Cow<'static, str> {
    let mut parts = Vec::new();
    if sum.active > 0 {
        parts.push(format!("进行中 {}", sum.active));
    }
    if sum.paused > 0 {
        parts.push(format!("已暂停 {}", sum.paused));
    }
    if sum.failed > 0 {
        parts.push(format!("失败 {}", sum.failed));
    }
    if sum.done > 0 {
        parts.push(format!("完成 {}", sum.done));
    }
    if let Some(eta) = eta {
        parts.push(format!("剩余 {}", span(eta)));
    }
    if parts.is_empty() { "".into() } else { parts.join(" · ").into() }
}

fn transfer_state(transfer: &Transfer) -> Cow<'static, str> {
    let size = measure::bytes(transfer.size);
    match &transfer.state {
        TransferState::Waiting => format!("{size} · 等待中").into(),
        TransferState::Reading => format!("{size} · 正在读取").into(),
        TransferState::Here => format!("{size} · 已保存在本机").into(),
        TransferState::Moving => {
            format!("{} / {size}", measure::bytes(transfer.done.min(transfer.size))).into()
        }
        TransferState::Paused => format!("{size} · 已暂停").into(),
        TransferState::Done if transfer.upload => format!("{size} · 已在服务器").into(),
        TransferState::Done => format!("{size} · 已下载").into(),
        TransferState::Failed(fault) => self::fault(fault),
        TransferState::Cancelled => "已取消".into(),
    }
}

fn name_unfit(reason: NameReason) -> &'static str {
    match reason {
        NameReason::Empty => "请输入名称。",
        NameReason::Dots => "名称不能是“.”或“..”。",
        NameReason::TooLong => "名称过长，最多 255 字节。",
        NameReason::Character => "名称不能包含“/”或控制字符。",
    }
}

fn came_back(name: &str, by: &str, recovered: bool, more: u32) -> String {
    let others =
        if more == 0 { String::new() } else { format!("另有 {more} 项也一并恢复。") };
    if recovered {
        format!("“{name}”已放入“已恢复”：其文件夹被删除时，{by} 更改了它。{others}")
    } else {
        format!("“{name}”曾被删除，但因 {by} 编辑过它而恢复。{others}")
    }
}

fn name_unportable(problem: Problem) -> Cow<'static, str> {
    match problem {
        Problem::Character { character } => {
            format!("Windows 的名称中不能有“{character}”。在 ZIP 中会变为“_”。").into()
        }
        Problem::Ending => "Windows 会去掉名称末尾的点或空格。在 ZIP 中会变为“_”。".into(),
        Problem::Reserved => "Windows 将此名称保留给设备。在 ZIP 中会加上“_”。".into(),
    }
}

fn password_flaw(flaw: PasswordFlaw) -> &'static str {
    match flaw {
        PasswordFlaw::Short => "密码至少需要 8 个字符。",
        PasswordFlaw::Long => "密码过长。",
        PasswordFlaw::Differs => "两次输入的密码不同，请重新输入。",
    }
}

fn lacking(lacking: Lacking) -> Cow<'static, str> {
    match lacking {
        Lacking { entries: 0, .. } => {
            "本设备上的内容服务器都已具备。继续之前，请先在其他设备上打开 Offing：\
             只有它们才有的内容，在此之前可以归还，之后则不能。"
                .into()
        }
        Lacking { entries, kept: true } => {
            format!("服务器缺少本设备上的 {entries} 项更改。归还不会覆盖任何内容。").into()
        }
        Lacking { kept: false, .. } => {
            "备份过旧，本设备未保留此后的全部记录，因此无法归还。本机文件未受影响：\
             请下载所需内容，或看看其他设备能否归还。"
                .into()
        }
    }
}

fn alarm(alarm: &Alarm) -> Cow<'static, str> {
    match alarm {
        Alarm::HistoryChanged { seq } => format!(
            "服务器的历史与本设备所见不符（位置 {seq}），已停止接收。请联系服务器管理者，本机文件未受影响。"
        )
        .into(),
        Alarm::EntryRefused { seq } => {
            format!("服务器发来不可信的内容（位置 {seq}），已搁置。").into()
        }
        Alarm::EditRefused { name } => {
            format!("对“{name}”的一处编辑引用了不存在的文字，已忽略。文件其余部分未受影响。").into()
        }
        Alarm::StorageFailing => "浏览器存储出现故障。请下载尚未保存到服务器的内容。".into(),
        Alarm::ServerRefuses(code) => {
            format!("您的更改已保存在本设备上。{}", server(*code)).into()
        }
        Alarm::DeviceCopied => {
            "此浏览器的数据曾被复制，另一份副本正在使用。本机已成为独立的设备，您的内容都在，并会继续保存。"
                .into()
        }
        Alarm::ServerRestored => {
            "服务器已从备份恢复。此后的内容仍在您的设备上，可以归还。".into()
        }
        Alarm::LeftBehind { seq } => format!(
            "服务器已从备份恢复，并在缺少本设备部分内容（至位置 {seq}）的情况下继续运行。\
             内容都还在本机，不再收发：请下载所需内容，然后退出并重新登录。"
        )
        .into(),
    }
}

fn fault(fault: &Fault) -> Cow<'static, str> {
    match fault {
        Fault::Server(code) => server(*code).into(),
        Fault::Offline => "此操作需要服务器，但目前无法连接。请稍后再试。".into(),
        Fault::SignedOut => "请先登录。".into(),
        Fault::CodeMismatch => "恢复码不正确，请检查后重新输入。".into(),
        Fault::PasswordUnfit => "密码至少需要 8 个字符。".into(),
        Fault::NameUnfit { name, reason } if !name.is_empty() => {
            format!("“{name}”：{}", name_unfit(*reason)).into()
        }
        Fault::NameUnfit { reason, .. } => name_unfit(*reason).into(),
        Fault::NodeUnknown => "此文件或文件夹已不存在。".into(),
        Fault::MoveIntoItself => "文件夹不能移动到自身之内，请选择其他位置。".into(),
        Fault::Builtin => "此文件夹不能更改。".into(),
        Fault::NotHere { name } => format!("“{name}”不在本设备上。请在能连接服务器时再试。").into(),
        Fault::Incomplete { count, .. } => {
            format!("有 {count} 个文件目前无法获取。请在能连接服务器时再试。").into()
        }
        Fault::ForGood { count, bytes, .. } => {
            let size = measure::bytes(*bytes);
            format!("将在所有设备上永久删除 {count} 项（{size}）。此操作无法撤销。").into()
        }
        Fault::FileVanished { name } => {
            format!("“{name}”在读取时被更改或消失。请重新上传。").into()
        }
        Fault::StorageFull => "浏览器存储已满。请释放空间，或不再保留部分文件。".into(),
        Fault::Storage => "浏览器存储出错。请重新加载页面。".into(),
        Fault::CannotOpen => "无法用你的密钥打开。".into(),
        Fault::Corrupt { name } if name.is_empty() => "服务器发来的内容已损坏，未予使用。".into(),
        Fault::Corrupt { name } => {
            format!("“{name}”在服务器上已损坏。请重试，或恢复其他副本。").into()
        }
        Fault::Unsynced { pending } => format!("将丢失 {pending} 处更改。").into(),
        Fault::TooMany => "一次太多了，请分批进行。".into(),
        Fault::NotOpen => "已被关闭，请重新打开。".into(),
        Fault::Unsupported => "此浏览器不支持该操作。".into(),
        Fault::Internal => "Offing 出现错误。请重新加载页面。".into(),
        _ => "出现错误。请重新加载页面。".into(),
    }
}

fn server(code: Code) -> &'static str {
    match code {
        Code::BadRequest | Code::NotFound => "服务器无法理解请求。请重新加载页面。",
        Code::TooLarge => "超出服务器允许的大小。",
        Code::SignedOut | Code::TokenExpired => "已退出登录，请重新登录。",
        Code::WrongCredentials => "用户名、密码或恢复码不正确，请检查。",
        Code::NameMalformed => "此用户名不可用。请使用 2 到 64 个字母或数字。",
        Code::NameTaken => "此用户名已被使用，请换一个。",
        Code::InviteUnknown => "注册链接无效，请索取新链接。",
        Code::InviteUsed => "注册链接已被使用，请索取新链接。",
        Code::InviteExpired => "注册链接已过期，请索取新链接。",
        Code::RegistrationClosed => "此服务器不再创建新账户。",
        Code::TooManyDevices => "您的账户设备数已达上限，请先移除一台。",
        Code::LoginExpired => "操作超时，请重试。",
        Code::TakenOff => "本设备已从您的账户中移除。",
        Code::AccountClosed => "您的账户已被服务器管理员关闭。",
        Code::SecondFactor => "未登录：缺少第二重验证。",
        Code::SignInAgain => "服务器要求重新登录。",
        Code::WrongDevice => "此会话属于另一台设备，请重新登录。",
        Code::Recovering => "服务器已从备份恢复，请先归还缺少的内容。",
        Code::VaultUnknown => "服务器上没有此保险库。",
        Code::ChunkUnknown => "服务器缺少此文件的一部分。",
        Code::ChunkMismatch => "传输中有部分内容损坏，请重试。",
        Code::RangeInvalid => "服务器无法提供文件的该部分。",
        Code::QuotaExceeded => "服务器空间已用完，请删除一些内容。",
        Code::StorageFull => "服务器磁盘已满，内容仍保存在本机。",
        Code::RateLimited => "尝试过于频繁，请稍候。",
        Code::Unavailable => "服务器暂时不可用，请稍后再试。",
        Code::Internal => "服务器出现故障，请稍后再试。",
        _ => "服务器拒绝了请求。请重新加载页面。",
    }
}
