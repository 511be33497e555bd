//! Bytes to values and back. No network, clock or database.

pub mod armor;
pub mod compose;
pub mod html;
pub mod message;
pub mod open;
pub mod parse;
pub mod pgp;
pub mod report;
pub mod text;
