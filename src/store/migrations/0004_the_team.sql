-- From version 3 to 4: notices to the team and commands by mail.

CREATE TABLE tidings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('report', 'follow_up', 'unreadable', 'undeliverable', 'refused')),
    case_id    INTEGER          REFERENCES cases (id),
    message_id INTEGER          REFERENCES messages (id),
    because    TEXT,
    arose_at   INTEGER NOT NULL,
    told_at    INTEGER
) STRICT;

CREATE INDEX tidings_untold ON tidings (id) WHERE told_at IS NULL;

CREATE TABLE command_mails (
    signer    TEXT    NOT NULL,
    signed_at INTEGER NOT NULL,
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    used_at   INTEGER NOT NULL,
    PRIMARY KEY (signer, signed_at, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
    kind    TEXT    NOT NULL CHECK (kind IN ('cve', 'place', 'file')),
    hash    BLOB    NOT NULL CHECK (length(hash) = 8),
    case_id INTEGER NOT NULL REFERENCES cases (id),
    PRIMARY KEY (kind, hash, case_id)
) STRICT, WITHOUT ROWID;

-- The files of earlier cases; what else marks them would have to be read from their texts.
INSERT INTO marks (kind, hash, case_id)
    SELECT DISTINCT 'file', substr(attachments.digest, 1, 8), messages.case_id
    FROM attachments JOIN messages ON messages.id = attachments.message_id
    WHERE messages.case_id IS NOT NULL AND messages.direction = 'in' AND attachments.size >= 64
      AND attachments.media_type NOT IN ('application/pgp-signature', 'application/pgp-keys',
          'application/pkcs7-signature', 'application/x-pkcs7-signature');
