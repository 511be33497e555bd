//! How names and numbers are written in commands.

use std::fmt::Write as _;

/// Characters of a UID set, so that a command line stays below the 8,192 octets
/// that a server should take (RFC 7162, 4).
const MAX_SET: usize = 6_000;

/// UIDs asked for by one command.
const MAX_UIDS: usize = 1_000;

/// UIDs asked for by one SEARCH, so that its answer stays a line of moderate length.
const SEARCH_WINDOW: u32 = 50_000;

/// A quoted string (RFC 3501, 4.3); `None` where a line end or NUL would break it.
pub(super) fn quoted(text: &str) -> Option<String> {
    if text.contains(['\r', '\n', '\0']) {
        return None;
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{escaped}\""))
}

/// A folder name as it travels: modified UTF-7 (RFC 3501, 5.1.3).
pub(super) fn encoded(folder: &str) -> String {
    utf7_imap::encode_utf7_imap(folder.to_owned())
}

/// UIDs as sets that name these and no others, each for one command.
///
/// `uids`: ascending, each once. Neighbours become ranges; what is not in the
/// list is in no range.
pub(super) fn uid_sets(mut uids: &[u32]) -> Vec<(String, &[u32])> {
    let mut sets = Vec::new();
    while !uids.is_empty() {
        let (set, length) = first_set(uids.get(..MAX_UIDS).unwrap_or(uids));
        let (named, later) = uids.split_at_checked(length).unwrap_or((uids, &[]));
        sets.push((set, named));
        uids = later;
    }
    sets
}

/// A set of at least one and at most all of these, and how many it names.
fn first_set(uids: &[u32]) -> (String, usize) {
    let mut set = String::new();
    let mut length = 0;
    for run in uids.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        if set.len() > MAX_SET {
            break;
        }
        let separator = if set.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = match run {
            [first, .., last] => write!(set, "{separator}{first}:{last}"),
            [one] => write!(set, "{separator}{one}"),
            [] => Ok(()),
        };
        length += run.len();
    }
    (set, length)
}

/// UID ranges that together cover all from `from` on. One, except for a folder so
/// full that the answer would be an overlong line.
pub(super) fn search_windows(from: u32, uid_next: Option<u32>, exists: u32) -> Vec<String> {
    let end = match uid_next {
        Some(end) if exists > SEARCH_WINDOW => end,
        _ => from,
    };
    // Where UIDs lie far apart, wider windows hold no more mails.
    let width = SEARCH_WINDOW.max(end.saturating_sub(from) / 1_000);
    let mut windows = Vec::new();
    let mut start = from;
    while let Some(next) = start.checked_add(width)
        && next < end
    {
        windows.push(format!("{start}:{}", next - 1));
        start = next;
    }
    windows.push(format!("{start}:*"));
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(quoted(text).as_deref(), expected);
        }
        check("INBOX", Some(r#""INBOX""#));
        check("", Some(r#""""#));
        check(r#"a "b" \c"#, Some(r#""a \"b\" \\c""#));
        check("a\r\nA2 LOGOUT", None);
        check("a\nb", None);
        check("a\0b", None);
    }

    #[test]
    fn folder_names_outside_ascii() {
        #[track_caller]
        fn check(folder: &str, expected: &str) {
            assert_eq!(encoded(folder), expected);
        }
        check("Junk", "Junk");
        check("Tom & Jerry", "Tom &- Jerry");
        check("Entwürfe", "Entw&APw-rfe");
        check("台北/日本語", "&U,BTFw-/&ZeVnLIqe-");
        check("💌", "&2D3cjA-");
    }

    #[test]
    fn sets_name_what_is_asked_and_nothing_else() {
        #[track_caller]
        fn check(uids: &[u32], expected: &[&str]) {
            let sets: Vec<String> = uid_sets(uids).into_iter().map(|(set, _)| set).collect();
            assert_eq!(sets, expected);
        }
        check(&[], &[]);
        check(&[7], &["7"]);
        check(&[1, 2, 3, 5, 7, 8], &["1:3,5,7:8"]);
        check(&[u32::MAX - 1, u32::MAX], &["4294967294:4294967295"]);
        check(
            &(1..=2_500).collect::<Vec<_>>(),
            &["1:1000", "1001:2000", "2001:2500"],
        );
    }

    #[test]
    fn long_sets_are_split_and_complete() {
        let uids: Vec<u32> = (0..5_000).map(|n| 3_000_000_000 + 2 * n).collect();
        let sets = uid_sets(&uids);
        assert!(sets.iter().all(|(set, _)| set.len() < 8_000));
        let named: Vec<u32> = sets.iter().flat_map(|(_, named)| named.to_vec()).collect();
        assert_eq!(named, uids);
    }

    #[test]
    fn windows_cover_everything() {
        #[track_caller]
        fn check(from: u32, uid_next: Option<u32>, exists: u32, expected: &[&str]) {
            assert_eq!(search_windows(from, uid_next, exists), expected);
        }
        check(1, None, 9, &["1:*"]);
        check(17, Some(20), 9, &["17:*"]);
        check(1, Some(90_000), 100, &["1:*"]);
        check(
            1,
            Some(120_000),
            110_000,
            &["1:50000", "50001:100000", "100001:*"],
        );
        check(119_000, Some(120_000), 110_000, &["119000:*"]);
        check(u32::MAX, Some(u32::MAX), 110_000, &["4294967295:*"]);
        assert!(search_windows(1, Some(u32::MAX), u32::MAX).len() <= 1_001);
    }
}
