-- The same tables as in SQLite, so that their statements (src/store/statements.rs) and rows can be shared and moved. Names
-- of chains and accounts compare byte by byte there, whatever the language of this database.

CREATE TABLE accounts (
    id              BYTEA   NOT NULL PRIMARY KEY,
    username        TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name    TEXT    NOT NULL,
    password_hash   TEXT,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'disabled')),
    ever_had_device BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL
);

CREATE TABLE devices (
    id           BYTEA  NOT NULL PRIMARY KEY,
    account      BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    kind         TEXT   NOT NULL CHECK (kind IN ('linux', 'macos', 'windows', 'other')),
    key_jwk      TEXT   NOT NULL,
    thumbprint   BYTEA  NOT NULL,
    token_hash   BYTEA  NOT NULL UNIQUE,
    enrolled_by  TEXT   NOT NULL CHECK (enrolled_by IN ('code', 'password')),
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    revoked_at   BIGINT
);
CREATE INDEX devices_by_account ON devices (account);

-- used_by is a key's thumbprint; device is set with it.
CREATE TABLE enrolments (
    code_hash  BYTEA  NOT NULL PRIMARY KEY,
    account    BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    made_by    BYTEA  REFERENCES devices (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_by    BYTEA,
    used_at    BIGINT,
    device     BYTEA
);
CREATE INDEX enrolments_by_account ON enrolments (account);
CREATE INDEX enrolments_by_maker ON enrolments (made_by);

CREATE TABLE decisions (
    ticket     BYTEA   NOT NULL PRIMARY KEY,
    request    BYTEA   NOT NULL,
    device     BYTEA   NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    account    BYTEA   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    decision   TEXT    NOT NULL CHECK (decision IN ('approve', 'deny', 'report', 'wrong_numbers')),
    context    BYTEA   NOT NULL,
    statement  TEXT    NOT NULL,
    decided_at BIGINT  NOT NULL,
    withdrawn  BOOLEAN NOT NULL
);
CREATE INDEX decisions_by_account ON decisions (account, decided_at);
CREATE INDEX decisions_by_device ON decisions (device);
CREATE INDEX decisions_by_age ON decisions (decided_at);

CREATE TABLE sessions (
    id                  BYTEA  NOT NULL PRIMARY KEY,
    request             BYTEA  NOT NULL UNIQUE,
    ticket              BYTEA  NOT NULL,
    account             BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device              BYTEA  NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    kind                TEXT   NOT NULL CHECK (kind IN ('linked', 'independent')),
    token_hash          BYTEA  NOT NULL,
    token_issued_at     BIGINT NOT NULL,
    previous_token_hash BYTEA,
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
    session    BYTEA NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    thumbprint BYTEA NOT NULL,
    PRIMARY KEY (session, thumbprint)
);
CREATE INDEX session_keys_by_key ON session_keys (thumbprint);

-- Page keys of sessions whose rows are gone.
CREATE TABLE known_keys (
    account    BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    thumbprint BYTEA  NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (account, thumbprint)
);
CREATE INDEX known_keys_by_age ON known_keys (last_at);

-- No reference to accounts: a chain outlives its account.
CREATE TABLE audit (
    chain TEXT COLLATE "C" NOT NULL,
    seq   BIGINT NOT NULL,
    at    BIGINT NOT NULL,
    kind  TEXT   NOT NULL,
    body  TEXT   NOT NULL,
    hash  BYTEA  NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_by_age ON audit (at);

-- The last entry that retention took away from a chain: what its first kept entry follows.
CREATE TABLE chain_starts (
    chain TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL,
    hash  BYTEA  NOT NULL
);

-- How far the anchor chain covers each chain.
CREATE TABLE anchored (
    chain TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL
);

-- One-time codes for whoever has lost the only device. used_by is a key's thumbprint; device is set with it. A used row
-- stays until codes are made anew, so that a lost reply can be repeated.
CREATE TABLE recovery_codes (
    code_hash BYTEA  NOT NULL PRIMARY KEY,
    account   BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    made_by   BYTEA  REFERENCES devices (id) ON DELETE SET NULL,
    made_at   BIGINT NOT NULL,
    used_by   BYTEA,
    used_at   BIGINT,
    device    BYTEA
);
CREATE INDEX recovery_codes_by_account ON recovery_codes (account);
CREATE INDEX recovery_codes_by_maker ON recovery_codes (made_by);
