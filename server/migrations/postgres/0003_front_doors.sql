-- What the standard front doors keep: OpenID Connect, the device grant, forward auth. Lists and policies are JSON.

ALTER TABLE accounts ADD COLUMN email TEXT;
ALTER TABLE accounts ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';
-- Whether the authenticator verified its person for the approval.
ALTER TABLE sessions ADD COLUMN verified BOOLEAN NOT NULL DEFAULT FALSE;

-- Without a secret: a public one. Clients of the settings have no row.
CREATE TABLE clients (
    id                        TEXT    NOT NULL PRIMARY KEY,
    name                      TEXT    NOT NULL,
    secret_hash               BYTEA,
    previous_secret_hash      BYTEA,
    previous_ends_at          BIGINT,
    redirect_uris             TEXT    NOT NULL,
    post_logout_redirect_uris TEXT    NOT NULL,
    device_grant              BOOLEAN NOT NULL,
    policy                    TEXT    NOT NULL,
    created_at                BIGINT  NOT NULL
);

-- No reference to clients, here and below: those of the settings have no row.
CREATE TABLE consents (
    account  BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client   TEXT   NOT NULL,
    scopes   TEXT   NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (account, client)
);
CREATE INDEX consents_by_client ON consents (client);

-- What an account gave a client in a session. A grant without a code is of a device (RFC 8628).
CREATE TABLE grants (
    id           BYTEA   NOT NULL PRIMARY KEY,
    client       TEXT    NOT NULL,
    client_name  TEXT    NOT NULL,
    account      BYTEA   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    session      BYTEA   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    scopes       TEXT    NOT NULL,
    nonce        TEXT,
    verified     BOOLEAN NOT NULL,
    dpop         BYTEA,
    code_hash    BYTEA   UNIQUE,
    redirect_uri TEXT,
    challenge    TEXT,
    code_ends_at BIGINT,
    code_used_at BIGINT,
    created_at   BIGINT  NOT NULL,
    ends_at      BIGINT  NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX grants_by_session ON grants (session, client);
CREATE INDEX grants_by_account ON grants (account);
CREATE INDEX grants_by_client ON grants (client);
CREATE INDEX grants_by_life ON grants (ends_at);
CREATE INDEX grants_by_end ON grants (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX grants_by_unused_code ON grants (code_ends_at) WHERE code_used_at IS NULL AND code_ends_at IS NOT NULL;

-- Used ones stay for a while, so that a second use shows.
CREATE TABLE refresh_tokens (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    grant_id   BYTEA  NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    successor  BYTEA
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_use ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;

-- Private halves are sealed by the server key.
CREATE TABLE signing_keys (
    kid        TEXT   NOT NULL PRIMARY KEY,
    alg        TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    public_jwk TEXT   NOT NULL,
    used_from  BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
