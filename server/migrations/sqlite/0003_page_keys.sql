-- The page key that a session was made by: a login ends the older session of its key and must find it without looking at
-- all that this key ever had.
ALTER TABLE sessions ADD COLUMN page_key BLOB;
UPDATE sessions SET page_key = (SELECT k.thumbprint FROM session_keys k WHERE k.session = sessions.id LIMIT 1)
    WHERE ended_at IS NULL;
CREATE INDEX sessions_by_page_key ON sessions (page_key) WHERE ended_at IS NULL;
