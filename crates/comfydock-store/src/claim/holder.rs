//! Who holds a claim, as its file says it.

use std::fs;

/// A process on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: u32,
    /// The machine's name.
    pub host: String,
    /// Tells two starts of the machine apart; empty where the system does not say.
    pub boot: String,
    /// Tells two claims of one process apart.
    number: u64,
}

/// What tells two starts of this machine apart; empty where the system does not say.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

impl Holder {
    pub(super) fn this(number: u64) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        Self { process: std::process::id(), host, boot: boot_id(), number }
    }

    /// The claim's file; `beat` is the sign of life.
    pub(super) fn text(&self, beat: u64) -> String {
        format!(
            "process {}\nhost {}\nboot {}\nclaim {}\nbeat {beat}\n",
            self.process, self.host, self.boot, self.number
        )
    }

    /// Reads a claim's file; none when it was only being written.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        field("beat")?;
        Some(Self {
            process: field("process")?.parse().ok()?,
            host: field("host")?.to_owned(),
            boot: field("boot").unwrap_or_default().to_owned(),
            number: field("claim")?.parse().ok()?,
        })
    }

    /// Whether it is, or was, a process of this start of this machine.
    pub(super) fn is_of_this_machine(&self) -> bool {
        let this = Self::this(0);
        !self.boot.is_empty() && self.boot == this.boot && self.host == this.host
    }

    /// Whether it ended, for all that can be known here: its machine was started anew, or the process
    /// is gone. A process that cannot be seen from here may still hold the file's lock.
    pub(super) fn is_surely_dead(&self) -> bool {
        let this = Self::this(0);
        if self.host != this.host || self.boot.is_empty() || this.boot.is_empty() {
            return false;
        }
        if self.boot != this.boot {
            return true;
        }
        let Some(process) = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw) else {
            return true;
        };
        matches!(rustix::process::test_kill_process(process), Err(rustix::io::Errno::SRCH))
    }
}
