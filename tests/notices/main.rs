//! What the team hears at once, end to end.
//!
//! `servers`: on Dovecot, Postfix and GnuPG, each notice as a member reads it.
//! `pace`: under a clock that the test sets: bursts, quiet hours, outages, silence, who hears.

#[path = "../common/mod.rs"]
mod common;
mod pace;
mod reading;
mod servers;
