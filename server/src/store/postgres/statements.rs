//! Statements that need what PostgreSQL alone has: locks on rows, writes inside a `WITH`, and plans that follow what it
//! knows of its tables. All others are shared, see
//! [`store::statements`](crate::store::statements).

// Locks: whoever takes several takes the account before the device before the session before the grant

pub(super) const HOLD_ACCOUNT: &str = "SELECT id FROM accounts WHERE id = $1 FOR UPDATE";
pub(super) const HOLD_ACCOUNT_BY_NAME: &str = "SELECT id FROM accounts WHERE username = $1 FOR UPDATE";
pub(super) const HOLD_ACCOUNT_OF_ENROLMENT: &str = "SELECT a.id FROM accounts a \
    WHERE a.id = (SELECT e.account FROM enrolments e WHERE e.code_hash = $1) FOR UPDATE";
pub(super) const SHARE_ACCOUNT: &str = "SELECT id FROM accounts WHERE id = $1 FOR SHARE";
pub(super) const SHARE_DEVICE: &str = "SELECT id FROM devices WHERE id = $1 FOR SHARE";
pub(super) const HOLD_SESSION: &str = "SELECT id FROM sessions WHERE id = $1 FOR UPDATE";

pub(super) const SHARE_SESSION: &str = "SELECT id FROM sessions WHERE id = $1 FOR SHARE";
pub(super) const SHARE_SESSION_OF_CODE: &str = "SELECT s.id FROM sessions s \
    WHERE s.id = (SELECT g.session FROM grants g WHERE g.code_hash = $1) FOR SHARE";
pub(super) const HOLD_SESSION_OF_REFRESH: &str = "SELECT s.id FROM sessions s WHERE s.id = (SELECT g.session \
    FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id WHERE r.token_hash = $1) FOR NO KEY UPDATE";
pub(super) const HOLD_GRANT_OF_CODE: &str = "SELECT id FROM grants WHERE code_hash = $1 FOR UPDATE";
pub(super) const HOLD_GRANT_OF_REFRESH: &str = "SELECT id FROM grants \
    WHERE id = (SELECT r.grant_id FROM refresh_tokens r WHERE r.token_hash = $1) FOR UPDATE";
pub(super) const HOLD_CONSENT: &str =
    "SELECT scopes FROM consents WHERE account = $1 AND client = $2 FOR UPDATE";

// Logins

/// Records a verdict with its entry, both or none. Nothing comes back when the ticket has a verdict or device and account
/// may not; a taken place in the chain is an error.
pub(super) const RECORD_DECISION: &str = "WITH trusted AS MATERIALIZED ( \
        SELECT v.id AS device, a.id AS account FROM accounts a JOIN devices v ON v.account = a.id \
        WHERE a.id = $4 AND v.id = $3 AND a.state = 'active' AND v.revoked_at IS NULL FOR SHARE \
    ), recorded AS ( \
        INSERT INTO decisions (ticket, request, device, account, decision, context, statement, decided_at, withdrawn) \
        SELECT $1, $2, t.device, t.account, $5, $6, $7, $8, FALSE FROM trusted t \
        ON CONFLICT (ticket) DO NOTHING RETURNING ticket \
    ) \
    INSERT INTO audit (chain, seq, at, kind, body, hash) SELECT $9, $10, $8, $11, $12, $13 FROM recorded RETURNING seq";

/// Makes a session of an approval, binds the page key `$11`, if there is one, to it and ends older sessions of that key. One row for each
/// of those, or one without; none when there is no approval that counts, or a session of it already. `$10` is the last
/// moment of a decision that is too old. The caller holds the lock on the page key; the decision is locked as well, or one
/// that is taken back while this waits for the account would still be seen as it was.
pub(super) const REDEEM: &str = "WITH approved AS MATERIALIZED ( \
        SELECT d.request, d.ticket, a.id AS account_id, a.username, a.display_name, a.password_hash, a.state, \
            a.ever_had_device, a.created_at AS account_created_at, a.email, a.groups, v.id AS device_id, v.name AS device_name \
        FROM accounts a JOIN devices v ON v.account = a.id JOIN decisions d ON d.account = a.id AND d.device = v.id \
        WHERE d.ticket = $2 AND d.request = $3 AND d.decision = 'approve' AND d.decided_at > $10 AND NOT d.withdrawn \
        AND a.state = 'active' AND v.revoked_at IS NULL FOR SHARE \
    ), made AS ( \
        INSERT INTO sessions (id, request, ticket, account, device, kind, \
            token_hash, token_issued_at, created_at, last_seen_at, address, browser, system, page_key, verified) \
        SELECT $1, p.request, p.ticket, p.account_id, p.device_id, $4, $5, $6, $6, $6, $7, $8, $9, $11, $12 FROM approved p \
        ON CONFLICT (request) DO NOTHING RETURNING id \
    ), bound AS ( \
        INSERT INTO session_keys (session, thumbprint) SELECT m.id, $11 FROM made m WHERE $11::bytea IS NOT NULL \
    ), replaced AS ( \
        UPDATE sessions SET ended_at = $6, end_reason = 'replaced' \
        WHERE page_key = $11 AND ended_at IS NULL \
        AND EXISTS (SELECT 1 FROM made) RETURNING id, account, browser, system \
    ) \
    SELECT p.*, h.seq, h.hash, r.id, r.account, r.browser, r.system \
    FROM made m CROSS JOIN approved p \
    LEFT JOIN LATERAL (SELECT seq, hash FROM audit \
        WHERE chain = translate(rtrim(encode(p.account_id, 'base64'), '='), '+/', '-_') \
        ORDER BY seq DESC LIMIT 1) h ON TRUE \
    LEFT JOIN replaced r ON TRUE";

// Audit

/// Heads that the anchor chain does not cover, among chains written since `$1`.
pub(super) const CHANGED_HEADS: &str = "SELECT h.chain, h.seq, h.hash FROM audit h JOIN \
    (SELECT r.chain AS chain, MAX(r.seq) AS seq FROM audit r WHERE r.at >= $1 AND r.chain <> 'anchor' GROUP BY r.chain) c \
    ON h.chain = c.chain AND h.seq = c.seq LEFT JOIN anchored x ON x.chain = h.chain \
    WHERE x.seq IS NULL OR x.seq < h.seq ORDER BY h.chain";
