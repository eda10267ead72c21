"""The steps of the SQLite tables for machines: bots and what belongs to them. Pure."""

from typing import Final

_BOTS: Final = """
-- A bot is a user as which a program writes. owner_id: the person to whom it belongs, NULL for people and for bots of
-- rooms.
ALTER TABLE users ADD COLUMN is_bot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN owner_id TEXT;
CREATE INDEX bots_of_user ON users (owner_id, created_at, id) WHERE owner_id IS NOT NULL;
"""

MACHINES: Final = (_BOTS,)
"""Steps of the schema, which `steps.py` puts into the order of all steps."""
