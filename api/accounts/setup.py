"""The setup link, with which the first administrator is made. There is one while there is no administrator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from api.accounts.invites import claimed
from api.clock import now_ms
from api.errors import BadInvite, Conflict
from api.ids import random_code
from api.models.invites import Invite, invite_id
from api.store.base.store import Store

START_MS: Final = 60_000
"""Of nodes that start within this time, one prints the setup link."""
PRINTED_ELSEWHERE: Final = ""
"""Stands for the token at a node that leaves it to another one to print the setup link."""


async def setup_token(store: Store) -> str | None:
    """Return the token of the setup link, or None when there is an administrator. Raises `Unavailable`.

    The first call makes it, and it is the same on all nodes. It is kept in the store as it is, because it must be shown
    again. Whoever can read the store can make administrators anyway. One that was used up is followed by another, but
    not while the account is being made for which it was used: each of two links would make an administrator then.
    """
    if await store.accounts.has_admin():
        return None
    number = 0
    while True:
        number += 1
        token = await store.keep(f"setup_token_{number}", random_code())
        now = now_ms()
        invite = Invite(
            id=invite_id(token),
            made_by=None,
            created_at=now,
            expires_at=None,
            max_uses=1,
            admin=True,
            for_setup=True,
        )
        await store.invites.create(invite, forget_before=now)
        stored = await store.invites.get(invite.id)
        if stored is None or stored.uses_left or await _is_being_used(store, invite.id):
            return token


async def _is_being_used(store: Store, invite_id: str) -> bool:
    users = await store.invites.users(invite_id)
    return len(await store.accounts.get_many(users)) < len(users)


@asynccontextmanager
async def first_admin(store: Store, token: str, user_id: str) -> AsyncIterator[Invite]:
    """Run a block that makes the account of the first administrator, and use up the token of the setup link.

    Raises `Conflict` when there is an administrator, or somebody else is just becoming one, and `BadInvite` for what is
    no such token.
    """
    if await store.accounts.has_admin():
        raise Conflict("This server has an administrator already")
    invite = await store.invites.get(invite_id(token))
    if invite is None or not invite.for_setup:
        raise BadInvite("This is not the setup link of this server")
    try:
        async with claimed(store, invite, user_id):
            yield invite
    except BadInvite:
        raise Conflict("The setup link has been used") from None


async def token_to_print(store: Store) -> str | None:
    """Return what `setup_token` does to one of the nodes that start together, to the others `PRINTED_ELSEWHERE`.

    Only a database on another machine is shared by nodes.
    """
    token = await setup_token(store)
    is_shared = store.size_bytes() is None
    if token is not None and is_shared:
        wait_ms = await store.attempts.take("setup-link", at=now_ms(), count=1, window_ms=START_MS)
        return PRINTED_ELSEWHERE if wait_ms else token
    return token


def setup_notice(url: str, token: str | None) -> str:
    """Return what a server says of its setup link when it starts, in lines of their own; "" without a token."""
    if token is None:
        return ""
    if token == PRINTED_ELSEWHERE:
        return (
            "\nIt has no administrator yet. Another node has just printed the link that makes that account;"
            "\n  `tailwire setup-link` prints it again."
        )
    return (
        "\nIt has no administrator yet. Whoever opens this link first makes that account:"
        f"\n  {setup_link(url, token)}"
    )


def setup_link(url: str, token: str) -> str:
    """Return the address of the page on which the first administrator is made."""
    return f"{url}/#/setup/{token}"
