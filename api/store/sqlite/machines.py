"""The steps of the SQLite tables for machines: bots and what belongs to them. Pure."""

from typing import Final

_BOTS: Final = """
-- A bot is a user as which a program writes. owner_id: the person to whom it belongs, NULL for people and for bots of
-- rooms.
ALTER TABLE users ADD COLUMN is_bot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN owner_id TEXT;
CREATE INDEX bots_of_user ON users (owner_id, created_at, id) WHERE owner_id IS NOT NULL;
"""

_WEBHOOKS: Final = """
-- webhook: a JSON object, of which the other columns are keys.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    webhook TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_of_room ON webhooks (room_id, created_at, id);

-- What became of attempts to deliver, and dead letters. delivery: a JSON object.
CREATE TABLE deliveries (
    webhook_id TEXT NOT NULL,
    is_dead INTEGER NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    delivery TEXT NOT NULL,
    PRIMARY KEY (webhook_id, is_dead, at, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER webhook_ended AFTER DELETE ON webhooks BEGIN
    DELETE FROM deliveries WHERE webhook_id = old.id;
    DELETE FROM positions WHERE follower = 'webhook:' || old.id;
END;
"""

_CONSUMERS: Final = """
-- Readers whose positions are kept under the follower 'consumer:' || id. room_ids: a JSON array, NULL for all rooms.
CREATE TABLE consumers (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    room_ids TEXT,
    start TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    acked_at INTEGER,
    PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;
"""

_HOOKS: Final = """
-- Addresses at which programs post into rooms. id: the hash of the secret. A hook that has ended is kept for its bot.
CREATE TABLE hooks (
    id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    bot_id TEXT NOT NULL,
    name TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX hooks_of_room ON hooks (room_id, created_at, id);
"""

_TOKENS: Final = """
-- What a token lets a program do, as JSON; NULL of a log-in.
ALTER TABLE sessions ADD COLUMN granted TEXT;
"""

HOOK_USES: Final = """
-- When a hook last posted, to the minute; NULL before.
ALTER TABLE hooks ADD COLUMN last_used_at INTEGER;
"""

CONSUMER_LIVES: Final = """
-- The epoch of the lobby when a consumer was made; NULL where an earlier version made it.
ALTER TABLE consumers ADD COLUMN lobby_epoch TEXT;
"""

MACHINES: Final = (_BOTS, _WEBHOOKS, _CONSUMERS, _HOOKS, _TOKENS)
"""Steps of the schema, which `steps.py` puts into the order of all steps."""
