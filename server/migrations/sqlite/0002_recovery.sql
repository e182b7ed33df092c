-- One-time codes for whoever has lost the only device. used_by is a key's thumbprint; device is set with it. A used row
-- stays until codes are made anew, so that a lost reply can be repeated.
CREATE TABLE recovery_codes (
    code_hash BLOB   NOT NULL PRIMARY KEY,
    account   BLOB   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    made_by   BLOB   REFERENCES devices (id) ON DELETE SET NULL,
    made_at   BIGINT NOT NULL,
    used_by   BLOB,
    used_at   BIGINT,
    device    BLOB
);
CREATE INDEX recovery_codes_by_account ON recovery_codes (account);
CREATE INDEX recovery_codes_by_maker ON recovery_codes (made_by);
