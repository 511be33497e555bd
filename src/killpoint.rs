//! Named steps at which a test may kill the process, to show that no step loses anything.
//!
//! Only built with the feature `killpoints`. `TRIAGED_KILL_AT=committed` kills
//! (SIGKILL, as a power cut would) when the step is reached for the first time,
//! `TRIAGED_KILL_AT=committed:3` at the third. `TRIAGED_KILL_OVER=words` kills over each
//! mail that holds these words, as a fault of a library under us would; `TRIAGED_PANIC_AT=joining`
//! panics at a step each time, as another one would.

#[cfg(feature = "killpoints")]
pub fn reached(step: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WHERE: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("TRIAGED_KILL_AT").ok()?;
        match wanted.split_once(':') {
            Some((name, times)) => Some((name.to_owned(), times.parse().ok()?)),
            None => Some((wanted, 1)),
        }
    });
    static TIMES: AtomicU32 = AtomicU32::new(0);

    let Some((name, times)) = &*WHERE else { return };
    if name == step && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == *times {
        die();
    }
}

/// A step at which a library does most of the work.
#[cfg(feature = "killpoints")]
#[expect(clippy::panic, reason = "a test asked for it")]
pub fn fragile(step: &str) {
    if std::env::var("TRIAGED_PANIC_AT").is_ok_and(|wanted| wanted == step) {
        panic!("asked to panic at {step}");
    }
}

/// A mail is about to be opened.
#[cfg(feature = "killpoints")]
pub fn opening(raw: &[u8]) {
    let Some(words) = std::env::var_os("TRIAGED_KILL_OVER") else {
        return;
    };
    let words = words.as_encoded_bytes();
    if !words.is_empty() && raw.windows(words.len()).any(|found| found == words) {
        die();
    }
}

#[cfg(feature = "killpoints")]
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal may take a moment to arrive; nothing more may happen until then.
    loop {
        std::thread::park();
    }
}

#[cfg(not(feature = "killpoints"))]
#[inline(always)]
pub fn reached(_step: &str) {}

#[cfg(not(feature = "killpoints"))]
#[inline(always)]
pub fn fragile(_step: &str) {}

#[cfg(not(feature = "killpoints"))]
#[inline(always)]
pub fn opening(_raw: &[u8]) {}
