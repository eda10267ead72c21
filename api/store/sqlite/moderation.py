"""The step of the SQLite schema that made the tables of moderation: bans, blocks and reports."""

from typing import Final

MODERATION: Final = """
-- Who is banned from a room: since when and by whom, NULL of all others, and why, if that was said.
ALTER TABLE members ADD COLUMN banned_at INTEGER;
ALTER TABLE members ADD COLUMN banned_by TEXT;
ALTER TABLE members ADD COLUMN ban_reason TEXT;
CREATE INDEX bans ON members (room_id, banned_at, user_id) WHERE banned_at IS NOT NULL;
CREATE INDEX bans_by ON members (banned_by) WHERE banned_by IS NOT NULL;

-- Who has blocked whom.
CREATE TABLE blocks (
    user_id TEXT NOT NULL REFERENCES users,
    blocked_id TEXT NOT NULL REFERENCES users,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocks_by_age ON blocks (user_id, at, blocked_id);
CREATE INDEX blockers ON blocks (blocked_id);

-- A message is known by its room, the epoch and the seq. A report never holds its text.
CREATE TABLE reports (
    id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL REFERENCES rooms,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reporter_id TEXT NOT NULL REFERENCES users,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_by_age ON reports (at, id);
CREATE INDEX reports_by_state ON reports (state, at, id);
CREATE INDEX reports_of_user ON reports (reporter_id, at, id);

-- The room where it was done; NULL where it was done in none.
ALTER TABLE audit ADD COLUMN room_id TEXT;
"""
