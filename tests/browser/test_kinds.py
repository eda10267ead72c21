"""A page goes on after entries of unknown kinds and after unreadable ones."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from api.models.rooms import LOBBY_ID
from tests.browser.windows import Wire, line, live, say, window
from tests.node import Node
from tests.stranger import Stranger

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

UNKNOWN: Final[dict[str, Any]] = {"kind": "poll", "data": {"target": 1, "options": ["tea", "coffee"]}}
UNREADABLE: Final = {"kind": "message", "data": "no object"}


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    """A writer behind the back of `sqlite_node`, into its store."""
    return Stranger(f"sqlite:///{tmp_path / 'tailwire.db'}", None)


async def shows(page: Page, *texts: str) -> None:
    for text in texts:
        await expect(line(page, text)).to_have_count(1)
    await expect(live(page)).to_be_visible()


@pytest.mark.every_engine
async def test_a_page_shows_what_comes_after_unknown_and_unreadable_entries_live_and_after_a_reload(
    browser: Browser, sqlite_node: Node, stranger: Stranger
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    await say(alice, "before")
    await shows(alice, "before")
    await stranger.write(LOBBY_ID, UNKNOWN, UNREADABLE, None)
    await say(alice, "in the middle")
    await shows(alice, "before", "in the middle")
    await stranger.write(LOBBY_ID, UNKNOWN)
    await stranger.write(LOBBY_ID, UNREADABLE)  # the newest entry
    await alice.reload()
    await shows(alice, "before", "in the middle")
    await say(alice, "after the reload")
    await shows(alice, "before", "in the middle", "after the reload")


async def test_a_page_that_was_away_is_shown_what_comes_after_unknown_and_unreadable_entries(
    browser: Browser, sqlite_node: Node, stranger: Stranger
) -> None:
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    bob = await window(browser, sqlite_node, "bob")
    await say(bob, "before")
    await shows(alice, "before")
    await wire.cut()
    await stranger.write(LOBBY_ID, UNREADABLE, UNKNOWN)
    await say(bob, "missed")
    await stranger.write(LOBBY_ID, UNKNOWN, UNREADABLE)
    wire.mend()
    await shows(alice, "before", "missed")
    await say(bob, "live again")
    await shows(alice, "before", "missed", "live again")
