"""What a node says of itself."""

import re

import pytest

from tests.server import Node

pytestmark = pytest.mark.anyio


async def test_a_running_node_is_alive_and_ready(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz", headers={"x-request-id": "mine-1"})
    assert (ready.status_code, ready.json()["feed"]["live"]) == (200, True)
    assert ready.headers["x-request-id"] == "mine-1"


async def test_the_contract_names_its_security_scheme_and_the_docs_are_local(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    contract = (await client.get("/openapi.json")).json()
    assert "OAuth2PasswordBearer" in contract["components"]["securitySchemes"]
    page = (await client.get("/docs")).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert assets
    assert not [asset for asset in assets if asset.startswith(("http:", "https:", "//"))]
    for asset in assets:
        assert (await client.get("/" + asset.lstrip("/"))).status_code == 200
