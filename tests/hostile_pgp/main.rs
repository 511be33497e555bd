//! OpenPGP mail made to break, to slow down or to fool a reader.
//!
//! `bombs`, `floods` and `certificates` run the real program on each mail, in a process of its own
//! whose memory and time are measured; `changes` and `splices` look for plaintext of what was
//! changed on its way.

#[path = "../common/mod.rs"]
mod common;

mod bombs;
mod certificates;
mod changes;
mod floods;
mod measured;
mod packets;
mod splices;
