"""Steps of the SQLite tables for people: direct rooms, who is connected, and how people are found. Pure."""

from typing import Final

DIRECT: Final = """
-- kind: room or direct. people: a JSON array of the ids of a direct room's users, and NULL of any other room.
ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'room';
ALTER TABLE rooms ADD COLUMN people TEXT;

-- The number of a room's members, which changes with the rows of members.
ALTER TABLE rooms ADD COLUMN member_count INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET member_count = (SELECT count(*) FROM members WHERE room_id = rooms.id AND role IS NOT NULL);
CREATE TRIGGER member_came AFTER INSERT ON members WHEN new.role IS NOT NULL BEGIN
    UPDATE rooms SET member_count = member_count + 1 WHERE id = new.room_id;
END;
CREATE TRIGGER member_changed AFTER UPDATE OF role ON members WHEN (old.role IS NULL) <> (new.role IS NULL) BEGIN
    UPDATE rooms SET member_count = member_count + iif(old.role IS NULL, 1, -1) WHERE id = new.room_id;
END;
CREATE TRIGGER member_went AFTER DELETE ON members WHEN old.role IS NOT NULL BEGIN
    UPDATE rooms SET member_count = member_count - 1 WHERE id = old.room_id;
END;

-- Where a member keeps a room in their list. hidden_at: the seq of the head when they hid it, -1 where they showed it.
ALTER TABLE members ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN section TEXT;
ALTER TABLE members ADD COLUMN hidden_at INTEGER;

-- What users say about themselves.
ALTER TABLE users ADD COLUMN status_text TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
"""

PRESENCE: Final = """
-- Who is connected to which process: user_ids is a JSON array of ids. A row counts while at is recent.
CREATE TABLE presence (
    node_id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    user_ids TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the others were told that a member has read, where the member has gone back since.
ALTER TABLE members ADD COLUMN receipt_seq INTEGER NOT NULL DEFAULT 0;
"""

SEARCHED: Final = """
-- The names of a user in the form in which they are searched.
ALTER TABLE users ADD COLUMN searched TEXT NOT NULL DEFAULT '';
UPDATE users SET searched = searched_names(username, display_name);
"""
