//! The command line: see `triaged --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    give_memory_back();
    triaged::cli::main()
}

/// Left alone, glibc keeps what a large mail took: it raises the size from which a block is
/// returned at once to that of the largest ever freed, and gives every thread a pool of its own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_memory_back() {
    const RETURNED_AT_ONCE: libc::c_int = 256 * 1024;
    const SLACK: libc::c_int = 128 * 1024;
    const POOLS: libc::c_int = 2;
    for (parameter, value) in [
        (libc::M_MMAP_THRESHOLD, RETURNED_AT_ONCE),
        (libc::M_TRIM_THRESHOLD, SLACK),
        (libc::M_ARENA_MAX, POOLS),
    ] {
        // SAFETY: mallopt(3) only changes parameters of the allocator, and no other thread runs
        // yet. A refusal leaves the default, which is no error.
        unsafe { libc::mallopt(parameter, value) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_memory_back() {}
