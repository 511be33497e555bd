//! The policy's rules over whole mails: labelled sets, real reports, hostile text, PDF.

mod corpus;
mod hostile;
mod labelled;
mod pdf;
mod policies;
mod support;
