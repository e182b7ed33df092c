//! Every statement, in the subset that SQLite and PostgreSQL share: `$1`, BIGINT seconds, RETURNING, ON CONFLICT.
//!
//! A statement that changes something names the state that it expects, so that of two nodes one finds nothing to do.

macro_rules! account_columns {
    () => {
        "a.id AS account_id, a.username, a.display_name, a.password_hash, a.state, a.ever_had_device, \
         a.created_at AS account_created_at, a.email, a.groups"
    };
}

macro_rules! device_columns {
    () => {
        "v.id AS device_id, v.account AS device_account, v.name AS device_name, v.kind AS device_kind, v.key_jwk, \
         v.created_at AS device_created_at, v.last_seen_at AS device_last_seen_at"
    };
}

macro_rules! session_columns {
    () => {
        "s.id AS session_id, s.request, s.account AS session_account, s.device AS session_device, \
         s.kind AS session_kind, s.token_hash, s.token_issued_at, s.previous_ends_at, \
         s.created_at AS session_created_at, s.last_seen_at AS session_last_seen_at, s.address, s.browser, s.system, \
         s.verified AS session_verified"
    };
}

/// `$2`: last moment of use that is too long ago. `$3`: last moment of creation that is too long ago.
macro_rules! session_lives {
    () => {
        "s.ended_at IS NULL AND s.last_seen_at > $2 AND s.created_at > $3 AND a.state = 'active' \
         AND (s.kind = 'independent' OR v.revoked_at IS NULL)"
    };
}

macro_rules! select_session {
    () => {
        concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            account_columns!(),
            ", v.name AS device_name FROM sessions s JOIN accounts a ON a.id = s.account \
             JOIN devices v ON v.id = s.device WHERE "
        )
    };
}

macro_rules! select_holder {
    () => {
        concat!(
            "SELECT ",
            device_columns!(),
            ", ",
            account_columns!(),
            " FROM devices v JOIN accounts a ON a.id = v.account \
             WHERE v.revoked_at IS NULL AND a.state = 'active' AND "
        )
    };
}

macro_rules! grant_columns {
    () => {
        "g.id AS grant_id, g.client, g.client_name, g.scopes, g.nonce, g.verified, g.dpop, \
         g.created_at AS grant_created_at, g.ends_at AS grant_ends_at, g.redirect_uri, g.challenge, g.code_ends_at, \
         g.code_used_at"
    };
}

/// `$4`: this moment; others as in `session_lives`.
macro_rules! select_grant {
    ($joined:literal) => {
        concat!(
            "SELECT ",
            grant_columns!(),
            ", ",
            session_columns!(),
            ", ",
            account_columns!(),
            ", v.name AS device_name FROM grants g ",
            $joined,
            "JOIN sessions s ON s.id = g.session JOIN accounts a ON a.id = s.account \
             JOIN devices v ON v.id = s.device WHERE g.ended_at IS NULL AND g.ends_at > $4 AND ",
            session_lives!(),
            " AND "
        )
    };
}

// Accounts

pub(super) const INSERT_ACCOUNT: &str = "INSERT INTO accounts \
    (id, username, display_name, password_hash, state, ever_had_device, created_at, email, groups) \
    VALUES ($1, $2, $3, $4, 'active', FALSE, $5, $6, $7) ON CONFLICT (username) DO NOTHING RETURNING username";
pub(super) const ACCOUNT: &str = concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.id = $1");
pub(super) const ACCOUNT_BY_NAME: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.username = $1");
pub(super) const ACCOUNTS: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts a ORDER BY a.username");
pub(super) const SET_PASSWORD: &str =
    "UPDATE accounts SET password_hash = $2 WHERE id = $1 RETURNING username";
pub(super) const SET_PROFILE: &str =
    "UPDATE accounts SET email = $2, groups = $3 WHERE id = $1 RETURNING username";
pub(super) const SET_ACCOUNT_STATE: &str =
    "UPDATE accounts SET state = $2 WHERE id = $1 AND state <> $2 RETURNING username";
pub(super) const DELETE_ACCOUNT: &str = "DELETE FROM accounts WHERE id = $1 RETURNING username";
pub(super) const DELETE_UNUSED_ENROLMENTS_OF_ACCOUNT: &str =
    "DELETE FROM enrolments WHERE account = $1 AND used_by IS NULL";

// Enrolment and devices

pub(super) const INSERT_ENROLMENT: &str = "INSERT INTO enrolments (code_hash, account, made_by, expires_at) \
    SELECT $1, a.id, $3, $4 FROM accounts a WHERE a.id = $2 AND a.state = 'active' AND ($3 IS NULL OR EXISTS \
    (SELECT 1 FROM devices v WHERE v.id = $3 AND v.account = a.id AND v.revoked_at IS NULL)) RETURNING account";
/// Uses a link; the account's row is asked for its state and its number of devices at once.
pub(super) const USE_ENROLMENT: &str = "UPDATE enrolments SET used_by = $2, used_at = $3, device = $4 \
    WHERE code_hash = $1 AND used_by IS NULL AND expires_at > $3 \
    AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = enrolments.account AND a.state = 'active') \
    AND (SELECT COUNT(*) FROM devices v WHERE v.account = enrolments.account AND v.revoked_at IS NULL) < $5 \
    RETURNING account";
/// The account of a link that could be used if there were room.
pub(super) const USABLE_ENROLMENT: &str = "SELECT e.account FROM enrolments e JOIN accounts a ON a.id = e.account \
    WHERE e.code_hash = $1 AND e.used_by IS NULL AND e.expires_at > $2 AND a.state = 'active'";
pub(super) const REPEAT_ENROLMENT: &str = "UPDATE devices SET token_hash = $4 WHERE revoked_at IS NULL \
    AND id = (SELECT e.device FROM enrolments e JOIN accounts a ON a.id = e.account \
    WHERE e.code_hash = $1 AND e.used_by = $2 AND e.used_at > $3 AND a.state = 'active') RETURNING id";
pub(super) const REPEAT_PASSWORD: &str = "UPDATE devices SET token_hash = $4 WHERE revoked_at IS NULL \
    AND account = $1 AND thumbprint = $2 AND created_at > $3 AND enrolled_by = 'password' \
    AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = $1 AND a.state = 'active' AND a.password_hash = $5) \
    RETURNING id";
/// Takes the one chance of an account that has never had a device, in the row that others wait for.
pub(super) const USE_PASSWORD: &str = "UPDATE accounts SET ever_had_device = TRUE \
    WHERE id = $1 AND state = 'active' AND password_hash = $2 \
    AND ($3 = 'always' OR ($3 = 'first' AND NOT ever_had_device)) \
    AND (SELECT COUNT(*) FROM devices v WHERE v.account = $1 AND v.revoked_at IS NULL) < $4 RETURNING id";
/// True in its first column when only the number of devices stands against a password.
pub(super) const USABLE_PASSWORD: &str = "SELECT id FROM accounts \
    WHERE id = $1 AND state = 'active' AND password_hash = $2 \
    AND ($3 = 'always' OR ($3 = 'first' AND NOT ever_had_device))";
pub(super) const INSERT_DEVICE: &str = "INSERT INTO devices \
    (id, account, name, kind, key_jwk, thumbprint, token_hash, enrolled_by, created_at, last_seen_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
pub(super) const SET_HAD_DEVICE: &str =
    "UPDATE accounts SET ever_had_device = TRUE WHERE id = $1 AND NOT ever_had_device";
pub(super) const HOLDER_BY_TOKEN: &str = concat!(select_holder!(), "v.token_hash = $1");
pub(super) const HOLDER: &str = concat!(select_holder!(), "v.id = $1");
pub(super) const DEVICES: &str = concat!(
    "SELECT ",
    device_columns!(),
    " FROM devices v WHERE v.account = $1 AND v.revoked_at IS NULL ORDER BY v.created_at, v.id"
);
pub(super) const RENAME_DEVICE: &str =
    "UPDATE devices SET name = $3 WHERE id = $1 AND account = $2 AND revoked_at IS NULL RETURNING name";
pub(super) const REVOKE_DEVICE: &str = "UPDATE devices SET revoked_at = $3 \
    WHERE id = $1 AND account = $2 AND revoked_at IS NULL RETURNING name";
pub(super) const DELETE_RECOVERY_CODES: &str = "DELETE FROM recovery_codes WHERE account = $1";
pub(super) const DELETE_UNUSED_RECOVERY_CODES_OF_DEVICE: &str =
    "DELETE FROM recovery_codes WHERE made_by = $1 AND used_by IS NULL";
pub(super) const INSERT_RECOVERY_CODE: &str =
    "INSERT INTO recovery_codes (code_hash, account, made_by, made_at) VALUES ($1, $2, $3, $4)";
pub(super) const RECOVERY_CODES: &str = "SELECT COUNT(*) - COUNT(c.used_by) AS codes_left, MAX(c.made_at) AS made_at \
    FROM recovery_codes c WHERE c.account = $1";
/// Uses a code; its account is asked for its name, its state and its number of devices at once.
pub(super) const USE_RECOVERY_CODE: &str = "UPDATE recovery_codes SET used_by = $3, used_at = $4, device = $5 \
    WHERE code_hash = $1 AND used_by IS NULL AND account = \
    (SELECT a.id FROM accounts a WHERE a.username = $2 AND a.state = 'active') \
    AND (SELECT COUNT(*) FROM devices v WHERE v.account = recovery_codes.account AND v.revoked_at IS NULL) < $6 \
    RETURNING account";
pub(super) const REPEAT_RECOVERY: &str = "UPDATE devices SET token_hash = $5 WHERE revoked_at IS NULL \
    AND id = (SELECT c.device FROM recovery_codes c JOIN accounts a ON a.id = c.account \
    WHERE c.code_hash = $1 AND a.username = $2 AND c.used_by = $3 AND c.used_at > $4 AND a.state = 'active') \
    RETURNING id";
/// The account of a code that could be used if there were room.
pub(super) const USABLE_RECOVERY_CODE: &str = "SELECT c.account FROM recovery_codes c \
    JOIN accounts a ON a.id = c.account \
    WHERE c.code_hash = $1 AND c.used_by IS NULL AND a.username = $2 AND a.state = 'active'";
pub(super) const DELETE_UNUSED_ENROLMENTS_OF_DEVICE: &str =
    "DELETE FROM enrolments WHERE made_by = $1 AND used_by IS NULL";
pub(super) const TOUCH_DEVICE: &str =
    "UPDATE devices SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";

// Decisions and redeems

pub(super) const INSERT_DECISION: &str = "INSERT INTO decisions \
    (ticket, request, device, account, decision, context, statement, decided_at, withdrawn) \
    SELECT $1, $2, v.id, a.id, $5, $6, $7, $8, FALSE FROM devices v JOIN accounts a ON a.id = v.account \
    WHERE v.id = $3 AND a.id = $4 AND v.revoked_at IS NULL AND a.state = 'active' \
    ON CONFLICT (ticket) DO NOTHING RETURNING ticket";
pub(super) const DECISION: &str = "SELECT ticket, request, device, account, decision, decided_at, withdrawn FROM decisions WHERE ticket = $1";
/// The arbiter of a redeem: `$10` is the last moment of a decision that is too old.
pub(super) const INSERT_SESSION: &str = "INSERT INTO sessions (id, request, ticket, account, device, kind, \
    token_hash, token_issued_at, created_at, last_seen_at, address, browser, system, page_key, verified) \
    SELECT $1, d.request, d.ticket, d.account, d.device, $4, $5, $6, $6, $6, $7, $8, $9, $11, $12 \
    FROM decisions d JOIN accounts a ON a.id = d.account JOIN devices v ON v.id = d.device \
    WHERE d.ticket = $2 AND d.request = $3 AND d.decision = 'approve' AND d.decided_at > $10 AND NOT d.withdrawn \
    AND a.state = 'active' AND v.revoked_at IS NULL \
    ON CONFLICT (request) DO NOTHING RETURNING id";
pub(super) const INSERT_SESSION_KEY: &str = "INSERT INTO session_keys (session, thumbprint) VALUES ($1, $2)";
/// Older sessions of a page key, whoever's they are: one browser profile holds one session.
pub(super) const REPLACE_SESSIONS: &str = "UPDATE sessions SET ended_at = $3, end_reason = 'replaced' \
    WHERE page_key = $2 AND ended_at IS NULL AND id <> $1 \
    RETURNING id, account, browser, system";
/// The session of a request, if `$4` is bound to it and `$5` one of its tokens.
pub(super) const SESSION_BY_REQUEST: &str = concat!(
    select_session!(),
    "s.request = $1 AND ",
    session_lives!(),
    " AND EXISTS (SELECT 1 FROM session_keys k WHERE k.session = s.id AND k.thumbprint = $4) \
     AND (s.token_hash = $5 OR s.previous_token_hash = $5)"
);
/// As [`SESSION_BY_REQUEST`], of a device grant.
pub(super) const KEYLESS_SESSION_BY_REQUEST: &str = concat!(
    select_session!(),
    "s.request = $1 AND ",
    session_lives!(),
    " AND s.page_key IS NULL AND (s.token_hash = $4 OR s.previous_token_hash = $4)"
);
pub(super) const SESSION_OF_REQUEST_IS_KEYLESS: &str =
    "SELECT s.page_key IS NULL FROM sessions s WHERE s.request = $1";
pub(super) const SESSION_OF_REQUEST_HAS_KEY: &str = "SELECT EXISTS (SELECT 1 FROM session_keys k \
    WHERE k.session = s.id AND k.thumbprint = $2) FROM sessions s WHERE s.request = $1";
/// Approvals of an account that no session came of yet.
pub(super) const WITHDRAW_OF_ACCOUNT: &str = "UPDATE decisions SET withdrawn = TRUE \
    WHERE account = $1 AND decided_at > $2 AND decision = 'approve' AND NOT withdrawn \
    AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.request = decisions.request)";
pub(super) const WITHDRAW_OF_DEVICE: &str = "UPDATE decisions SET withdrawn = TRUE \
    WHERE account = $1 AND decided_at > $2 AND device = $3 AND decision = 'approve' AND NOT withdrawn \
    AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.request = decisions.request)";

// Sessions

pub(super) const SESSION: &str = concat!(select_session!(), "s.id = $1 AND ", session_lives!());
/// `$4`: last moment of issue that is too long ago. `$5`: this moment.
pub(super) const SESSION_BY_TOKEN: &str = concat!(
    select_session!(),
    "((s.token_hash = $1 AND s.token_issued_at > $4) OR (s.previous_token_hash = $1 AND s.previous_ends_at > $5)) AND ",
    session_lives!()
);
pub(super) const SESSIONS: &str =
    concat!(select_session!(), "s.account = $1 AND ", session_lives!(), " ORDER BY s.created_at DESC, s.id");
pub(super) const SESSION_HAS_KEY: &str =
    "SELECT EXISTS (SELECT 1 FROM session_keys WHERE session = $1 AND thumbprint = $2)";
/// The token before the newest stays good until `$4`, but never beyond its own end: its issue + `$5`.
pub(super) const REFRESH_SESSION: &str = "UPDATE sessions SET previous_token_hash = token_hash, \
    previous_ends_at = CASE WHEN token_issued_at + $5 < $4 THEN token_issued_at + $5 ELSE $4 END, \
    token_hash = $2, token_issued_at = $3, last_seen_at = $3 WHERE id = $1 AND ended_at IS NULL RETURNING id";
pub(super) const TOUCH_SESSION: &str =
    "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND ended_at IS NULL AND last_seen_at < $2";
pub(super) const END_SESSION: &str = "UPDATE sessions SET ended_at = $3, end_reason = $4 \
    WHERE id = $1 AND account = $2 AND ended_at IS NULL RETURNING id, account, browser, system";
pub(super) const END_SESSIONS_OF_ACCOUNT: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
    WHERE account = $1 AND ended_at IS NULL RETURNING id, account, browser, system";
pub(super) const END_SESSIONS_OF_DEVICE: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
    WHERE device = $1 AND kind = 'linked' AND ended_at IS NULL RETURNING id, account, browser, system";
/// From the key on, which has few sessions; an account may have thousands.
pub(super) const IS_KNOWN_KEY: &str = "SELECT EXISTS (SELECT 1 FROM session_keys k \
    WHERE k.thumbprint = $2 AND (SELECT s.account FROM sessions s WHERE s.id = k.session) = $1) \
    OR EXISTS (SELECT 1 FROM known_keys k WHERE k.account = $1 AND k.thumbprint = $2)";

/// The newest moment of anything: each part has an index, or few rows.
pub(super) const LATEST: &str = "SELECT MAX(m.at) AS at FROM (SELECT MAX(r.at) AS at FROM audit r \
    UNION ALL SELECT MAX(v.last_seen_at) FROM devices v \
    UNION ALL SELECT MAX(s.last_seen_at) FROM sessions s WHERE s.ended_at IS NULL) m";

// Standard front doors

pub(super) const INSERT_CLIENT: &str = "INSERT INTO clients (id, name, secret_hash, redirect_uris, \
    post_logout_redirect_uris, device_grant, policy, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT (id) DO NOTHING RETURNING id";
pub(super) const CLIENT: &str = "SELECT id, name, secret_hash, previous_secret_hash, previous_ends_at, redirect_uris, \
    post_logout_redirect_uris, device_grant, policy, created_at FROM clients WHERE id = $1";
pub(super) const CLIENTS: &str = "SELECT id, name, secret_hash, previous_secret_hash, previous_ends_at, redirect_uris, \
    post_logout_redirect_uris, device_grant, policy, created_at FROM clients ORDER BY name, id";
pub(super) const ROTATE_CLIENT_SECRET: &str = "UPDATE clients SET previous_secret_hash = secret_hash, \
    previous_ends_at = $3, secret_hash = $2 WHERE id = $1 AND secret_hash IS NOT NULL RETURNING id";
pub(super) const DELETE_CLIENT: &str = "DELETE FROM clients WHERE id = $1 RETURNING id";
pub(super) const DELETE_GRANTS_OF_CLIENT: &str = "DELETE FROM grants WHERE client = $1";
pub(super) const DELETE_CONSENTS_OF_CLIENT: &str = "DELETE FROM consents WHERE client = $1";
pub(super) const CONSENT: &str = "SELECT scopes FROM consents WHERE account = $1 AND client = $2";
pub(super) const INSERT_CONSENT: &str = "INSERT INTO consents (account, client, scopes, given_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (account, client) DO NOTHING RETURNING client";
pub(super) const SET_CONSENT: &str =
    "UPDATE consents SET scopes = $3, given_at = $4 WHERE account = $1 AND client = $2";
/// `$1`: the session, `$2` and `$3` as in `session_lives`.
pub(super) const INSERT_GRANT: &str = concat!(
    "INSERT INTO grants (id, client, client_name, account, session, scopes, nonce, verified, dpop, code_hash, \
     redirect_uri, challenge, code_ends_at, created_at, ends_at) \
     SELECT $4, $5, $6, a.id, s.id, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 \
     FROM sessions s JOIN accounts a ON a.id = s.account JOIN devices v ON v.id = s.device \
     WHERE s.id = $1 AND a.id = $7 AND ",
    session_lives!(),
    " ON CONFLICT (id) DO NOTHING RETURNING id"
);
/// Whether a client has another grant since the session began: one that came over from a session before is older.
pub(super) const HAS_GRANT: &str = "SELECT EXISTS (SELECT 1 FROM grants g JOIN sessions s ON s.id = g.session \
    WHERE g.session = $1 AND g.client = $2 AND g.id <> $3 AND g.created_at >= s.created_at)";
pub(super) const GRANT: &str = concat!(select_grant!(""), "g.id = $1");
pub(super) const GRANT_BY_CODE: &str = concat!(select_grant!(""), "g.code_hash = $1");
pub(super) const GRANT_BY_REFRESH: &str =
    concat!(select_grant!("JOIN refresh_tokens r ON r.grant_id = g.id "), "r.token_hash = $1");
pub(super) const USE_CODE: &str = "UPDATE grants SET code_used_at = $2, dpop = COALESCE(dpop, $3) \
    WHERE id = $1 AND code_used_at IS NULL RETURNING id";
pub(super) const INSERT_REFRESH: &str = "INSERT INTO refresh_tokens (token_hash, grant_id, created_at) \
    SELECT $1, g.id, $3 FROM grants g WHERE g.id = $2 AND g.ended_at IS NULL AND g.ends_at > $3 \
    ON CONFLICT (token_hash) DO NOTHING RETURNING grant_id";
pub(super) const HAS_REFRESH: &str = "SELECT EXISTS (SELECT 1 FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id \
    WHERE r.token_hash = $1 AND r.grant_id = $2 AND g.ended_at IS NULL AND g.ends_at > $3)";
pub(super) const REFRESH_TOKEN: &str = "SELECT used_at, successor FROM refresh_tokens WHERE token_hash = $1";
pub(super) const USE_REFRESH: &str = "UPDATE refresh_tokens SET used_at = $2, successor = $3 \
    WHERE token_hash = $1 AND used_at IS NULL RETURNING token_hash";
pub(super) const END_GRANT: &str = "UPDATE grants SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL \
    RETURNING account, session, client, client_name";
/// Grants of a session that `$2` takes the place of.
pub(super) const MOVE_GRANTS: &str = "UPDATE grants SET session = $2 WHERE session = $1 AND ended_at IS NULL";
pub(super) const CLIENTS_IN_USE: &str = "SELECT DISTINCT g.session, g.client_name FROM grants g \
    WHERE g.account = $1 AND g.ended_at IS NULL AND g.ends_at > $2 ORDER BY g.session, g.client_name";
pub(super) const INSERT_LOGOUT: &str = "INSERT INTO logouts (grant_id, client, account, tries, next_at) \
    VALUES ($1, $2, $3, 0, 0) ON CONFLICT (grant_id) DO NOTHING";
/// `$1`: the account, or all; `$2` and `$3` as in `session_lives`; `$4`: now. Looks at each one whose grant lives, so it
/// runs where nobody waits for it.
pub(super) const DUE_LOGOUTS: &str = concat!(
    "SELECT l.grant_id FROM logouts l WHERE l.next_at <= $4 AND ($1 IS NULL OR l.account = $1) \
     AND NOT EXISTS (SELECT 1 FROM grants g JOIN sessions s ON s.id = g.session JOIN accounts a ON a.id = s.account \
     JOIN devices v ON v.id = s.device WHERE g.id = l.grant_id AND g.ended_at IS NULL AND g.ends_at > $4 AND ",
    session_lives!(),
    ") LIMIT 100"
);
/// Of two nodes that found it due, the second finds it put off.
pub(super) const TAKE_LOGOUT: &str = "UPDATE logouts SET tries = tries + 1, next_at = $3 \
    WHERE grant_id = $1 AND next_at <= $2 RETURNING grant_id, client, account, tries";
pub(super) const DELAY_LOGOUT: &str = "UPDATE logouts SET next_at = $2 WHERE grant_id = $1";
pub(super) const DELETE_LOGOUT: &str = "DELETE FROM logouts WHERE grant_id = $1";
pub(super) const SIGNING_KEYS: &str = "SELECT kid, alg, sealed, public_jwk, used_from, created_at FROM signing_keys \
    ORDER BY used_from DESC, created_at DESC, kid";
pub(super) const NEWEST_SIGNING_KEY: &str = "SELECT kid FROM signing_keys WHERE alg = $1 \
    ORDER BY used_from DESC, created_at DESC, kid LIMIT 1";
pub(super) const INSERT_SIGNING_KEY: &str = "INSERT INTO signing_keys \
    (kid, alg, sealed, public_jwk, used_from, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (kid) DO NOTHING RETURNING kid";
pub(super) const RESEAL_SIGNING_KEY: &str =
    "UPDATE signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2 RETURNING kid";
pub(super) const DELETE_SIGNING_KEY: &str = "DELETE FROM signing_keys WHERE kid = $1";

// Audit

pub(super) const HEAD: &str = "SELECT seq, hash FROM audit WHERE chain = $1 ORDER BY seq DESC LIMIT 1";
/// Nothing comes back when another transaction took the place in the chain.
pub(super) const APPEND: &str = "INSERT INTO audit (chain, seq, at, kind, body, hash) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (chain, seq) DO NOTHING RETURNING seq";
pub(super) const ACTIVITY: &str = "SELECT chain, seq, at, kind, body, hash FROM audit \
    WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3";
pub(super) const HEAD_UP_TO: &str =
    "SELECT seq, hash FROM audit WHERE chain = $1 AND seq <= $2 ORDER BY seq DESC LIMIT 1";
pub(super) const CHAIN_START: &str = "SELECT seq, hash FROM chain_starts WHERE chain = $1";
pub(super) const CHAIN_STARTS: &str = "SELECT chain, seq, hash FROM chain_starts ORDER BY chain";
pub(super) const ALL_ENTRIES: &str = "SELECT chain, seq, at, kind, body, hash FROM audit ORDER BY chain, seq";
pub(super) const LAST_ANCHOR_AT: &str =
    "SELECT at FROM audit WHERE chain = 'anchor' ORDER BY seq DESC LIMIT 1";
/// Entries of all chains but the anchor's.
pub(super) const WRITTEN_SINCE: &str =
    "SELECT r.chain, r.seq FROM audit r WHERE r.at >= $1 AND r.chain <> 'anchor'";
pub(super) const ANCHORED: &str = "SELECT x.seq FROM anchored x WHERE x.chain = $1";
pub(super) const SET_ANCHORED: &str = "INSERT INTO anchored (chain, seq) VALUES ($1, $2) \
    ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq";

// Housekeeping: at most 500 rows or chains at once, so that nobody waits long behind it

pub(super) const EXPIRE_SESSIONS: &str = "UPDATE sessions SET ended_at = $1, end_reason = 'expired' \
    WHERE ended_at IS NULL AND id IN ( \
    SELECT s.id FROM sessions s WHERE s.ended_at IS NULL AND s.last_seen_at <= $2 UNION ALL \
    SELECT s.id FROM sessions s WHERE s.ended_at IS NULL AND s.created_at <= $3 LIMIT 500) \
    RETURNING id, account, browser, system";
/// The same sessions as [`DELETE_ENDED_SESSIONS`], in the transaction with it.
pub(super) const KEEP_KNOWN_KEYS: &str = "INSERT INTO known_keys (account, thumbprint, last_at) \
    SELECT s.account, k.thumbprint, MAX(s.last_seen_at) FROM sessions s JOIN session_keys k ON k.session = s.id \
    WHERE s.id IN (SELECT e.id FROM sessions e WHERE e.ended_at IS NOT NULL AND e.ended_at <= $1 \
    ORDER BY e.ended_at, e.id LIMIT 500) GROUP BY s.account, k.thumbprint \
    ON CONFLICT (account, thumbprint) DO UPDATE SET last_at = excluded.last_at";
pub(super) const DELETE_ENDED_SESSIONS: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT e.id FROM sessions e WHERE e.ended_at IS NOT NULL AND e.ended_at <= $1 \
    ORDER BY e.ended_at, e.id LIMIT 500)";
pub(super) const DELETE_KNOWN_KEYS: &str = "DELETE FROM known_keys WHERE last_at <= $1";
pub(super) const DELETE_ENROLMENTS: &str = "DELETE FROM enrolments \
    WHERE (used_at IS NULL AND expires_at <= $1) OR (used_at IS NOT NULL AND used_at <= $2)";
/// Grants that are over, or whose code nobody exchanged; their tokens go with them. Each part has an index.
pub(super) const DELETE_GRANTS: &str = "DELETE FROM grants WHERE id IN (SELECT x.id FROM ( \
    SELECT e.id FROM (SELECT o.id FROM grants o WHERE o.ended_at IS NOT NULL LIMIT 500) e \
    UNION SELECT e.id FROM (SELECT o.id FROM grants o WHERE o.ends_at <= $1 LIMIT 500) e \
    UNION SELECT e.id FROM (SELECT o.id FROM grants o WHERE o.code_used_at IS NULL \
    AND o.code_ends_at IS NOT NULL AND o.code_ends_at <= $1 LIMIT 500) e) x LIMIT 500)";
pub(super) const DELETE_REFRESH_TOKENS: &str = "DELETE FROM refresh_tokens WHERE token_hash IN \
    (SELECT o.token_hash FROM refresh_tokens o WHERE o.used_at IS NOT NULL AND o.used_at <= $1 LIMIT 500)";
pub(super) const DELETE_DECISIONS: &str = "DELETE FROM decisions WHERE ticket IN \
    (SELECT o.ticket FROM decisions o WHERE o.decided_at <= $1 LIMIT 500)";
/// Removed devices that no session names any more.
pub(super) const DELETE_REVOKED_DEVICES: &str = "DELETE FROM devices WHERE revoked_at IS NOT NULL AND revoked_at <= $1 \
    AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.device = devices.id) \
    AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.device = devices.id)";
/// The last place of each chain that is too old, leaving every chain its head. Grouped by what has no index: by the chain
/// alone, SQLite would go through all that was ever written, because that comes in groups.
pub(super) const TRIMMABLE_CHAINS: &str = "SELECT MIN(o.chain) AS chain, MAX(o.seq) AS seq FROM audit o \
    WHERE o.at <= $1 AND EXISTS (SELECT 1 FROM audit n WHERE n.chain = o.chain AND n.seq > o.seq) \
    GROUP BY o.chain || '' LIMIT 500";
pub(super) const SET_CHAIN_START: &str = "INSERT INTO chain_starts (chain, seq, hash) \
    SELECT t.chain, t.seq, t.hash FROM audit t WHERE t.chain = $1 AND t.seq = $2 \
    ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
pub(super) const TRIM_CHAIN: &str = "DELETE FROM audit WHERE chain = $1 AND seq <= $2";
