"""Tokens that do not open a socket. Rows H, F and J of the bad inputs are in tests/bad_inputs/."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.node import Node

pytestmark = pytest.mark.anyio


async def test_the_handshake_refuses_a_token_in_the_query(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    token = {"Authorization": f"Bearer {alice.access_token}"}
    for name in ("token", "access_token"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{sqlite_node.ws_url}?{name}={alice.access_token}", additional_headers=token)
        assert refused.value.response.status_code == 401


async def test_logging_out_ends_the_old_token_for_new_sockets(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await alice.http.post("/auth/logout")).status_code == 204
    assert (await alice.http.get("/users/me")).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            sqlite_node.ws_url, additional_headers={"Authorization": f"Bearer {alice.access_token}"}
        )
    assert refused.value.response.status_code == 401
