//! What does the process use, according to the system?

/// What the system says about this process; 0 where it does not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    /// User and system time.
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: u64,
    pub(super) virtual_bytes: u64,
    pub(super) threads: u64,
    pub(super) open_descriptors: u64,
    pub(super) descriptors_max: u64,
    /// Unix time.
    pub(super) started_at_seconds: f64,
}

impl Process {
    /// Returns what the system says now.
    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Self {
        use procfs::WithCurrentSystemInfo as _;
        let Ok(process) = procfs::process::Process::myself() else { return Self::default() };
        let stat = process.stat().ok();
        let ticks = procfs::ticks_per_second() as f64;
        let started = stat.as_ref().map_or(0.0, |stat| stat.starttime as f64 / ticks);
        let booted = procfs::boot_time_secs().unwrap_or_default() as f64;
        let limit = process.limits().ok().map(|limits| limits.max_open_files.soft_limit);
        Self {
            cpu_seconds: stat.as_ref().map_or(0.0, |stat| (stat.utime + stat.stime) as f64 / ticks),
            resident_bytes: stat.as_ref().map_or(0, |stat| stat.rss_bytes().get()),
            virtual_bytes: stat.as_ref().map_or(0, |stat| stat.vsize),
            threads: stat.as_ref().map_or(0, |stat| u64::try_from(stat.num_threads).unwrap_or_default()),
            open_descriptors: process.fd_count().unwrap_or_default() as u64,
            descriptors_max: match limit {
                Some(procfs::process::LimitValue::Value(count)) => count,
                _ => 0,
            },
            started_at_seconds: booted + started,
        }
    }

    /// Other systems are not asked.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Self {
        Self::default()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn this_very_process_is_described() {
        let process = Process::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
        assert!(process.resident_bytes > 1_000_000 && process.open_descriptors >= 3, "{process:?}");
        assert!(process.virtual_bytes >= process.resident_bytes && process.threads > 0, "{process:?}");
        assert!(process.descriptors_max >= process.open_descriptors, "{process:?}");
        assert!((now - 3_600.0..=now + 2.0).contains(&process.started_at_seconds), "{process:?} at {now}");
    }
}
