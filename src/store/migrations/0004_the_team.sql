-- From version 3 to 4: notices to the team, commands by mail, and what the digest counts.

CREATE TABLE tidings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('report', 'follow_up', 'unreadable', 'undeliverable', 'refused')),
    case_id    INTEGER          REFERENCES cases (id),
    message_id INTEGER          REFERENCES messages (id),
    because    TEXT,
    arose_at   INTEGER NOT NULL,
    told_at    INTEGER,
    paced      INTEGER
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
CREATE TABLE updates (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    told_at INTEGER NOT NULL,
    due_at  INTEGER NOT NULL,
    PRIMARY KEY (case_id, told_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX cases_by_status ON cases (status, received_at, fixed_at);
CREATE INDEX cases_by_receipt ON cases (received_at);
CREATE INDEX cases_by_opening ON cases (opened_at);
CREATE INDEX cases_by_fix ON cases (fixed_at) WHERE fixed_at IS NOT NULL;
CREATE INDEX cases_by_disclosure ON cases (disclose_at)
    WHERE disclose_at IS NOT NULL AND status IN ('new', 'accepted', 'fixed');
CREATE INDEX messages_of_noise ON messages (recorded_at)
    WHERE direction = 'in' AND kind <> 'team_command'
      AND (case_id IS NULL OR kind IN ('bounce', 'auto_reply', 'spam'));
CREATE INDEX messages_unread ON messages (recorded_at)
    WHERE direction = 'in' AND (kind = 'unreadable' OR (failure IS NOT NULL AND decrypted = 0));
CREATE INDEX pauses_that_last ON pauses (paused_at) WHERE resumed_at IS NULL;
CREATE INDEX deadlines_that_run ON deadlines (due_at, warn_at, half_at, half_told_at)
    WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL;
CREATE INDEX deadlines_by_due ON deadlines (due_at, kind, met_at, waived_at, paused_at);
CREATE INDEX updates_by_due ON updates (due_at, told_at);
CREATE INDEX outbox_that_bounced ON outbox (bounced_at) WHERE bounced_at IS NOT NULL;
CREATE INDEX events_of_decisions ON events (case_id, at, action)
    WHERE action IN ('accepted', 'rejected', 'duplicate', 'closed', 'fixed', 'disclosed');

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
