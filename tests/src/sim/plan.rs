//! What a life will hold: how many devices, how long, and which harms may come.
//!
//! All of it follows from the seed. Every third life is honest weather alone, so that a false
//! alarm has many chances to show itself.

use std::collections::BTreeSet;
use std::fmt;

use offing_core::proto::Code;
use offing_core::rpc::Alarm;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Calls are delayed, lost, doubled, late or refused; lines are cut.
    Network,
    /// Tabs and browsers are killed at any step.
    Crash,
    /// A machine loses its power, and with it what was not flushed.
    PowerCut,
    /// The server is killed and started again.
    ServerKilled,
    /// The server is moved to another machine, by a backup of this very moment.
    ServerMoved,
    /// The server is set back to an older backup; whoever does it may forget to say so, and
    /// people go on before everybody gave back.
    ServerSetBack,
    /// The server is restored from an older backup, as it should be: it is told, everybody
    /// gives back, and then they go on.
    ServerRestored,
    /// A device's storage fails.
    DiskFails,
    /// A device's storage is full.
    DiskFull,
    /// A device's profile is copied, and both go on.
    Cloned,
    /// A device is lost for good.
    DeviceLost,
    /// The server takes no more, for its disk or for the account, until there is room.
    ServerFull,
    /// A device's browser gives no more space for chunks than there is, until there is room.
    SpaceShort,
    /// A machine loses its power in the middle of a chunk, and a torn file is left.
    ChunkTorn,
}

impl Harm {
    /// Every kind; new ones last, so that they leave the lives of before as they were.
    pub const ALL: [Self; 14] = [
        Self::Network,
        Self::Crash,
        Self::PowerCut,
        Self::ServerKilled,
        Self::ServerMoved,
        Self::ServerSetBack,
        Self::DiskFails,
        Self::DiskFull,
        Self::Cloned,
        Self::DeviceLost,
        Self::ServerRestored,
        Self::ServerFull,
        Self::SpaceShort,
        Self::ChunkTorn,
    ];
    /// How many kinds there were when others began to be drawn after all else.
    const FIRST: usize = 10;

    /// Says whether a person may be told this after the harm; anything else is a false alarm.
    pub fn warrants(self, alarm: &Alarm) -> bool {
        match alarm {
            Alarm::StorageFailing => self.is_of_storage(),
            Alarm::HistoryChanged { .. } | Alarm::DeviceCopied => self.may_stop(),
            Alarm::ServerRestored => {
                matches!(self, Self::ServerSetBack | Self::ServerRestored)
            }
            Alarm::LeftBehind { .. } => self == Self::ServerSetBack,
            Alarm::EntryRefused { .. } | Alarm::EditRefused { .. } => self == Self::ServerSetBack,
            Alarm::ServerRefuses(Code::QuotaExceeded | Code::StorageFull) => {
                self == Self::ServerFull
            }
            Alarm::ServerRefuses(_) => false,
        }
    }

    /// Says whether it makes a device's storage fail.
    pub fn is_of_storage(self) -> bool {
        matches!(self, Self::DiskFails | Self::DiskFull | Self::SpaceShort)
    }

    /// Says whether a device that met it may end stopped, with all it has kept on it.
    pub fn may_stop(self) -> bool {
        matches!(self, Self::ServerSetBack | Self::Cloned)
    }

    /// How many of a hundred lives that are not honest hold it.
    fn lives_percent(self) -> u32 {
        match self {
            Self::Network | Self::Crash => 100,
            Self::PowerCut | Self::ServerKilled | Self::DiskFails => 50,
            Self::DiskFull | Self::DeviceLost | Self::ServerMoved => 30,
            Self::ServerFull | Self::SpaceShort | Self::ChunkTorn => 30,
            Self::ServerSetBack | Self::Cloned | Self::ServerRestored => 15,
        }
    }

    /// Says whether it is weather: nothing that would make an alarm true.
    pub fn is_honest(self) -> bool {
        match self {
            Self::Network
            | Self::Crash
            | Self::PowerCut
            | Self::ServerKilled
            | Self::ServerMoved
            | Self::ServerRestored
            | Self::DeviceLost
            | Self::ChunkTorn => true,
            Self::ServerSetBack
            | Self::DiskFails
            | Self::DiskFull
            | Self::Cloned
            | Self::ServerFull
            | Self::SpaceShort => false,
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network mishaps",
            Self::Crash => "tabs and browsers killed",
            Self::PowerCut => "power cuts",
            Self::ServerKilled => "servers killed",
            Self::ServerMoved => "servers moved by a backup",
            Self::ServerSetBack => "servers set back to an older backup",
            Self::ServerRestored => "servers restored from an older backup",
            Self::DiskFails => "disks that failed",
            Self::DiskFull => "disks that were full",
            Self::Cloned => "profiles copied",
            Self::DeviceLost => "devices lost",
            Self::ServerFull => "servers full",
            Self::SpaceShort => "devices short of space",
            Self::ChunkTorn => "power cuts in the middle of a chunk",
        })
    }
}

/// Which lives are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As the seed has it.
    Any,
    /// Without any harm that would make an alarm true.
    Honest,
}

/// What a life will hold.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names the life.
    pub seed: u64,
    /// How many devices there are at first.
    pub devices: usize,
    /// How many things happen.
    pub steps: usize,
    /// The harms that may come.
    pub harms: BTreeSet<Harm>,
    /// How slow the disks are.
    pub disk_delay_ms: u64,
    /// Snapshots are written now and then, and the server removes what they replace.
    pub collects: bool,
    /// People keep contents on a device, and let go of them.
    pub lets_go: bool,
    /// The service worker empties outboxes, beside the tabs and while none is open.
    pub pushes_aside: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, kind: Kind) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let honest = rng.gen_range(0..3) == 0 || kind == Kind::Honest;
        let mut harms = BTreeSet::new();
        let draw = |rng: &mut StdRng, harms: &mut BTreeSet<Harm>, harm: Harm| {
            let comes = rng.gen_range(0..100) < harm.lives_percent();
            if comes && (harm.is_honest() || !honest) {
                harms.insert(harm);
            }
        };
        let (first, later) = Harm::ALL.split_at(Harm::FIRST);
        let (restored, last) = later.split_first().expect("there are more");
        first.iter().for_each(|harm| draw(&mut rng, &mut harms, *harm));
        let (devices, steps) = (rng.gen_range(3..=6), rng.gen_range(30..=90));
        let disk_delay_ms = [0, 0, 2, 20][rng.gen_range(0..4)];
        draw(&mut rng, &mut harms, *restored);
        if harms.contains(&Harm::ServerSetBack) {
            harms.remove(&Harm::ServerRestored);
        }
        if harms.contains(&Harm::ServerRestored) {
            // What a lost device alone had seen or made is gone with the server's disk.
            harms.remove(&Harm::DeviceLost);
        }
        // Drawn last, so that it leaves the lives of before as they were.
        let collects = rng.gen_range(0..3) == 0;
        last.iter().for_each(|harm| draw(&mut rng, &mut harms, *harm));
        let (lets_go, pushes_aside) = (rng.gen_range(0..3) == 0, rng.gen_range(0..3) == 0);
        Self { seed, devices, steps, harms, disk_delay_ms, collects, lets_go, pushes_aside }
    }
}
