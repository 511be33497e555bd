//! How long this thread ran: a loaded machine makes it no longer, as it does the time that passes.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since it began. What other threads and processes do for it does not count.
pub fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().expect("seconds"),
        time.tv_nsec.try_into().expect("nanoseconds"),
    )
}
