"""The steps of the SQLite schema that make the tables of files, and the columns of avatars and previews."""

from typing import Final

ATTACHMENTS: Final = """
-- Files: room_id is where one may be sent. state: uploading, whole, sent or gone. ref: that of the message for which it
-- is claimed. seq: that of the message that has it.
CREATE TABLE attachments (
    id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    type TEXT NOT NULL,
    alt TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    blur TEXT,
    has_thumb INTEGER NOT NULL,
    ref TEXT,
    seq INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_of_room ON attachments (room_id, seq, id);
CREATE INDEX attachments_of_user ON attachments (user_id, made_at, id);
CREATE INDEX attachments_unsent ON attachments (touched_at, id) WHERE state IN ('uploading', 'whole');
CREATE INDEX attachments_gone ON attachments (id) WHERE state = 'gone';

-- How much is kept of each user, and under an empty user_id of all.
CREATE TABLE file_usage (
    user_id TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    files INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO file_usage VALUES ('', 0, 0);
CREATE TRIGGER attachment_came AFTER INSERT ON attachments BEGIN
    INSERT INTO file_usage VALUES (new.user_id, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE file_usage SET bytes = bytes + new.size, files = files + 1 WHERE user_id IN ('', new.user_id);
END;
CREATE TRIGGER attachment_changed AFTER UPDATE OF size ON attachments BEGIN
    UPDATE file_usage SET bytes = bytes + new.size - old.size WHERE user_id IN ('', new.user_id);
END;
CREATE TRIGGER attachment_went AFTER DELETE ON attachments BEGIN
    UPDATE file_usage SET bytes = bytes - old.size, files = files - 1 WHERE user_id IN ('', old.user_id);
    DELETE FROM file_usage WHERE user_id = old.user_id AND files = 0;
END;
"""

AVATARS: Final = """
-- The id of the picture of a user or a room, empty where there is none.
ALTER TABLE users ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
"""

PREVIEWS: Final = """
-- The previews of links in a message, [[each a JSON object], whether they were removed], and NULL where there are none.
ALTER TABLE changed ADD COLUMN previews TEXT;
"""
