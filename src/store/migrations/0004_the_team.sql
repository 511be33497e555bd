-- From version 3 to 4: notices to the team, commands by mail, and what the digest counts.

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
CREATE INDEX cases_by_disclosure ON cases (disclose_at) WHERE disclose_at IS NOT NULL;
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
