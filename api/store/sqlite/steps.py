"""Lists the steps that make each version of the SQLite tables from the one before. Pure."""

from typing import Final

from api.store.sqlite.attachment_tables import ATTACHMENTS, AVATARS, PREVIEWS
from api.store.sqlite.machines import CONSUMER_LIVES, HOOK_USES, MACHINES
from api.store.sqlite.moderation import MODERATION
from api.store.sqlite.people import DIRECT, PRESENCE, SEARCHED

_FIRST: Final = """
CREATE TABLE kept (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    refresh_hash TEXT NOT NULL,
    previous_hash TEXT,
    rotated_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Ended sessions, which changes() yields; only the newest are kept.
CREATE TABLE session_endings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL
) STRICT;

-- seq, message_seq and message_number say where the room's log ends: its last entry, its last message and its
-- number of messages.
CREATE TABLE rooms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    visibility TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    message_seq INTEGER NOT NULL DEFAULT 0,
    message_number INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX public_rooms ON rooms (created_at, id) WHERE visibility = 'public';

-- read_number is the message_number of the entry at read_seq; messages with a higher number are unread.
CREATE TABLE members (
    room_id TEXT NOT NULL REFERENCES rooms,
    user_id TEXT NOT NULL REFERENCES users,
    role TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    read_number INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_room ON members (room_id, joined_at, user_id);
CREATE INDEX rooms_of_user ON members (user_id, joined_at, room_id);

-- The logs of all rooms. id is the order in which entries were committed, which changes() follows.
-- message_number counts the room's messages up to this entry. A retry under the same ref is compared with digest, as
-- data may have been erased by then. target is the target in data, for folding.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id TEXT NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    at INTEGER NOT NULL,
    ref TEXT,
    data TEXT NOT NULL,
    target INTEGER,
    message_number INTEGER NOT NULL DEFAULT 0,
    digest BLOB
) STRICT;
CREATE UNIQUE INDEX entries_by_place ON entries (room_id, seq);
CREATE UNIQUE INDEX entries_by_ref ON entries (user_id, ref) WHERE ref IS NOT NULL;
CREATE INDEX entries_by_target ON entries (room_id, target, seq) WHERE target IS NOT NULL;
CREATE INDEX messages ON entries (room_id, seq) WHERE kind = 'message';
"""

_SECOND: Final = """
-- times: a JSON array of the times of the attempts that are counted under this key.
CREATE TABLE attempts (
    key TEXT PRIMARY KEY,
    times TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An account that is being erased is also disabled.
ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN erasing INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_erasing ON users (id) WHERE erasing;
-- The first version kept names of ASCII letters in the case in which they were typed.
CREATE INDEX users_by_name ON users (lower(username)) WHERE NOT disabled;

-- used: a JSON array of [hash, time of use] for the refresh tokens that were used up lately, newest first.
ALTER TABLE sessions ADD COLUMN used TEXT NOT NULL DEFAULT '[]';
UPDATE sessions SET used = json_array(json_array(previous_hash, rotated_at)) WHERE previous_hash IS NOT NULL;
ALTER TABLE sessions DROP COLUMN previous_hash;
ALTER TABLE sessions DROP COLUMN rotated_at;

-- Entries that users write have a ref and are found by it. This index finds the others, such as memberships.
CREATE INDEX entries_without_ref ON entries (user_id, id) WHERE ref IS NULL;

CREATE TABLE audit (
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    actor_id TEXT,
    subject_id TEXT,
    address TEXT,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;
"""

_THIRD: Final = """
-- An account may have no password, so password_hash is made again without NOT NULL.
ALTER TABLE users ADD COLUMN new_password_hash TEXT;
UPDATE users SET new_password_hash = password_hash;
ALTER TABLE users DROP COLUMN password_hash;
ALTER TABLE users RENAME COLUMN new_password_hash TO password_hash;

ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'login';
"""

_FOURTH: Final = """
-- The row of a membership stays when it ends: its role is NULL then, and returns_as the role of who comes back.
DROP INDEX members_of_room;
DROP INDEX rooms_of_user;
ALTER TABLE members ADD COLUMN new_role TEXT;
UPDATE members SET new_role = role;
ALTER TABLE members DROP COLUMN role;
ALTER TABLE members RENAME COLUMN new_role TO role;
ALTER TABLE members ADD COLUMN returns_as TEXT;
CREATE INDEX members_of_room ON members (room_id, joined_at, user_id) WHERE role IS NOT NULL;
CREATE INDEX rooms_of_user ON members (user_id, joined_at, room_id) WHERE role IS NOT NULL;
"""

_FIFTH: Final = """
-- Unread messages are counted from two indexes that have all it takes: messages with their authors, and deletions. So
-- the numbers that counted them are gone.
DROP INDEX messages;
CREATE INDEX messages ON entries (room_id, seq, user_id) WHERE kind = 'message';
CREATE INDEX deletions ON entries (room_id, target, seq) WHERE kind = 'delete';
ALTER TABLE members DROP COLUMN read_number;
ALTER TABLE rooms DROP COLUMN message_number;
ALTER TABLE entries DROP COLUMN message_number;
"""

_SIXTH: Final = """
-- id is the hash of the code. made_by is NULL for one that was made on the command line, room_id for one to the server.
CREATE TABLE invites (
    id TEXT PRIMARY KEY,
    made_by TEXT REFERENCES users,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    max_uses INTEGER NOT NULL,
    room_id TEXT REFERENCES rooms,
    role TEXT,
    admin INTEGER NOT NULL,
    for_setup INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_of_room ON invites (room_id, created_at, id);
CREATE INDEX invites_by_maker ON invites (made_by);
CREATE INDEX invites_by_expiry ON invites (expires_at);

-- A use is claimed before its account is made, so user_id may name none. It is NULL when that account was erased.
CREATE TABLE invite_uses (
    invite_id TEXT NOT NULL REFERENCES invites ON DELETE CASCADE,
    user_id TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX uses_of_invite ON invite_uses (invite_id, user_id);
CREATE INDEX uses_by_user ON invite_uses (user_id);

CREATE INDEX administrators ON users (id) WHERE admin;
"""

_SEVENTH: Final = """
-- previous_hash: of the refresh token before the newest. pair_used: whether the newest pair has been used; of a session
-- from before that is not known, and it counts as not used only where the token before could still be needed.
ALTER TABLE sessions ADD COLUMN previous_hash TEXT;
ALTER TABLE sessions ADD COLUMN pair_used INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET previous_hash = json_extract(used, '$[0][0]'), pair_used = json_array_length(used) = 0;
ALTER TABLE sessions DROP COLUMN used;
"""

_EIGHTH: Final = """
-- Refs are unique by their hash, so that the ref of an erased entry can be removed, as its body is.
ALTER TABLE entries ADD COLUMN ref_hash BLOB;
UPDATE entries SET ref_hash = ref_hash(ref) WHERE ref IS NOT NULL;
DROP INDEX entries_by_ref;
DROP INDEX entries_without_ref;
CREATE UNIQUE INDEX entries_by_ref ON entries (user_id, ref_hash) WHERE ref_hash IS NOT NULL;
CREATE INDEX entries_without_ref ON entries (user_id, id) WHERE ref_hash IS NULL;
UPDATE entries SET ref = NULL
    WHERE kind IN ('message', 'edit') AND (room_id, CASE kind WHEN 'edit' THEN target ELSE seq END) IN
    (SELECT room_id, target FROM entries WHERE kind = 'delete');
"""

_NINTH: Final = """
-- What the history shows between messages, apart from them, so that neither is in the way of the other.
CREATE INDEX notices ON entries (room_id, seq) WHERE kind IN ('member', 'room');
"""

_TENTH: Final = """
-- Messages that later entries have changed, as they are now. body is NULL while it is as it was sent. deleted_by and
-- pinned_by are the seqs of those entries, as_of that of the last one. reactions is a JSON array of
-- [emoji, count, [the first users]].
CREATE TABLE changed (
    room_id TEXT NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    body TEXT,
    edited_at INTEGER,
    deleted_by INTEGER,
    pinned_by INTEGER,
    reactions TEXT NOT NULL,
    PRIMARY KEY (room_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX pins ON changed (room_id, pinned_by, seq) WHERE pinned_by IS NOT NULL;

-- The reactions that stand. seq is that of the entry.
CREATE TABLE reactions (
    room_id TEXT NOT NULL REFERENCES rooms,
    target INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (room_id, target, emoji, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reactors ON reactions (room_id, target, emoji, seq, user_id);
"""
_ELEVENTH: Final = """
-- thread is that in the data of a message: the seq of the root of the thread in which it is a reply.
ALTER TABLE entries ADD COLUMN thread INTEGER;
CREATE INDEX threads ON entries (room_id, thread, seq) WHERE thread IS NOT NULL;
-- The replies below a message that are not deleted, and the newest of them.
ALTER TABLE changed ADD COLUMN reply_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changed ADD COLUMN last_reply_seq INTEGER;
ALTER TABLE changed ADD COLUMN last_reply_at INTEGER;
"""

_TWELFTH: Final = """
-- until: when the lease ends, in milliseconds since 1970. number grows with each new holder.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a follower, who has the name of its lease, has come in each room.
CREATE TABLE positions (
    follower TEXT NOT NULL,
    room_id TEXT NOT NULL REFERENCES rooms,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (follower, room_id)
) STRICT, WITHOUT ROWID;

-- began: the seq at which the epoch began. The row of a room that was deleted stays, with deleted set.
ALTER TABLE rooms ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
"""

_THIRTEENTH: Final = """
-- Which messages mention whom, as they stand after their last edit: of messages that mention all members of their room
-- one row, whose user_id is empty. at is that of the message.
CREATE TABLE mentions (
    room_id TEXT NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    author_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (room_id, seq, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_by_age ON mentions (user_id, at, seq, room_id);
CREATE INDEX mentions_in_room ON mentions (user_id, room_id, seq, author_id);

-- A JSON array of whom an edited message mentions, [[the ids of users], whether all are], and NULL of any other.
ALTER TABLE changed ADD COLUMN mentions TEXT;

-- How the member is notified; NULL where they have never said it.
ALTER TABLE members ADD COLUMN notify_level TEXT;
ALTER TABLE members ADD COLUMN muted_until INTEGER;
"""

_FOURTEENTH: Final = """
-- What the room lets its members write.
ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN slow_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN post_role TEXT NOT NULL DEFAULT 'member';

CREATE INDEX rooms_by_age ON rooms (created_at, id) WHERE NOT deleted;

-- Rooms of which something is left to take away. rooms.deleted is when a room was deleted, and 0 for any other.
CREATE TABLE room_deletions (
    room_id TEXT PRIMARY KEY REFERENCES rooms
) STRICT, WITHOUT ROWID;

-- The last message of the member in slow mode: when its turn was taken, and the hash of its ref.
ALTER TABLE members ADD COLUMN turn_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN turn_ref BLOB;
"""

_FIFTEENTH: Final = """
-- Each process that serves: seen_at is when it was last heard of, in milliseconds since 1970, and state what it said of
-- itself then, a JSON object.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_event ON audit (event, at, id);
CREATE INDEX audit_by_actor ON audit (actor_id, at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_subject ON audit (subject_id, at, id) WHERE subject_id IS NOT NULL;
"""

STEPS: Final = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
    _TENTH,
    _ELEVENTH,
    _TWELFTH,
    _THIRTEENTH,
    _FOURTEENTH,
    _FIFTEENTH,
    DIRECT,
    MODERATION,
    PRESENCE,
    *MACHINES,
    SEARCHED,
    HOOK_USES,
    ATTACHMENTS,
    CONSUMER_LIVES,
    AVATARS,
    PREVIEWS,
)
"""Each step makes one version of the tables from the one before, and never changes once it is released. A new database
takes all of them."""
