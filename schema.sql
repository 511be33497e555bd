-- The whole current schema of a triaged database; makes new ones.
-- Every time is in Unix seconds, UTC. Every address is lower case.
-- The file is encrypted with SQLCipher, so text that came encrypted may lie here.

-- One vulnerability report, or question, and all that follows from it.
CREATE TABLE cases (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT, -- never leaves this database
    number             TEXT    NOT NULL UNIQUE, -- SEC-2026-0001, what people call it
    status             TEXT    NOT NULL CHECK (status IN ('new', 'accepted', 'fixed', 'disclosed', 'closed')),
    close_reason       TEXT,                    -- why it was closed; NULL while it is open
    kind               TEXT    NOT NULL,        -- of the mail that opened it: report, question, unreadable..
    severity           TEXT             CHECK (severity IN ('critical', 'high', 'medium', 'low')), -- set by a person
    suggested_severity TEXT             CHECK (suggested_severity IN ('critical', 'high', 'medium', 'low')), -- read from the report
    reporter_name      TEXT,                    -- as the first mail says
    reporter_email     TEXT,                    -- NULL where the first mail has no usable sender
    subject            TEXT    NOT NULL,        -- decoded; the protected one where there was one
    received_at        INTEGER NOT NULL,        -- receipt of the first mail: what deadlines run from
    opened_at          INTEGER NOT NULL,        -- when it was recorded
    assignee           TEXT,                    -- team member
    duplicate_of       INTEGER          REFERENCES cases (id),
    unanswered         TEXT,                    -- why its first mail got no automatic answer; NULL: it got one
    robot              TEXT,                    -- the sign by which a program wrote its first mail: nobody writes back; NULL: a person did
    language           TEXT,                    -- of the reporter's own words, where it was sure: en, de..
    missing            TEXT    NOT NULL DEFAULT '[]', -- JSON array: what the first mail lacks
    status_before      TEXT             CHECK (status_before IN ('new', 'accepted', 'fixed', 'disclosed')), -- of a closed case
    fixed_at           INTEGER,                 -- start of the day on which the fix shipped
    disclose_at        INTEGER,                 -- start of the day of publication, planned or past
    heads_up_at        INTEGER,                 -- when the reporter was told of that day
    exploited_at       INTEGER,                 -- when exploitation became known
    credit             TEXT             CHECK (credit IN ('yes', 'no')), -- may the reporter be named; NULL: not asked or not answered
    credit_name        TEXT,                    -- as the reporter wants to be called
    credit_link        TEXT,
    token              TEXT,                    -- note of the team: token of appreciation
    reward             TEXT,                    -- note of the team: discretionary reward
    -- What a list shows beside, kept by triggers: it reads one row for each case.
    messages           INTEGER NOT NULL DEFAULT 0, -- how many
    label_names        TEXT    NOT NULL DEFAULT '[]', -- JSON array, in the order in which they came
    clocks             TEXT    NOT NULL DEFAULT '[]'  -- JSON array of [kind, due_at, met_at, waived_at, paused_at], likewise
) STRICT;

-- What the board counts: cases in a state, and those of some time.
CREATE INDEX cases_by_status ON cases (status, received_at, fixed_at);
CREATE INDEX cases_by_receipt ON cases (received_at);
CREATE INDEX cases_by_opening ON cases (opened_at);
CREATE INDEX cases_by_fix ON cases (fixed_at) WHERE fixed_at IS NOT NULL;
CREATE INDEX cases_by_disclosure ON cases (disclose_at)
    WHERE disclose_at IS NOT NULL AND status IN ('new', 'accepted', 'fixed');

-- Of a case its later reports.
CREATE INDEX cases_by_first ON cases (duplicate_of) WHERE duplicate_of IS NOT NULL;

-- The last case number given out in each year; numbers are never used again.
CREATE TABLE case_numbers (
    year INTEGER NOT NULL PRIMARY KEY, -- civil year in the policy's time zone
    last INTEGER NOT NULL
) STRICT;

-- Why a case is seen as what it is.
CREATE TABLE labels (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    label   TEXT    NOT NULL,
    because TEXT    NOT NULL, -- the evidence, in words
    PRIMARY KEY (case_id, label)
) STRICT;

-- Who may write to a case by naming it.
CREATE TABLE participants (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    email   TEXT    NOT NULL,
    PRIMARY KEY (case_id, email)
) STRICT, WITHOUT ROWID;

-- In which cases somebody takes part.
CREATE INDEX participants_by_email ON participants (email);

-- Every mail in and out.
CREATE TABLE messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id        INTEGER          REFERENCES cases (id), -- NULL: concerns no case
    direction      TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    kind           TEXT    NOT NULL, -- in: report, reply, bounce..; out: the name of the letter
    digest         BLOB    NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the bytes; of a too large mail, of its header block and size
    size           INTEGER NOT NULL, -- bytes as received or composed
    received_at    INTEGER NOT NULL, -- in: INTERNALDATE or the like; out: when it was composed
    recorded_at    INTEGER NOT NULL,
    message_id     TEXT,             -- without brackets; chosen by the sender, so never an identity
    date           INTEGER,          -- what the sender's program claims
    from_name      TEXT,
    from_email     TEXT,
    to_emails      TEXT    NOT NULL, -- JSON array
    subject        TEXT    NOT NULL,
    text           TEXT    NOT NULL, -- as a person reads it, decrypted
    encrypted      INTEGER NOT NULL CHECK (encrypted IN (0, 1)),
    decrypted      INTEGER NOT NULL CHECK (decrypted IN (0, 1)),
    failure        TEXT,             -- class of the first OpenPGP failure
    lane           TEXT             CHECK (lane IN ('inbox', 'junk')), -- NULL for outgoing
    not_answered   TEXT,             -- in: why no automatic answer went out
    comparable     BLOB,             -- in: digest of the normalised text, finds the same report sent again
    sketch         BLOB              -- in: MinHash of the text (256 bytes), says how alike two texts are
) STRICT;

CREATE UNIQUE INDEX messages_by_digest ON messages (digest) WHERE direction = 'in';
CREATE INDEX messages_by_case ON messages (case_id, received_at);
CREATE INDEX messages_by_message_id ON messages (message_id);
CREATE INDEX messages_by_comparable ON messages (comparable) WHERE comparable IS NOT NULL;

-- What opened no case or was written by a program; and what could not be read.
CREATE INDEX messages_of_noise ON messages (recorded_at)
    WHERE direction = 'in' AND kind <> 'team_command'
      AND (case_id IS NULL OR kind IN ('bounce', 'auto_reply', 'spam'));
CREATE INDEX messages_unread ON messages (recorded_at)
    WHERE direction = 'in' AND (kind = 'unreadable' OR (failure IS NOT NULL AND decrypted = 0));

-- The bytes of each mail, untouched; apart, so that lists do not drag them along.
CREATE TABLE raw_mails (
    message_id INTEGER NOT NULL PRIMARY KEY REFERENCES messages (id),
    bytes      BLOB    NOT NULL -- of a too large mail, its header block alone
) STRICT;

CREATE TABLE attachments (
    message_id INTEGER NOT NULL REFERENCES messages (id),
    position   INTEGER NOT NULL, -- from 0
    name       TEXT    NOT NULL, -- made safe
    media_type TEXT    NOT NULL,
    size       INTEGER NOT NULL, -- bytes, decoded
    digest     BLOB    NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the decoded bytes
    PRIMARY KEY (message_id, position)
) STRICT;

CREATE TABLE signatures (
    message_id  INTEGER NOT NULL REFERENCES messages (id),
    position    INTEGER NOT NULL, -- from 0
    status      TEXT    NOT NULL CHECK (status IN ('good', 'bad', 'unknown_key', 'expired_key', 'revoked_key')),
    fingerprint TEXT,             -- upper-case hex
    covers      TEXT    NOT NULL CHECK (covers IN ('all', 'part')),
    PRIMARY KEY (message_id, position)
) STRICT;

-- MinHash bands of the text of each mail that opened a case: near-duplicates share one.
-- Sixteen rows for a mail, so they lie in one tree, in the order in which they are looked up.
CREATE TABLE sketches (
    band       INTEGER NOT NULL, -- from 0
    hash       INTEGER NOT NULL,
    message_id INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (band, hash, message_id)
) STRICT, WITHOUT ROWID;

-- What cases may be known again by: a CVE, host and path, a file.
CREATE TABLE marks (
    kind    TEXT    NOT NULL CHECK (kind IN ('cve', 'place', 'file')),
    hash    BLOB    NOT NULL CHECK (length(hash) = 8), -- beginning of the SHA-256 of a file's bytes, else of what is compared
    case_id INTEGER NOT NULL REFERENCES cases (id),
    PRIMARY KEY (kind, hash, case_id)
) STRICT, WITHOUT ROWID;

-- Certificates that came with mail, by the address that they were seen with and that they name.
CREATE TABLE certificates (
    email         TEXT    NOT NULL, -- From of the mail that brought it
    fingerprint   TEXT    NOT NULL, -- upper-case hex
    bytes         BLOB    NOT NULL, -- binary, public parts alone; all copies seen, put together
    learned       INTEGER NOT NULL CHECK (learned IN (0, 1, 2, 3)), -- what speaks best for it, the highest first: 3 the team pinned it; 2 its domain's Web Key Directory has it, or it came with, or signed, a mail that our server found authentic; 1 it signed a mail from there; 0 it came along
    unpinned      INTEGER          CHECK (unpinned IN (0, 1, 2)), -- of a pinned one, what speaks for it beside; NULL: nothing, it is forgotten with the pin
    speaks_since  INTEGER,         -- it is the key of the address; NULL: another one is
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (email, fingerprint)
) STRICT;

-- A revocation counts whoever brings it.
CREATE INDEX certificates_by_fingerprint ON certificates (fingerprint);

-- The calendars that deadlines were computed in, so that each can be explained later.
CREATE TABLE calendars (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of the other columns
    zone         TEXT    NOT NULL, -- IANA name
    working_days TEXT    NOT NULL, -- JSON array of seven booleans, Monday first
    holidays     TEXT    NOT NULL  -- JSON array of dates
) STRICT;

-- While we wait for the reporter, some deadlines stand still.
CREATE TABLE pauses (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id    INTEGER NOT NULL REFERENCES cases (id),
    paused_at  INTEGER NOT NULL,
    resumed_at INTEGER           -- NULL: it lasts
) STRICT;

CREATE INDEX pauses_by_case ON pauses (case_id);
CREATE INDEX pauses_that_last ON pauses (paused_at) WHERE resumed_at IS NULL;

-- One instant that one case was promised.
CREATE TABLE deadlines (
    case_id        INTEGER NOT NULL REFERENCES cases (id),
    kind           TEXT    NOT NULL CHECK (kind IN ('acknowledge', 'triage', 'update', 'remediate', 'disclose',
                                                    'early_warning', 'notification', 'final_report')),
    span           TEXT    NOT NULL, -- the policy's words: 5 business days
    policy_version TEXT    NOT NULL, -- the policy that it was computed from
    calendar_id    INTEGER NOT NULL REFERENCES calendars (id), -- and its calendar
    starts_at      INTEGER NOT NULL,
    due_at         INTEGER NOT NULL, -- pauses that are over are counted in
    half_at        INTEGER NOT NULL, -- when 50 percent of it have passed
    warn_at        INTEGER NOT NULL, -- 80 percent
    met_at         INTEGER,
    waived_at      INTEGER,
    waived_because TEXT             CHECK (waived_because IN ('closed', 'moot', 'policy')), -- with its case; by a step of the case; the policy promises it no more
    paused_at      INTEGER,          -- it stands still since then
    half_told_at   INTEGER,          -- in a digest
    warned_at      INTEGER,          -- the mail at 80 percent was committed
    missed_told_at INTEGER,          -- the one at 100 percent
    PRIMARY KEY (case_id, kind)
) STRICT;

-- What the clock looks for every few seconds: 80 percent pass before 100 do.
CREATE INDEX deadlines_by_warning ON deadlines (warn_at)
    WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL AND missed_told_at IS NULL;

-- Clocks that run, and those that were due within some time.
CREATE INDEX deadlines_that_run ON deadlines (due_at, warn_at, half_at, half_told_at)
    WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL;
CREATE INDEX deadlines_by_due ON deadlines (due_at, kind, met_at, waived_at, paused_at);

-- Words of people to reporters, and when the `update` deadline that each of them settled was due:
-- that deadline begins anew with the word and forgets it.
CREATE TABLE updates (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    told_at INTEGER NOT NULL, -- when the letter left
    due_at  INTEGER NOT NULL, -- when it was due
    PRIMARY KEY (case_id, told_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX updates_by_due ON updates (due_at, told_at);

-- A mail of the case says that the weakness is exploited already: the team hears of it at once.
CREATE TABLE alarms (
    case_id    INTEGER NOT NULL PRIMARY KEY REFERENCES cases (id),
    arrived_at INTEGER NOT NULL, -- receipt of the first such mail: from then on we may be said to know
    told_at    INTEGER
) STRICT;

-- What the team was told of keys and certificates that expire: each threshold once.
CREATE TABLE key_alerts (
    fingerprint TEXT    NOT NULL, -- of the primary key or subkey, upper-case hex
    expires_at  INTEGER NOT NULL, -- a renewed key is another matter
    days        INTEGER NOT NULL, -- the threshold: 60, 30, 14, 7, or 0 when it has expired
    told_at     INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, expires_at, days)
) STRICT, WITHOUT ROWID;

-- What the team is to hear at once: written with what it tells of, told by the clock.
CREATE TABLE tidings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('report', 'follow_up', 'unreadable', 'undeliverable', 'refused')),
    case_id    INTEGER          REFERENCES cases (id),    -- NULL: concerns no case
    message_id INTEGER          REFERENCES messages (id), -- the mail that came, or the letter that does not arrive
    because    TEXT,             -- report: why its severity is suggested; undeliverable: the server's words; unreadable: why it was not handled; refused: who tried what
    arose_at   INTEGER NOT NULL,
    told_at    INTEGER,          -- NULL: nobody was told yet
    paced      INTEGER           -- 1: so many came that it waited for the mail that told it
) STRICT;

CREATE INDEX tidings_untold ON tidings (kind, id) WHERE told_at IS NULL;
CREATE INDEX tidings_told ON tidings (kind, told_at) WHERE told_at IS NOT NULL;

-- Mails with commands that were taken up, whatever came of them: none works twice. All three are
-- under the signature, so that nobody can give the same words another name.
CREATE TABLE command_mails (
    signer    TEXT    NOT NULL, -- fingerprint of the primary key, upper-case hex
    signed_at INTEGER NOT NULL, -- what the signature says
    digest    BLOB    NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the hash that is signed
    used_at   INTEGER NOT NULL,
    PRIMARY KEY (signer, signed_at, digest)
) STRICT, WITHOUT ROWID;

-- Committed, unsent words, and what became of them. The bytes are in raw_mails and never change.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id    INTEGER NOT NULL UNIQUE REFERENCES messages (id),
    recipient     TEXT    NOT NULL, -- lower case
    mailbox       TEXT    NOT NULL, -- of the recipient, one name for all its spellings: what the cap per address counts
    domain        TEXT    NOT NULL, -- of the mailbox, in A-labels
    envelope_from TEXT,             -- NULL: <> (RFC 3834)
    automatic     INTEGER NOT NULL CHECK (automatic IN (0, 1)), -- counts toward the caps
    acknowledges  INTEGER NOT NULL CHECK (acknowledges IN (0, 1)), -- meets the acknowledge deadline of its case
    meets         TEXT, -- the deadline that is met once it was accepted or is known undeliverable: triage
    audience      TEXT    NOT NULL DEFAULT 'reporter' CHECK (audience IN ('reporter', 'team')),
    attaches_key  INTEGER NOT NULL CHECK (attaches_key IN (0, 1)),
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'sending', 'held', 'sent', 'failed', 'merged')),
    created_at    INTEGER NOT NULL,
    next_at       INTEGER NOT NULL, -- not before
    attempts      INTEGER NOT NULL DEFAULT 0, -- counted before each begins
    first_attempt_at INTEGER,       -- what the five days are counted from; NULL: it was never due and free to go
    uncertain     INTEGER NOT NULL DEFAULT 0, -- attempts whose final dot was written and whose answer never came
    cut_short     INTEGER NOT NULL DEFAULT 0, -- attempts during which the program died or was stopped
    broken_off    INTEGER NOT NULL DEFAULT 0, -- times the server broke off at this letter before it had judged it
    last_error    TEXT,             -- the server's words
    sent_at       INTEGER,          -- when the server accepted it
    bounced_at    INTEGER,          -- when it came back all the same
    merged_into   INTEGER          REFERENCES outbox (id), -- one letter went for several held answers
    certificate   BLOB              -- that it is encrypted to; NULL: in clear. The last: it is long, and seldom read
) STRICT;

CREATE INDEX outbox_by_due ON outbox (state, next_at);
CREATE INDEX outbox_to_team ON outbox (recipient, created_at) WHERE audience = 'team';
CREATE INDEX outbox_by_merged ON outbox (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX outbox_that_bounced ON outbox (bounced_at) WHERE bounced_at IS NOT NULL;

-- Each copy of an automatic letter that left us, accepted or perhaps accepted: what the caps count.
CREATE TABLE copies (
    outbox_id INTEGER NOT NULL REFERENCES outbox (id),
    mailbox   TEXT    NOT NULL, -- as in the outbox
    domain    TEXT    NOT NULL, -- as in the outbox
    left_at   INTEGER NOT NULL  -- when the attempt ended
) STRICT;

CREATE INDEX copies_by_mailbox ON copies (mailbox, left_at);
CREATE INDEX copies_by_domain ON copies (domain, left_at);
CREATE INDEX copies_by_time ON copies (left_at);

-- Where each recorded mail lay. The same bytes may have lain in several places.
CREATE TABLE origins (
    mailbox    TEXT    NOT NULL, -- user and server, or the Maildir's path
    folder     TEXT    NOT NULL,
    validity   INTEGER NOT NULL, -- UIDVALIDITY
    uid        TEXT    NOT NULL, -- UID, or the unique part of a Maildir file name
    size       INTEGER NOT NULL, -- as the server told it: it may give the UID to another mail
    arrived_at INTEGER NOT NULL, -- likewise
    message_id INTEGER NOT NULL REFERENCES messages (id),
    filed_at   INTEGER,          -- moved or marked; NULL: still to be done
    PRIMARY KEY (mailbox, folder, validity, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX origins_unfiled ON origins (mailbox, folder) WHERE filed_at IS NULL;
CREATE INDEX origins_by_message ON origins (message_id);

-- How far each folder was read: everything up to this UID is recorded or gone.
CREATE TABLE cursors (
    mailbox  TEXT    NOT NULL,
    folder   TEXT    NOT NULL,
    validity INTEGER NOT NULL,
    uid      INTEGER NOT NULL,
    PRIMARY KEY (mailbox, folder)
) STRICT;

-- Mails in hand: written before a mail is fetched and opened, gone once it is recorded. What a
-- crash leaves here is opened alone next time, and after too many crashes recorded unopened.
CREATE TABLE intake_attempts (
    mailbox  TEXT    NOT NULL,
    folder   TEXT    NOT NULL,
    validity INTEGER NOT NULL,
    uid      TEXT    NOT NULL,
    attempts INTEGER NOT NULL, -- begun and never ended: the program died
    refusals INTEGER NOT NULL DEFAULT 0, -- the server did not give it
    next_at  INTEGER NOT NULL, -- not before; the pauses grow with the refusals
    error    TEXT,             -- of the last refusal
    PRIMARY KEY (mailbox, folder, validity, uid)
) STRICT;

-- The audit chain. hash = SHA-256 over the other columns and the hash of the row before.
-- A row holds no personal text: that is in event_details, which may be erased.
CREATE TABLE events (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- without gaps, from 1
    at            INTEGER NOT NULL,
    actor         TEXT    NOT NULL, -- daemon, reporter, member, unix
    action        TEXT    NOT NULL,
    case_id       INTEGER          REFERENCES cases (id),
    detail_digest BLOB    NOT NULL CHECK (length(detail_digest) = 32), -- SHA-256 of salt and detail
    hash          BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX events_by_case ON events (case_id);
CREATE INDEX events_refused ON events (at) WHERE action = 'command_refused';

-- When a case was decided on.
CREATE INDEX events_of_decisions ON events (case_id, at, action)
    WHERE action IN ('accepted', 'rejected', 'duplicate', 'closed', 'fixed', 'disclosed');

CREATE TABLE event_details (
    event_id INTEGER NOT NULL PRIMARY KEY REFERENCES events (id),
    salt     BLOB    NOT NULL CHECK (length(salt) = 16),
    detail   TEXT    NOT NULL -- JSON object; "by" names the person behind the actor
) STRICT;

-- The newest row of the chain, so that a chain cut short at its end is seen.
CREATE TABLE audit_head (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    event_id INTEGER NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Small facts of the daemon, all of them instants: last_good_poll_at..
CREATE TABLE facts (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- What lists show of a case beside its own columns. Labels are never taken away, nor changed.
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
