"""The fixtures of the tests of link previews."""

from collections.abc import AsyncIterator

import pytest

from tests.links.site import Site, serving


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A web site on this machine."""
    async with serving() as started:
        yield started
