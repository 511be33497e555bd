//! Whatever somebody on the way does to the packets of a message: never plaintext of another one.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::changes::{Desk, KINDS, shows_all, shows_any, text};
use crate::packets::{encrypted_part, mail, message, packet};

static DESKS: LazyLock<Vec<Desk>> = LazyLock::new(|| KINDS.into_iter().map(Desk::new).collect());

/// What is done to the bytes of a message.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    DropPacket(prop::sample::Index),
    DoublePacket(prop::sample::Index),
    SwapPackets(prop::sample::Index, prop::sample::Index),
    AddPacket(prop::sample::Index, u8, Vec<u8>),
    /// Of another message to the same key, or to another.
    TakePacket(
        prop::sample::Index,
        prop::sample::Index,
        prop::sample::Index,
    ),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => (index(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (index(), 1..64_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (index(), 1..64_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        2 => (index(), index(), 1..64_usize).prop_map(|(a, b, count)| Change::Swap(a, b, count)),
        1 => (index(), bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => index().prop_map(Change::DropPacket),
        1 => index().prop_map(Change::DoublePacket),
        1 => (index(), index()).prop_map(|(a, b)| Change::SwapPackets(a, b)),
        1 => (index(), 0..64_u8, bytes()).prop_map(|(at, tag, body)| Change::AddPacket(at, tag, body)),
        1 => (index(), index(), index()).prop_map(|(desk, from, at)| Change::TakePacket(desk, from, at)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            return bytes;
        }
        let length = bytes.len();
        match change {
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Change::Repeat(at, count) => {
                let at = at.index(length);
                let again = bytes[at..(at + count).min(length)].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Swap(a, b, count) => {
                let (a, b) = (a.index(length), b.index(length));
                for step in 0..*count {
                    if a + step < length && b + step < length {
                        bytes.swap(a + step, b + step);
                    }
                }
            }
            Change::Insert(at, new) => {
                let at = at.index(length);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::DropPacket(at) => {
                let mut all = split(&bytes);
                all.remove(at.index(all.len()));
                bytes = all.concat();
            }
            Change::DoublePacket(at) => {
                let mut all = split(&bytes);
                let at = at.index(all.len());
                all.insert(at, all[at].clone());
                bytes = all.concat();
            }
            Change::SwapPackets(a, b) => {
                let mut all = split(&bytes);
                let (a, b) = (a.index(all.len()), b.index(all.len()));
                all.swap(a, b);
                bytes = all.concat();
            }
            Change::AddPacket(at, tag, body) => {
                let mut all = split(&bytes);
                all.insert(at.index(all.len() + 1), packet(*tag, body));
                bytes = all.concat();
            }
            Change::TakePacket(desk, from, at) => {
                let others = split(&desk.get(&DESKS).packets);
                let mut all = split(&bytes);
                all.insert(at.index(all.len() + 1), from.get(&others).clone());
                bytes = all.concat();
            }
        }
    }
    bytes
}

/// Packets of lengths in one piece; what is none is kept as the last one. Never empty.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(length) = packet_length(rest).filter(|length| *length <= rest.len()) {
        let (one, behind) = rest.split_at(length);
        found.push(one.to_vec());
        rest = behind;
    }
    if !rest.is_empty() || found.is_empty() {
        found.push(rest.to_vec());
    }
    found
}

fn packet_length(bytes: &[u8]) -> Option<usize> {
    let (&tag, rest) = bytes.split_first()?;
    if tag < 0xc0 {
        return None;
    }
    match *rest {
        [length @ 0..192, ..] => Some(2 + usize::from(length)),
        [first @ 192..224, second, ..] => {
            Some(3 + 192 + (usize::from(first) - 192) * 256 + usize::from(second))
        }
        [255, a, b, c, d, ..] => Some(6 + u32::from_be_bytes([a, b, c, d]) as usize),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// All that was written, or nothing.
    #[test]
    fn a_changed_message_never_shows_anything_else(
        desk in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let desk = desk.get(&DESKS);
        let bytes = changed(desk.packets.clone(), &changes);
        if let Ok(plain) = desk.decrypted(&bytes) {
            prop_assert_eq!(plain, text());
        }
    }

    /// The same through a mail, on its packets or on its characters.
    #[test]
    fn a_changed_mail_never_shows_anything_else(
        desk in any::<prop::sample::Index>(),
        in_mail in any::<bool>(),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let desk = desk.get(&DESKS);
        let packets = if in_mail { desk.packets.clone() } else { changed(desk.packets.clone(), &changes) };
        let whole = mail(&encrypted_part(&message(&packets)));
        let raw = if in_mail { changed(whole, &changes) } else { whole };
        let read = desk.read(&raw);
        prop_assert!(!shows_any(&read) || shows_all(&read), "{}", read.text);
    }
}
