//! Classification, extraction and comparison, on made mails and on the corpus.

mod automatic;
#[path = "../busy/mod.rs"]
mod busy;
mod corpus;
mod extract;
mod key;
mod loops;
mod support;
