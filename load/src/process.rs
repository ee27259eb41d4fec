//! How much CPU time and memory does the service use? Read from `/proc`.

use std::fs;

use crate::error::LoadError;

/// A process on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pid: u32,
    ticks_per_second: u64,
}

/// The memory of a process at one moment, in kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory, with shared pages counted in full (`VmRSS`).
    pub resident_kb: u64,
    /// The peak of resident memory since the start, or since [`Process::forget_peak`] (`VmHWM`).
    pub peak_kb: u64,
    /// Resident memory, with shared pages counted proportionally (`Pss`).
    pub proportional_kb: u64,
}

impl Process {
    /// The process `pid`.
    ///
    /// # Errors
    /// Returns an error if there is no such process.
    pub fn new(pid: u32) -> Result<Self, LoadError> {
        // The kernel reports in USER_HZ, which is 100 on every architecture that Rust and Redis run on.
        let process = Self { pid, ticks_per_second: 100 };
        process.cpu_micros().map(|_| process)
    }

    /// Returns the CPU time of all its threads so far, in microseconds, with a resolution of ten milliseconds.
    ///
    /// # Errors
    /// The process is gone.
    pub fn cpu_micros(&self) -> Result<u64, LoadError> {
        let stat = self.read("stat")?;
        cpu_ticks(&stat)
            .map(|ticks| ticks * (1_000_000 / self.ticks_per_second))
            .ok_or_else(|| LoadError::Usage(format!("/proc/{}/stat cannot be read: {stat:?}", self.pid)))
    }

    /// Returns its memory now.
    ///
    /// # Errors
    /// The process is gone.
    pub fn memory(&self) -> Result<Memory, LoadError> {
        let status = self.read("status")?;
        let resident_kb = field_kb(&status, "VmRSS:").unwrap_or(0);
        Ok(Memory {
            resident_kb,
            peak_kb: field_kb(&status, "VmHWM:").unwrap_or(0),
            // Not readable for processes of other users; the other figure is used then.
            proportional_kb: self
                .read("smaps_rollup")
                .ok()
                .and_then(|rollup| field_kb(&rollup, "Pss:"))
                .unwrap_or(resident_kb),
        })
    }

    /// Returns how many descriptors it has open.
    ///
    /// # Errors
    /// The process is gone, or somebody else's.
    pub fn descriptors(&self) -> Result<u64, LoadError> {
        let path = format!("/proc/{}/fd", self.pid);
        fs::read_dir(&path).map(|entries| entries.count() as u64).map_err(LoadError::io(path))
    }

    /// Resets the peak. Does nothing where that is not permitted.
    pub fn forget_peak(&self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.pid), "5");
    }

    fn read(&self, file: &str) -> Result<String, LoadError> {
        let path = format!("/proc/{}/{file}", self.pid);
        fs::read_to_string(&path).map_err(LoadError::io(path))
    }
}

/// Returns the CPU time of the calling thread in nanoseconds, as of the last time it yielded, or `None` where the
/// kernel does not report it.
#[must_use]
pub fn thread_cpu_nanos() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Returns the sum of `utime` and `stime`. The command is in parentheses and may itself contain parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let behind_command = stat.rsplit_once(')')?.1;
    let mut fields = behind_command.split_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

fn field_kb(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_are_found_behind_any_command() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("garbage"), None);
    }

    #[test]
    fn this_very_process_can_be_read() {
        let process = Process::new(std::process::id()).expect("it runs");
        let memory = process.memory().expect("it runs");
        assert!(memory.resident_kb > 0 && memory.peak_kb >= memory.resident_kb / 2 && memory.proportional_kb > 0);
        assert!(process.descriptors().expect("it runs") > 2);
        assert!(thread_cpu_nanos().is_some());
        assert!(Process::new(u32::MAX).is_err());
    }
}
