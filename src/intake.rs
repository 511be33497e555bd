//! The path of one mail: read, classified, decided, recorded.
//!
//! ```text
//! opened    the mail, read and classified          open_mail
//! judged    what would be done with it             judge
//! case      what it changes of its case
//! told      what the team hears at once
//! answer    the letters that answer it             acknowledge: later, by hand
//! record    all of that in one transaction         record, record_all
//! ```
//! The same for mail from IMAP, a Maildir or a file; `explain` stops before
//! the record. What one mail causes commits in one transaction, and a mail
//! that cannot be handled is recorded all the same, for a person to see.

pub use answer::{AcknowledgeError, acknowledge};
pub use judged::judge;
pub use opened::{Mail, Opened, open_mail, unopened};
pub use record::{Recorded, record, record_all};

pub(crate) use answer::enqueue;

mod answer;
mod case;
mod judged;
mod opened;
mod record;
pub mod sender;
mod told;

/// Why a mail is not recorded yet.
pub const AWAY: &str =
    "a key of ours that it may be for is in gpg-agent, which does not work with it now";
