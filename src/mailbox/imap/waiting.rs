//! Waiting for mail in the inbox: IDLE (RFC 2177), or NOOP from time to time.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::debug;

use super::Imap;
use super::connection::Idled;
use crate::mailbox::Lane;

/// NOOPs are no closer than this, whatever is configured.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

impl Imap {
    pub(super) async fn wait_for_inbox(&mut self, at_most: Duration) -> Result<(), String> {
        if self.arrived_unseen().await? {
            return Ok(());
        }
        if !self.idle_refused && self.connection.can("IDLE").await? {
            match self.connection.idle(at_most).await? {
                Idled::Grew | Idled::Quiet => return Ok(()),
                Idled::Refused(words) => {
                    debug!(words, "the server refuses IDLE; polling instead");
                    self.idle_refused = true;
                }
            }
        }
        self.poll(at_most).await
    }

    /// Did something arrive since the inbox was listed, while another folder was
    /// selected or another command was running?
    async fn arrived_unseen(&mut self) -> Result<bool, String> {
        if let Some(selected) = self.selected
            && selected.lane == Lane::Inbox
        {
            return Ok(self.connection.grew());
        }
        let selected = self
            .select_anew(Lane::Inbox)
            .await?
            .ok_or("the folder is gone")?;
        if self.listed.get(&Lane::Inbox) != Some(&selected.validity) {
            return Ok(true);
        }
        let unseen = self.search_above(self.highest, selected.uid_next).await?;
        Ok(!unseen.is_empty())
    }

    async fn poll(&mut self, at_most: Duration) -> Result<(), String> {
        let until = Instant::now() + at_most;
        let interval = self.folders.poll_interval.max(SHORTEST_POLL);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            sleep(interval.min(left)).await;
            self.connection.run("NOOP").await?.accepted()?;
            if self.connection.grew() || Instant::now() >= until {
                return Ok(());
            }
        }
    }
}
