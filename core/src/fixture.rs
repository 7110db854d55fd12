//! People, devices and vaults for tests, made from seeds.
//!
//! Everything here is what the real functions make of deterministic bytes; nothing is
//! stubbed. Host only (`native-crypto`), and only behind `testing`.

use crate::account::MasterKey;
use crate::account::device::DeviceCertificate;
use crate::crypto::hazmat::Crypto;
use crate::crypto::native::{NativeCrypto, NativeSecret, NativeSigningKey, ready, signing_pair};
use crate::crypto::{RawKey, SigningPair};
use crate::id::{AccountId, DeviceId, Hash, Incarnation, VaultId};
use crate::log::author;
use crate::log::chain::ChainPoint;
use crate::log::entry::{Entry, EntryKind, Header};
use crate::log::epoch::{self, DeviceIntro, Genesis, NewVault};
use crate::log::verify::LogState;
use crate::proto::{LogPage, PageItem, Tip};

/// Bytes that look like content: a pattern of a seed, the same everywhere.
pub fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 8) as u8) ^ seed).collect()
}

/// Makes a key pair from a seed.
pub fn pair(seed: u8) -> SigningPair {
    let mut scalar = [seed; 32];
    scalar[0] = 1;
    signing_pair(RawKey::new(scalar)).expect("a scalar below 2^249 is one of the curve")
}

/// An account with its secrets.
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// The identity.
    pub identity: SigningPair,
    /// The identity's private half, imported.
    pub identity_key: NativeSigningKey,
    /// The master key.
    pub master: MasterKey,
    /// The master key, imported.
    pub master_secret: NativeSecret,
}

impl Person {
    /// Makes a person from a seed.
    pub fn new(seed: u8) -> Self {
        let identity = pair(seed);
        let master = MasterKey { version: 1, key: RawKey::new([seed ^ 0x55; 32]) };
        Self {
            account: AccountId([seed; 16]),
            identity_key: import(&identity),
            identity,
            master_secret: ready(master.import(&NativeCrypto)).expect("any bytes import"),
            master,
        }
    }

    /// Makes a device of this person, certified by the identity.
    pub fn device(&self, seed: u8) -> Device {
        let pair = pair(seed);
        let issued =
            DeviceCertificate::issue(&NativeCrypto, &self.identity_key, self.account, pair.public);
        Device {
            id: pair.public.device_id(),
            certificate: ready(issued).expect("native signing does not fail"),
            signing: import(&pair),
            dseq: 0,
            prev: Hash([0; 32]),
        }
    }
}

fn import(pair: &SigningPair) -> NativeSigningKey {
    ready(NativeCrypto.import_signing(pair)).expect("a pair imports")
}

/// A device with its key and counters.
#[derive(Clone)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its certificate.
    pub certificate: DeviceCertificate,
    /// Its key.
    pub signing: NativeSigningKey,
    /// Counter of its last entry.
    pub dseq: u64,
    /// Hash of its last entry.
    pub prev: Hash,
}

impl Device {
    /// The header of the device's next entry.
    pub fn header(&self, vault: &Vault, seen: ChainPoint, kind: EntryKind) -> Header {
        Header {
            kind,
            vault: Some(vault.id),
            device: self.id,
            dseq: self.dseq + 1,
            prev: self.prev,
            seen_seq: seen.seq,
            seen_chain: seen.chain,
            epoch: 1,
            streams: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Writes the device's next entry: a sealed body, any kind but epoch and device.
    pub fn write(&mut self, vault: &Vault, header: &Header, plain: &[u8]) -> Entry {
        let mut salt = [0x33; 32];
        salt[..16].copy_from_slice(&self.id.0);
        salt[16..24].copy_from_slice(&header.dseq.to_be_bytes());
        let written =
            author::write_sealed(&NativeCrypto, header, &vault.secret, &salt, plain, &self.signing);
        self.wrote(ready(written).expect("a fixture's entry is within limits"))
    }

    /// Writes a change, having seen all of the log so far.
    pub fn change(&mut self, log: &Log, plain: &[u8]) -> Entry {
        let header = self.header(&log.vault, log.at, EntryKind::Change);
        self.write(&log.vault, &header, plain)
    }

    /// Writes the entry that introduces the device.
    pub fn introduce(&mut self, log: &Log, name: &str) -> Entry {
        let place = (&log.vault.id, 1);
        let certificate = self.certificate.clone();
        let salt = [0x44; 32];
        let intro =
            DeviceIntro::seal(&NativeCrypto, &log.vault.secret, place, &salt, certificate, name);
        let body = ready(intro).expect("a fixture's name is short").encode();
        let header = self.header(&log.vault, log.at, EntryKind::Device);
        self.write_clear(&header, body)
    }

    /// Writes an entry with a clear body.
    pub fn write_clear(&mut self, header: &Header, body: Vec<u8>) -> Entry {
        let written = author::write_clear(&NativeCrypto, header, body, &self.signing);
        self.wrote(ready(written).expect("a fixture's entry is within limits"))
    }

    fn wrote(&mut self, entry: Entry) -> Entry {
        self.dseq += 1;
        self.prev = entry.hash();
        entry
    }
}

/// A vault and its first secret.
#[derive(Clone)]
pub struct Vault {
    /// Its id.
    pub id: VaultId,
    /// The secret of epoch 1.
    pub secret: NativeSecret,
}

/// An honest server's log of one vault.
#[derive(Clone)]
pub struct Log {
    /// The vault.
    pub vault: Vault,
    /// The tip.
    pub at: ChainPoint,
    /// The entries, from the genesis entry on.
    pub entries: Vec<Entry>,
}

impl Log {
    /// Founds a vault of a person, signed by a device.
    pub fn found(person: &Person, device: &mut Device, seed: u8) -> Self {
        let secret = RawKey::new([seed; 32]);
        let imported = ready(NativeCrypto.import_secret(secret.as_bytes())).expect("bytes import");
        let made = epoch::create_vault(
            &NativeCrypto,
            NewVault {
                account: person.account,
                identity: person.identity.public,
                master: &person.master_secret,
                certificate: device.certificate.clone(),
                signing: &device.signing,
                secret,
                salt: [seed ^ 0x77; 32],
            },
        );
        let Genesis { entry, vault } = ready(made).expect("a fixture's genesis is valid");
        let entry = device.wrote(entry);
        let vault = Vault { id: vault, secret: imported };
        let mut log = Self { vault, at: ChainPoint::START, entries: Vec::new() };
        log.append(entry);
        log
    }

    /// Appends an entry without looking at it.
    pub fn append(&mut self, entry: Entry) {
        self.at = self.at.extend(&entry.hash());
        self.entries.push(entry);
    }

    /// The page after a place, up to the tip.
    pub fn page(&self, after: u64) -> LogPage {
        let tip = Tip { seq: self.at.seq, chain: self.at.chain, incarnation: Incarnation([9; 16]) };
        let skip = usize::try_from(after).expect("a fixture's log is short");
        let items = self.entries.iter().skip(skip);
        LogPage { tip, items: items.map(|e| PageItem::Full(e.encode())).collect() }
    }

    /// A replica of the owner that knows nothing yet.
    pub fn state(&self, owner: &Person) -> LogState {
        LogState::new(self.vault.id, owner.account, owner.identity.public)
    }
}
