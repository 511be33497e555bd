//! A database of an earlier version is one of this version afterwards, and holds what it held.

use std::collections::BTreeSet;

use super::*;
use crate::triage::marks::{Mark, MarkKind};

const VERSION_1: &str = include_str!("../migrations/0001_schema.sql");

/// A case that waits for its decision, one that a program opened, and a letter.
const CONTENT: &str = "
    INSERT INTO cases (number, status, kind, subject, received_at, opened_at, unanswered)
        VALUES ('SEC-2026-0001', 'new', 'report', 'XSS', 1000, 1000, NULL),
               ('SEC-2026-0002', 'new', 'list', 'News', 1000, 1000, 'it has a List-Id'),
               ('SEC-2026-0003', 'new', 'report', 'Old', 1000, 1000,
                'recorded with --no-reply; `triaged case acknowledge` answers it'),
               ('SEC-2026-0004', 'new', 'unreadable', '', 1000, 1000,
                'the program stumbled over it');
    INSERT INTO deadlines (case_id, kind, span, policy_version, starts_at, due_at, met_at)
        VALUES (1, 'acknowledge', '48 hours', '1', 1000, 2000, 1500),
               (1, 'triage', '7 days', '1', 1000, 2000, NULL);
    INSERT INTO labels (case_id, label, because) VALUES (2, 'list', ''), (2, 'automatic', '');
    INSERT INTO messages (case_id, direction, kind, digest, size, received_at, recorded_at,
                          to_emails, subject, text, encrypted, decrypted)
        VALUES (1, 'out', 'acknowledgement', zeroblob(32), 1, 1000, 1000, '[]', '', '', 0, 0),
               (1, 'in', 'report', zeroblob(32), 1, 1000, 1000, '[]', '', '', 0, 0);
    INSERT INTO attachments (message_id, position, name, media_type, size, digest)
        VALUES (2, 0, 'poc.py', 'text/x-python', 100, zeroblob(32));
    INSERT INTO outbox (message_id, recipient, mailbox, domain, automatic, acknowledges,
                        attaches_key, state, created_at, next_at)
        VALUES (1, 'a@b.test', 'a@b.test', 'b.test', 1, 1, 0, 'waiting', 1000, 1000);
    INSERT INTO certificates (email, fingerprint, bytes, learned, first_seen_at, last_seen_at)
        VALUES ('a@b.test', 'FIRST', x'00', 0, 1000, 1000),
               ('a@b.test', 'SIGNED', x'00', 1, 1001, 1001),
               ('a@b.test', 'LATER', x'00', 1, 1002, 1002),
               ('c@d.test', 'ONLY', x'00', 0, 1000, 1000);
";

fn of_version_1() -> Store {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    connection.execute_batch(CONTENT).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    Store {
        path: PathBuf::from(":memory:"),
        files: Vec::new(),
        connection: Mutex::new(connection),
    }
}

/// Every column of every table with its type and bounds, and every index. The order of columns is
/// none: all SQL names them.
fn shape(store: &Store) -> BTreeSet<String> {
    let connection = store.lock();
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let columns = rows(
        "SELECT tables.name || '.' || it.name || ' ' || it.type || ' ' || it.\"notnull\" || ' '
                || coalesce(it.dflt_value, '-') || ' ' || it.pk
         FROM pragma_table_list AS tables, pragma_table_info(tables.name) AS it
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'",
    );
    let indexes = rows(
        "SELECT sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL",
    );
    let references = rows(
        "SELECT tables.name || '.' || it.\"from\" || ' -> ' || it.\"table\"
         FROM pragma_table_list AS tables, pragma_foreign_key_list(tables.name) AS it",
    );
    [columns, indexes, references]
        .concat()
        .into_iter()
        .collect()
}

#[test]
fn a_migrated_database_has_the_shape_of_a_new_one() {
    let migrated = of_version_1();
    migrated.bring_up_to_date().unwrap();
    assert_eq!(migrated.version().unwrap(), SCHEMA_VERSION);
    let (migrated, new) = (shape(&migrated), shape(&Store::in_memory().unwrap()));
    assert!(new.len() > 150, "{}", new.len());
    let missing: Vec<_> = new.difference(&migrated).collect();
    let left: Vec<_> = migrated.difference(&new).collect();
    assert!(
        missing.is_empty() && left.is_empty(),
        "{missing:?} {left:?}"
    );
}

#[test]
fn what_was_there_is_there() {
    let store = of_version_1();
    store.bring_up_to_date().unwrap();
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    store
        .read(|tx| {
            let cases = tx.cases_listed(at(1_900))?;
            assert_eq!(cases.len(), 4);
            let states = |number: usize| {
                let deadlines = cases[number].deadlines.iter();
                deadlines.map(|it| (it.kind, it.state)).collect::<Vec<_>>()
            };
            assert_eq!(states(0), [("acknowledge", "met"), ("triage", "running")]);
            let messages: Vec<i64> = cases.iter().map(|case| case.messages).collect();
            assert_eq!(messages, [2, 0, 0, 0]);
            assert_eq!(cases[1].labels, ["list", "automatic"]);
            let file = Mark::new(MarkKind::File, Digest([0; 32]), "");
            assert_eq!(tx.sharing(&[file])?.len(), 1);
            let robot = |id: i64| tx.addressee(id).map(|addressee| addressee.robot);
            assert_eq!(robot(1)?, None);
            assert_eq!(robot(2)?.as_deref(), Some("it has a List-Id"));
            assert_eq!(robot(3)?, None);
            assert_eq!(robot(4)?, None);
            // 80 percent have passed, and nobody was told.
            let warnings = tx.warnings_due(at(1_900))?;
            assert_eq!(warnings.len(), 1);
            assert_eq!(warnings[0].deadline.kind, DeadlineKind::Triage);
            assert_eq!(tx.outbox_counts()?.waiting, 1);
            // What was best known is the key of its address.
            assert_eq!(speakers_of(tx, "a@b.test"), ["SIGNED"]);
            assert_eq!(speakers_of(tx, "c@d.test"), ["ONLY"]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
