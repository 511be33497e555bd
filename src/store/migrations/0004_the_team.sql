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

CREATE INDEX cases_by_first ON cases (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX participants_by_email ON participants (email);

ALTER TABLE cases ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN label_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE cases ADD COLUMN clocks TEXT NOT NULL DEFAULT '[]';

UPDATE cases SET
    messages = (SELECT count(*) FROM messages WHERE case_id = cases.id),
    label_names = (SELECT json_group_array(label ORDER BY rowid) FROM labels WHERE case_id = cases.id),
    clocks = (SELECT json_group_array(json_array(kind, due_at, met_at, waived_at, paused_at) ORDER BY rowid)
              FROM deadlines WHERE case_id = cases.id);

CREATE TRIGGER labels_listed AFTER INSERT ON labels BEGIN
    UPDATE cases SET label_names = json_insert(label_names, '$[#]', NEW.label) WHERE id = NEW.case_id;
END;

CREATE TRIGGER messages_listed AFTER INSERT ON messages WHEN NEW.case_id IS NOT NULL BEGIN
    UPDATE cases SET messages = messages + 1 WHERE id = NEW.case_id;
END;

CREATE TRIGGER messages_unlisted AFTER DELETE ON messages WHEN OLD.case_id IS NOT NULL BEGIN
    UPDATE cases SET messages = messages - 1 WHERE id = OLD.case_id;
END;

CREATE TRIGGER deadlines_listed AFTER INSERT ON deadlines BEGIN
    UPDATE cases SET clocks = (
        SELECT json_group_array(json_array(kind, due_at, met_at, waived_at, paused_at) ORDER BY rowid)
        FROM deadlines WHERE case_id = NEW.case_id) WHERE id = NEW.case_id;
END;

CREATE TRIGGER deadlines_listed_anew AFTER UPDATE OF due_at, met_at, waived_at, paused_at ON deadlines BEGIN
    UPDATE cases SET clocks = (
        SELECT json_group_array(json_array(kind, due_at, met_at, waived_at, paused_at) ORDER BY rowid)
        FROM deadlines WHERE case_id = NEW.case_id) WHERE id = NEW.case_id;
END;

CREATE TRIGGER deadlines_unlisted AFTER DELETE ON deadlines BEGIN
    UPDATE cases SET clocks = (
        SELECT json_group_array(json_array(kind, due_at, met_at, waived_at, paused_at) ORDER BY rowid)
        FROM deadlines WHERE case_id = OLD.case_id) WHERE id = OLD.case_id;
END;
