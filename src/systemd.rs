//! Edge to systemd (sd_notify): ready, status, watchdog, stopping. Silent where systemd is not.

use std::time::Duration;

use sd_notify::NotifyState;

pub fn ready() {
    notify(&[NotifyState::Ready]);
}

pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

pub fn status(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

pub fn feed_watchdog() {
    notify(&[NotifyState::Watchdog]);
}

/// How often to feed: half of what the unit's `WatchdogSec` allows, a minute without one.
pub fn watchdog_interval() -> Duration {
    sd_notify::watchdog_enabled()
        .map_or(Duration::from_secs(60), |allowed| allowed / 2)
        .max(Duration::from_millis(100))
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("sd_notify: {error}");
    }
}
