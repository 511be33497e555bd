//! What the kernel says of a process: memory and processor time (proc(5)).

use std::time::Duration;

/// Clock ticks of `/proc/PID/stat`; 100 on every Linux (USER_HZ).
const TICKS_PER_SECOND: u32 = 100;

/// The largest resident size so far, in bytes.
pub fn peak_memory(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

/// The resident size now, in bytes.
pub fn memory_now(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// Of all its threads, in user and kernel mode.
pub fn processor_time(pid: u32) -> Duration {
    let stat = read(pid, "stat");
    // The name in brackets may hold spaces; the fields behind it are counted from 3.
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks: u32 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u32>().expect("ticks"))
        .sum();
    Duration::from_secs(1) * ticks / TICKS_PER_SECOND
}

fn memory(pid: u32, name: &str) -> u64 {
    let status = read(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.and_then(|kb| kb.parse().ok()).expect("a size");
    kilobytes * 1024
}

fn read(pid: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a process that runs")
}
