//! The main path, end to end: the real program between a real Dovecot, a real
//! Postfix and GnuPG, seen from outside as researchers and operators see it.
//!
//! `world` holds the servers, which tests share, an office (the program with a
//! mailbox and a configuration of its own), and people who write to it.

#[path = "../common/mod.rs"]
mod common;

mod daemon;
mod keys;
mod letters;
mod local;
mod mailbox;
mod openpgp;
mod plain;
mod robots;
mod threads;
mod world;
