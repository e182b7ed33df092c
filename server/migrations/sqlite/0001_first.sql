-- Ids and hashes are raw bytes, moments are Unix seconds. Statements that use these tables are in
-- src/store/statements.rs and keep to what SQLite and PostgreSQL share.

CREATE TABLE accounts (
    id              BLOB    NOT NULL PRIMARY KEY,
    username        TEXT    NOT NULL UNIQUE,
    display_name    TEXT    NOT NULL,
    password_hash   TEXT,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'disabled')),
    ever_had_device BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL
);

CREATE TABLE devices (
    id           BLOB   NOT NULL PRIMARY KEY,
    account      BLOB   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    kind         TEXT   NOT NULL CHECK (kind IN ('linux', 'macos', 'windows', 'other')),
    key_jwk      TEXT   NOT NULL,
    thumbprint   BLOB   NOT NULL,
    token_hash   BLOB   NOT NULL UNIQUE,
    enrolled_by  TEXT   NOT NULL CHECK (enrolled_by IN ('code', 'password')),
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    revoked_at   BIGINT
);
CREATE INDEX devices_by_account ON devices (account);

-- used_by is a key's thumbprint; device is set with it.
CREATE TABLE enrolments (
    code_hash  BLOB   NOT NULL PRIMARY KEY,
    account    BLOB   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    made_by    BLOB   REFERENCES devices (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_by    BLOB,
    used_at    BIGINT,
    device     BLOB
);
CREATE INDEX enrolments_by_account ON enrolments (account);
CREATE INDEX enrolments_by_maker ON enrolments (made_by);

CREATE TABLE decisions (
    ticket     BLOB    NOT NULL PRIMARY KEY,
    request    BLOB    NOT NULL,
    device     BLOB    NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    account    BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    decision   TEXT    NOT NULL CHECK (decision IN ('approve', 'deny', 'report', 'wrong_numbers')),
    context    BLOB    NOT NULL,
    statement  TEXT    NOT NULL,
    decided_at BIGINT  NOT NULL,
    withdrawn  BOOLEAN NOT NULL
);
CREATE INDEX decisions_by_account ON decisions (account, decided_at);
CREATE INDEX decisions_by_device ON decisions (device);
CREATE INDEX decisions_by_age ON decisions (decided_at);

CREATE TABLE sessions (
    id                  BLOB   NOT NULL PRIMARY KEY,
    request             BLOB   NOT NULL UNIQUE,
    ticket              BLOB   NOT NULL,
    account             BLOB   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device              BLOB   NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    kind                TEXT   NOT NULL CHECK (kind IN ('linked', 'independent')),
    token_hash          BLOB   NOT NULL,
    token_issued_at     BIGINT NOT NULL,
    previous_token_hash BLOB,
    previous_ends_at    BIGINT,
    created_at          BIGINT NOT NULL,
    last_seen_at        BIGINT NOT NULL,
    address             TEXT   NOT NULL,
    browser             TEXT   NOT NULL,
    system              TEXT   NOT NULL,
    ended_at            BIGINT,
    end_reason          TEXT
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_device ON sessions (device);
CREATE INDEX sessions_by_token ON sessions (token_hash);
CREATE INDEX sessions_by_previous_token ON sessions (previous_token_hash) WHERE previous_token_hash IS NOT NULL;
CREATE INDEX sessions_by_use ON sessions (last_seen_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_age ON sessions (created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- A list, so that a browser's device-bound key can join the page's.
CREATE TABLE session_keys (
    session    BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    thumbprint BLOB NOT NULL,
    PRIMARY KEY (session, thumbprint)
);
CREATE INDEX session_keys_by_key ON session_keys (thumbprint);

-- Page keys of sessions whose rows are gone.
CREATE TABLE known_keys (
    account    BLOB   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    thumbprint BLOB   NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (account, thumbprint)
);
CREATE INDEX known_keys_by_age ON known_keys (last_at);

-- No reference to accounts: a chain outlives its account.
CREATE TABLE audit (
    chain TEXT   NOT NULL,
    seq   BIGINT NOT NULL,
    at    BIGINT NOT NULL,
    kind  TEXT   NOT NULL,
    body  TEXT   NOT NULL,
    hash  BLOB   NOT NULL,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
CREATE INDEX audit_by_age ON audit (at);

-- The last entry that retention took away from a chain: what its first kept entry follows.
CREATE TABLE chain_starts (
    chain TEXT   NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL,
    hash  BLOB   NOT NULL
);

-- How far the anchor chain covers each chain.
CREATE TABLE anchored (
    chain TEXT   NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL
);
