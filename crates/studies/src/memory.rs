//! How much this machine can hold, so that what it cannot is refused before any of it is made.

use std::fs;

/// What is assumed where the system does not say: a large workstation.
const ASSUMED: u64 = 64 << 30;

/// Bytes of memory of this machine, or of the container that the program runs in.
pub fn total() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    [machine, container].into_iter().flatten().min().unwrap_or(ASSUMED)
}

fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// Bytes of `count` things of `each` bytes; the largest number where that cannot be counted.
pub fn bytes(count: impl TryInto<u64>, each: impl TryInto<u64>) -> u64 {
    let number = |value: Option<u64>| value.unwrap_or(u64::MAX);
    number(count.try_into().ok()).saturating_mul(number(each.try_into().ok()))
}

/// Bytes as people say them: `512 bytes`, `1.5 GiB`, `more than 8 EiB`.
pub fn said(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    match bytes.checked_ilog2().unwrap_or(0) / 10 {
        0 => format!("{bytes} bytes"),
        6 if bytes > 8 << 60 => "more than 8 EiB".to_owned(),
        unit => format!("{:.1} {}", bytes as f64 / (1u64 << (10 * unit)) as f64, UNITS[unit as usize - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_it_has() {
        let text = "MemTotal:       24606208 kB\nMemFree:        21000000 kB\n";
        assert_eq!(of_machine(text), Some(24_606_208 * 1024));
        assert_eq!(of_machine("MemFree: 1 kB\n"), None);
        assert!(total() > 1 << 28);
    }

    #[test]
    fn what_cannot_be_counted_is_the_largest_number() {
        assert_eq!(bytes(3usize, 4u64), 12);
        assert_eq!(bytes(u64::MAX, 2u64), u64::MAX);
        assert_eq!(bytes(1u128 << 80, 1u64), u64::MAX);
    }

    #[test]
    fn bytes_read_naturally() {
        assert_eq!(
            [0, 512, 1536, 3 << 30, u64::MAX].map(said),
            ["0 bytes", "512 bytes", "1.5 KiB", "3.0 GiB", "more than 8 EiB"]
        );
    }
}
