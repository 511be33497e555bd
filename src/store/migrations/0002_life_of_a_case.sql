-- From version 1: the life of a case, the calendars of deadlines, pauses, warnings.

ALTER TABLE cases ADD COLUMN robot TEXT;
ALTER TABLE cases ADD COLUMN language TEXT;
ALTER TABLE cases ADD COLUMN missing TEXT NOT NULL DEFAULT '[]';
ALTER TABLE cases ADD COLUMN status_before TEXT
    CHECK (status_before IN ('new', 'accepted', 'fixed', 'disclosed'));
ALTER TABLE cases ADD COLUMN fixed_at INTEGER;
ALTER TABLE cases ADD COLUMN disclose_at INTEGER;
ALTER TABLE cases ADD COLUMN heads_up_at INTEGER;
ALTER TABLE cases ADD COLUMN exploited_at INTEGER;
ALTER TABLE cases ADD COLUMN credit TEXT CHECK (credit IN ('yes', 'no'));
ALTER TABLE cases ADD COLUMN credit_name TEXT;
ALTER TABLE cases ADD COLUMN credit_link TEXT;
ALTER TABLE cases ADD COLUMN token TEXT;
ALTER TABLE cases ADD COLUMN reward TEXT;

-- Whom nobody answered, but for what was only old or could not be read, nobody writes to: a mail
-- over which the program stumbled may be a person's.
UPDATE cases SET robot = unanswered
    WHERE unanswered IS NOT NULL AND unanswered NOT LIKE '%`triaged case acknowledge`%'
      AND kind <> 'unreadable';

CREATE TABLE calendars (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    zone         TEXT    NOT NULL,
    working_days TEXT    NOT NULL,
    holidays     TEXT    NOT NULL
) STRICT;

-- Version 1 kept no calendar: its dates stand, and are explained in UTC until `policy apply`.
INSERT INTO calendars (digest, zone, working_days, holidays)
    VALUES (zeroblob(32), 'UTC', '[true,true,true,true,true,false,false]', '[]');

CREATE TABLE pauses (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id    INTEGER NOT NULL REFERENCES cases (id),
    paused_at  INTEGER NOT NULL,
    resumed_at INTEGER
) STRICT;

CREATE INDEX pauses_by_case ON pauses (case_id);

CREATE TABLE deadlines_2 (
    case_id        INTEGER NOT NULL REFERENCES cases (id),
    kind           TEXT    NOT NULL CHECK (kind IN ('acknowledge', 'triage', 'update', 'remediate', 'disclose',
                                                    'early_warning', 'notification', 'final_report')),
    span           TEXT    NOT NULL,
    policy_version TEXT    NOT NULL,
    calendar_id    INTEGER NOT NULL REFERENCES calendars (id),
    starts_at      INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    half_at        INTEGER NOT NULL,
    warn_at        INTEGER NOT NULL,
    met_at         INTEGER,
    waived_at      INTEGER,
    waived_because TEXT             CHECK (waived_because IN ('closed', 'moot', 'policy')),
    paused_at      INTEGER,
    half_told_at   INTEGER,
    warned_at      INTEGER,
    missed_told_at INTEGER,
    PRIMARY KEY (case_id, kind)
) STRICT;

INSERT INTO deadlines_2 (case_id, kind, span, policy_version, calendar_id, starts_at, due_at,
                         half_at, warn_at, met_at, waived_at, paused_at)
    SELECT case_id, kind, span, policy_version, (SELECT id FROM calendars), starts_at, due_at,
           starts_at + (due_at - starts_at) / 2, starts_at + (due_at - starts_at) * 4 / 5,
           met_at, waived_at, paused_at
    FROM deadlines ORDER BY rowid;

DROP TABLE deadlines;
ALTER TABLE deadlines_2 RENAME TO deadlines;

CREATE INDEX deadlines_by_warning ON deadlines (warn_at)
    WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL AND missed_told_at IS NULL;

CREATE TABLE alarms (
    case_id    INTEGER NOT NULL PRIMARY KEY REFERENCES cases (id),
    arrived_at INTEGER NOT NULL,
    told_at    INTEGER
) STRICT;

ALTER TABLE outbox ADD COLUMN meets TEXT;
ALTER TABLE outbox ADD COLUMN audience TEXT NOT NULL DEFAULT 'reporter'
    CHECK (audience IN ('reporter', 'team'));
ALTER TABLE outbox ADD COLUMN bounced_at INTEGER;

CREATE INDEX outbox_to_team ON outbox (recipient, created_at) WHERE audience = 'team';
