-- Sites that want to hear when a grant is over (OpenID Connect Back-Channel Logout 1.0). A row stays until its site was
-- told, also when grant, session and account are gone: nothing is referred to. next_at is when the site may be told again.
CREATE TABLE logouts (
    grant_id BYTEA  NOT NULL PRIMARY KEY,
    client   TEXT   NOT NULL,
    account  BYTEA  NOT NULL,
    tries    BIGINT NOT NULL,
    next_at  BIGINT NOT NULL
);
CREATE INDEX logouts_by_account ON logouts (account);
