-- From version 2 to 3: certificates that the team pinned; alerts before keys expire.

CREATE TABLE certificates_3 (
    email         TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    bytes         BLOB    NOT NULL,
    learned       INTEGER NOT NULL CHECK (learned IN (0, 1, 2, 3)),
    unpinned      INTEGER          CHECK (unpinned IN (0, 1, 2)),
    speaks_since  INTEGER,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (email, fingerprint)
) STRICT;

INSERT INTO certificates_3 (email, fingerprint, bytes, learned, first_seen_at, last_seen_at)
    SELECT email, fingerprint, bytes, learned, first_seen_at, last_seen_at
    FROM certificates ORDER BY rowid;

DROP TABLE certificates;
ALTER TABLE certificates_3 RENAME TO certificates;
CREATE INDEX certificates_by_fingerprint ON certificates (fingerprint);

-- What was best known until now is the key of its address.
UPDATE certificates SET speaks_since = first_seen_at
    WHERE rowid = (SELECT best.rowid FROM certificates AS best
                   WHERE best.email = certificates.email
                   ORDER BY best.learned DESC, best.first_seen_at, best.rowid LIMIT 1);

CREATE TABLE key_alerts (
    fingerprint TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    days        INTEGER NOT NULL,
    told_at     INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, expires_at, days)
) STRICT, WITHOUT ROWID;
