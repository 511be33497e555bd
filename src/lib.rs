//! triaged: the daemon behind a security@ address.
//!
//! Read in this order: `daemon` (the loops), `intake` (the path of one mail),
//! `triage::decide` (what follows from it), `store` (the record), `letters`
//! and `delivery` (the answer). `docs/flow.md` walks the same way.
//!
//! - `commands`: what a person does to a case, and the day of disclosure
//! - `config`: text to checked values; every mistake with its line
//! - `team`, `notices`, `expiry`: the people, and what they hear of deadlines and keys; the digest
//! - `mail`: bytes to values and back: MIME, OpenPGP, composing
//! - `triage`: the pure core; no clock, network or database
//! - `parallel`, `memory`: work on all cores; what is needed no more goes back
//! - `mailbox`, `delivery`, `store`, `agent`, `pdf`, `tls`, `wkd`, `systemd`:
//!   the edges
//! - `cli`: a file per command

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

pub mod agent;
pub mod cli;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod delivery;
pub mod expiry;
pub mod intake;
pub mod killpoint;
pub mod letters;
pub mod mail;
pub mod mailbox;
pub mod memory;
pub mod notices;
pub mod parallel;
pub mod pdf;
pub mod pinned;
pub mod store;
pub mod systemd;
pub mod team;
pub mod tls;
pub mod triage;
pub mod wkd;
