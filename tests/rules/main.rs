//! The policy's rules over whole mails: labelled sets, real reports, hostile text, PDF.

#[path = "../busy/mod.rs"]
mod busy;
mod corpus;
mod hostile;
mod labelled;
mod pdf;
mod policies;
mod support;
