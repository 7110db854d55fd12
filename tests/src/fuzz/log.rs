//! Entries, pages, and the bodies of the log.

use std::sync::LazyLock;

use offing_core::account::device::DeviceCertificate;
use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::fixture::{Device, Log, Person};
use offing_core::id::DeviceId;
use offing_core::log::author::{has_clear_body, open_body};
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::epoch::{DeviceIntro, EpochRecord};
use offing_core::log::verify::LogState;
use offing_core::proto::{LogPage, PageItem};

use super::{fold, take_byte};

/// Who wrote the changes that are decoded.
const DEVICE: DeviceId = DeviceId([7; 16]);

/// A vault with two devices, and a replica that has verified it.
struct Vault {
    log: Log,
    state: LogState,
    device: Device,
    owner: Person,
}

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let owner = Person::new(1);
    let (mut first, mut device) = (owner.device(2), owner.device(3));
    let mut log = Log::found(&owner, &mut first, 4);
    log.append(device.introduce(&log, "phone"));
    log.append(device.change(&log, b"a change"));
    let mut state = log.state(&owner);
    ready(state.check_page(&NativeCrypto, &log.page(0))).unwrap();
    Vault { log, state, device, owner }
});

pub(super) fn entry(bytes: &[u8]) {
    let Ok(entry) = Entry::decode(bytes) else { return };
    assert_eq!(entry.encode(), bytes);
    let Ok(header) = Header::decode(&entry.header) else { return };
    assert_eq!(header.encode(), entry.header);
}

pub(super) fn certificate(bytes: &[u8]) {
    let Ok(certificate) = DeviceCertificate::decode(bytes) else { return };
    assert_eq!(certificate.encode(), bytes);
    ready(certificate.verify(&NativeCrypto, &VAULT.owner.identity.public)).unwrap();
}

pub(super) fn epoch(bytes: &[u8]) {
    let Ok(record) = EpochRecord::decode(bytes) else { return };
    assert_eq!(record.encode(), bytes);
    let (owner, log) = (&VAULT.owner, &VAULT.log);
    ready(record.open_secret(&NativeCrypto, &owner.account, &owner.master_secret)).ok();
    let secret = &log.vault.secret;
    let previous =
        offing_core::log::epoch::open_previous(&NativeCrypto, secret, &log.vault.id, &record);
    ready(previous).ok();
}

pub(super) fn intro(bytes: &[u8]) {
    let Ok(intro) = DeviceIntro::decode(bytes) else { return };
    assert_eq!(intro.encode(), bytes);
    let log = &VAULT.log;
    ready(intro.open_name(&NativeCrypto, &log.vault.secret, &log.vault.id, 1)).ok();
}

/// A page, read by a replica that knows nothing and by one that knows the log so far.
pub(super) fn page(bytes: &[u8]) {
    let Ok(page) = LogPage::decode(bytes) else { return };
    assert_eq!(page.encode(), bytes);
    for mut state in [VAULT.log.state(&VAULT.owner), VAULT.state.clone()] {
        let before = state.at();
        match ready(state.check_page(&NativeCrypto, &page)) {
            Ok(steps) => assert_eq!(state.at().seq, before.seq + steps.len() as u64),
            Err(_) => assert_eq!(state.at(), before, "an error moves nothing"),
        }
    }
}

/// An entry that a device of the account signed: kind, what is odd about its header, its body.
pub(super) fn signed(mut bytes: &[u8]) {
    const KINDS: [EntryKind; 8] = [
        EntryKind::Change,
        EntryKind::Snapshot,
        EntryKind::Epoch,
        EntryKind::Heartbeat,
        EntryKind::Gc,
        EntryKind::Device,
        EntryKind::Share,
        EntryKind::Recovery,
    ];
    let kind = KINDS[usize::from(take_byte(&mut bytes)) % KINDS.len()];
    let odd = take_byte(&mut bytes);
    let Vault { log, state, device, .. } = &*VAULT;
    let mut device = device.clone();
    let mut header = device.header(&log.vault, log.at, kind);
    header.epoch = u32::from(odd & 3);
    header.dseq = header.dseq.wrapping_add(u64::from(odd >> 2 & 1));
    header.prev.0[0] ^= odd >> 3 & 1;
    header.seen_seq = header.seen_seq.wrapping_sub(u64::from(odd >> 4 & 1));
    header.seen_chain.0[0] ^= odd >> 5 & 1;
    let entry = if has_clear_body(kind) {
        device.write_clear(&header, bytes.to_vec())
    } else {
        device.write(&log.vault, &header, bytes)
    };
    let mut state = state.clone();
    let step = ready(state.check(&NativeCrypto, &PageItem::Full(entry.encode())));
    if step.is_ok_and(|step| step.outcome.is_ok()) && !has_clear_body(kind) {
        let secret = &log.vault.secret;
        let opened = open_body(&NativeCrypto, secret, &log.vault.id, &entry.header, &entry.body);
        assert_eq!(ready(opened).unwrap(), bytes);
    }
}

pub(super) fn change(bytes: &[u8]) {
    let Ok(body) = ChangeBody::decode(bytes, &DEVICE) else { return };
    let again = body.encode().unwrap();
    assert_eq!(ChangeBody::decode(&again, &DEVICE).unwrap(), body);
    assert!(body.ops.iter().all(|op| op.id.device == DEVICE));
}

/// The same, past the compression.
pub(super) fn change_plain(plain: &[u8]) {
    (1..=3).for_each(|version| change(&fold(version, plain)));
}
