//! The high-water mark of a process's resident memory, from `/proc/<pid>/status`. Unlike `ru_maxrss` it starts anew at
//! exec, so that a large parent does not lend its own size to a small child.

use std::fs;

use rustix::process::Pid;

/// `VmHWM` in bytes; `None` for a process that has ended and on systems without `/proc`.
pub(super) fn peak(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    parse(&status)
}

fn parse(status: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    kibibytes.parse::<u64>().ok().map(|count| count * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_in_bytes() {
        assert_eq!(parse("Name:\tx\nVmPeak:\t 9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 10 kB\n"), Some(2 << 20));
        assert_eq!(parse("Name:\tzombie\n"), None);
    }
}
