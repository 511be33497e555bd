//! The digest: what it says of a year, and when it goes out.

mod board;
mod common;

use triaged::notices::digest::{self, Weekly};

#[test]
fn look() {
    let office = board::seeded();
    let board = office.board(Weekly::Always, board::morning());
    println!("{}", digest::text(&board));
}
