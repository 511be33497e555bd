//! Classification, extraction and comparison, on made mails and on the corpus.

mod automatic;
mod corpus;
mod extract;
mod key;
mod loops;
mod support;
