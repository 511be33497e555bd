//! Which folder is selected, and in which epoch of its UIDs.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response, ResponseCode};

use super::{Imap, names, quoted};
use crate::mailbox::Lane;

#[derive(Clone, Copy)]
pub(super) struct Selected {
    pub(super) lane: Lane,
    /// UIDVALIDITY.
    pub(super) validity: u32,
    /// UIDNEXT, at the time when it was selected.
    pub(super) uid_next: Option<u32>,
}

impl Imap {
    /// Selects the lane's folder where it is not selected already, and returns its
    /// UIDVALIDITY; `None`: there is no such junk folder.
    pub(super) async fn select(&mut self, lane: Lane) -> Result<Option<Selected>, String> {
        match self.selected {
            Some(selected) if selected.lane == lane => Ok(Some(selected)),
            _ => self.select_anew(lane).await,
        }
    }

    pub(super) async fn select_anew(&mut self, lane: Lane) -> Result<Option<Selected>, String> {
        let Some(folder) = self.folder(lane) else {
            return Ok(None);
        };
        let folder = names::encoded(folder);
        let command = format!("SELECT {}", quoted(&folder)?);
        self.selected = None;
        let mut validity = None;
        let mut uid_next = None;
        let answer = self
            .connection
            .ask(&command, 0, |response| {
                if let Response::Data { outcome, .. } = response {
                    match outcome.code {
                        Some(ResponseCode::UidValidity(number)) => validity = Some(number),
                        Some(ResponseCode::UidNext(number)) => uid_next = Some(number),
                        _ => {}
                    }
                }
                Ok(())
            })
            .await?;
        if !answer.is_ok() && lane == Lane::Junk && !self.folder_exists(&folder).await? {
            return Ok(None);
        }
        answer.accepted()?;
        self.connection.forget_growth();
        self.selected = Some(Selected {
            lane,
            validity: validity.ok_or("the server tells no UIDVALIDITY")?,
            uid_next,
        });
        Ok(self.selected)
    }

    /// `folder`: as it travels.
    async fn folder_exists(&mut self, folder: &str) -> Result<bool, String> {
        let command = format!("LIST \"\" {}", quoted(folder)?);
        let mut exists = false;
        let answer = self
            .connection
            .ask(&command, 0, |response| {
                if let Response::MailboxData(MailboxDatum::List(listed)) = response {
                    exists |= listed.name == folder && is_selectable(&listed.name_attributes);
                }
                Ok(())
            })
            .await?;
        answer.accepted()?;
        Ok(exists)
    }
}

fn is_selectable(attributes: &[NameAttribute<'_>]) -> bool {
    attributes.iter().all(|attribute| match attribute {
        NameAttribute::NoSelect => false,
        NameAttribute::Extension(name) => !name.eq_ignore_ascii_case("\\NonExistent"),
        _ => true,
    })
}
