-- From version 3 to 4: notices to the team and commands by mail.

CREATE TABLE tidings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('report', 'follow_up', 'unreadable', 'undeliverable', 'refused')),
    case_id    INTEGER          REFERENCES cases (id),
    message_id INTEGER          REFERENCES messages (id),
    because    TEXT,
    arose_at   INTEGER NOT NULL,
    told_at    INTEGER,
    told_with  INTEGER
) STRICT;

CREATE INDEX tidings_untold ON tidings (kind, id) WHERE told_at IS NULL;
CREATE INDEX tidings_told ON tidings (kind, told_at) WHERE told_at IS NOT NULL;

CREATE TABLE command_mails (
    signer    TEXT    NOT NULL,
    signed_at INTEGER NOT NULL,
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    used_at   INTEGER NOT NULL,
    PRIMARY KEY (signer, signed_at, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_refused ON events (at) WHERE action = 'command_refused';
