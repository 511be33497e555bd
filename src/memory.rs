//! Memory that is needed no more goes back to the system: the daemon waits most of its life.
//!
//! The only place with `unsafe`: mallopt(3), malloc_trim(3) and madvise(2) have no safe form.
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub use glibc::{give_back, prepare};

/// Other systems do as they see fit.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn prepare() {}
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_void;
    use std::sync::OnceLock;

    use rustix::mm::{Advice, madvise};

    /// Where the program and its libraries lie as nobody has changed them: a page that is given
    /// up is read again from the file when it is needed.
    static IMAGE: OnceLock<Vec<Mapping>> = OnceLock::new();

    #[derive(Debug, PartialEq, Eq)]
    struct Mapping {
        start: usize,
        length: usize,
    }

    /// To be called first in the program, before there is another thread.
    ///
    /// Left alone, glibc keeps what a large mail took: it raises the size from which a block is
    /// returned at once to that of the largest ever freed, and gives every thread a pool of its own.
    pub fn prepare() {
        const RETURNED_AT_ONCE: libc::c_int = 256 * 1024;
        const SLACK: libc::c_int = 128 * 1024;
        const POOLS: libc::c_int = 2;
        for (parameter, value) in [
            (libc::M_MMAP_THRESHOLD, RETURNED_AT_ONCE),
            (libc::M_TRIM_THRESHOLD, SLACK),
            (libc::M_ARENA_MAX, POOLS),
        ] {
            // SAFETY: only parameters of the allocator change, and no other thread runs yet. A
            // refusal leaves the default, which is no error.
            unsafe { libc::mallopt(parameter, value) };
        }
        // What is loaded before `main` is never unloaded; of what comes later that is not known.
        IMAGE.get_or_init(|| {
            let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
            unchanged_files(&smaps)
        });
    }

    /// Gives up free heap, and the pages of the program that starting or a burst of mail needed.
    pub fn give_back() {
        // SAFETY: frees nothing that is in use.
        unsafe { libc::malloc_trim(0) };
        for mapping in IMAGE.get().into_iter().flatten() {
            let start = std::ptr::with_exposed_provenance_mut::<c_void>(mapping.start);
            // SAFETY: the mapping belongs to the program's own image, lasts as long as the process,
            // was never written to and cannot be: its pages come back from the file as they are.
            // A refusal changes nothing.
            let _ = unsafe { madvise(start, mapping.length, Advice::LinuxDontNeed) };
        }
    }

    /// Of proc_pid_smaps(5): mappings of files that cannot be written to and hold no page of
    /// their own (relocated tables do), neither in memory nor in swap.
    fn unchanged_files(smaps: &str) -> Vec<Mapping> {
        let mut found = Vec::new();
        let mut candidate = None;
        for line in smaps.lines() {
            if let Some(mapping) = read_only_file(line) {
                found.extend(candidate.take());
                candidate = mapping;
            } else if ["Anonymous:", "Swap:"]
                .iter()
                .find_map(|name| line.strip_prefix(name))
                .is_some_and(|own| own.trim() != "0 kB")
            {
                candidate = None;
            }
        }
        found.extend(candidate);
        found
    }

    /// `Some(None)` for the head line of another mapping, `None` for any other line.
    fn read_only_file(line: &str) -> Option<Option<Mapping>> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let length = usize::from_str_radix(end, 16).ok()?.checked_sub(start)?;
        let is_private = matches!(fields.next()?, "r--p" | "r-xp");
        let is_file = fields.nth(3).is_some_and(|path| path.starts_with('/'));
        Some((is_private && is_file).then_some(Mapping { start, length }))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_what_comes_back_from_a_file_is_given_up() {
            let smaps = "\
1000-3000 r--p 00000000 fe:00 12 /usr/bin/triaged\nSize: 8 kB\nAnonymous: 0 kB\n\
3000-4000 r-xp 00002000 fe:00 12 /usr/bin/triaged\nAnonymous: 0 kB\nVmFlags: rd ex\n\
4000-5000 r--p 00003000 fe:00 12 /usr/bin/triaged\nAnonymous: 4 kB\n\
5000-6000 rw-p 00004000 fe:00 12 /usr/bin/triaged\nAnonymous: 0 kB\n\
6000-7000 r--s 00000000 fe:00 13 /var/lib/x\nAnonymous: 0 kB\n\
7000-8000 r-xp 00000000 00:00 0 [vdso]\nAnonymous: 0 kB\n\
8000-9000 r--p 00000000 00:00 0\nAnonymous: 0 kB\n\
9000-a000 r--p 00004000 fe:00 12 /usr/bin/triaged\nAnonymous: 0 kB\nSwap: 4 kB\n\
a000-b000 r--p 00000000 fe:00 14 /usr/lib/libc.so.6\nAnonymous: 0 kB\nSwap: 0 kB\n";
            let mapping = |start| Mapping {
                start,
                length: if start == 0x1000 { 0x2000 } else { 0x1000 },
            };
            assert_eq!(
                unchanged_files(smaps),
                [mapping(0x1000), mapping(0x3000), mapping(0xa000)]
            );
        }

        #[test]
        fn the_program_goes_on() {
            prepare();
            assert!(IMAGE.get().is_some_and(|image| !image.is_empty()));
            let before = vec![7_u8; 1_000_000];
            give_back();
            assert_eq!(
                before.iter().map(|byte| usize::from(*byte)).sum::<usize>(),
                7_000_000
            );
        }
    }
}
