//! Putting away what was recorded. Cosmetic: it may fail half-way and be repeated.

use tracing::debug;

use super::connection::Answer;
use super::{Imap, names, numbers, quoted};
use crate::mailbox::{Lane, Uid};

impl Imap {
    pub(super) async fn file_lane(
        &mut self,
        lane: Lane,
        validity: u32,
        uids: &[Uid],
    ) -> Result<(), String> {
        let uids = numbers(uids.iter());
        if uids.is_empty() {
            return Ok(());
        }
        let selected = self.select(lane).await?;
        if selected.map(|selected| selected.validity) != Some(validity) {
            debug!(
                lane = lane.as_str(),
                validity, "nothing filed: the UIDs are void"
            );
            return Ok(());
        }
        let processed = self.folders.processed.as_deref().map(names::encoded);
        for (set, asked) in names::uid_sets(&uids) {
            match &processed {
                Some(folder) => self.put_away(&set, asked, &quoted(folder)?).await?,
                None => self.mark(&set).await?,
            }
        }
        Ok(())
    }

    /// Moves mails by the best means that the server has. Without any that removes
    /// these mails and no others, they are marked and stay.
    ///
    /// `folder`: as it is written in a command.
    async fn put_away(&mut self, set: &str, uids: &[u32], folder: &str) -> Result<(), String> {
        if self.connection.can("MOVE").await? {
            self.move_or_copy("UID MOVE", set, folder).await
        } else if self.connection.can("UIDPLUS").await? {
            self.move_or_copy("UID COPY", set, folder).await?;
            self.remove(set).await
        } else {
            debug!(
                count = uids.len(),
                "mails stay: the server has neither MOVE nor UIDPLUS"
            );
            self.mark(set).await
        }
    }

    /// MOVE or COPY; a folder that is missing is made.
    async fn move_or_copy(&mut self, verb: &str, set: &str, folder: &str) -> Result<(), String> {
        let answer = self.transfer(verb, set, folder).await?;
        if answer.is_ok() {
            return Ok(());
        }
        let mut present = self.search(set).await?;
        present.sort_unstable();
        if present.is_empty() {
            // Filed before: there is nothing left to move.
            return Ok(());
        }
        let created = self.create(folder).await?;
        for (set, _) in names::uid_sets(&present) {
            let again = self.transfer(verb, &set, folder).await?;
            again
                .accepted()
                .map_err(|cause| format!("{cause}{}", after_create(&created)))?;
        }
        Ok(())
    }

    async fn transfer(&mut self, verb: &str, set: &str, folder: &str) -> Result<Answer, String> {
        let command = format!("{verb} {set} {folder}");
        self.connection.run(&command).await
    }

    /// Creates and subscribes. Its refusal is no error by itself: the folder may exist.
    async fn create(&mut self, folder: &str) -> Result<Answer, String> {
        let created = self.connection.run(&format!("CREATE {folder}")).await?;
        if created.is_ok() {
            // Some mail programs show subscribed folders alone; nothing else depends on it.
            self.connection.run(&format!("SUBSCRIBE {folder}")).await?;
        }
        Ok(created)
    }

    /// Removes what was copied, and nothing that others marked as deleted (RFC 4315).
    async fn remove(&mut self, set: &str) -> Result<(), String> {
        for command in [
            format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"),
            format!("UID EXPUNGE {set}"),
        ] {
            self.connection.run(&command).await?.accepted()?;
        }
        Ok(())
    }

    /// Marks mails `$Triaged`; a server without such keywords leaves them as they are.
    async fn mark(&mut self, set: &str) -> Result<(), String> {
        let command = format!("UID STORE {set} +FLAGS.SILENT ($Triaged)");
        let answer = self.connection.run(&command).await?;
        if !answer.is_ok() && !self.keyword_refused {
            self.keyword_refused = true;
            debug!(words = answer.words(), "the server takes no $Triaged");
        }
        Ok(())
    }
}

fn after_create(created: &Answer) -> String {
    if created.is_ok() {
        ", though it was just created".to_owned()
    } else {
        format!(", and CREATE was refused with {}", created.words())
    }
}
