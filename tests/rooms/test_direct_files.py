"""Files whose addresses lead to the bucket itself, where the server is set so."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.config import Settings
from tests.files.hostile import written
from tests.node import Node, Person, http_client, running
from tests.rooms.test_attachments import TEXT, send, upload, url_of
from tests.s3 import S3Server, s3_server

pytestmark = pytest.mark.anyio

PAGE = (
    '<meta http-equiv="Content-Security-Policy"'
    ' content="default-src &#39;self&#39;; img-src &#39;self&#39; data:; object-src &#39;none&#39;">'
)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@dataclass
class Site:
    node: Node
    alice: Person
    origin: str

    async def opened(self, url: str) -> httpx.Response:
        """Read what the bucket has at an address."""
        at = urlsplit(url)
        assert f"{at.scheme}://{at.netloc}" == self.origin
        async with http_client(self.origin) as client:
            return await client.get(f"{at.path}?{at.query}")


@pytest.fixture
async def site(store_url: str, s3: S3Server, tmp_path: Path) -> AsyncIterator[Site]:
    page = tmp_path / "dist"
    page.mkdir()
    (page / "index.html").write_text(PAGE)
    (page / "index.html.gz").write_bytes(b"of the page before")
    settings = Settings(
        store=store_url,
        signup="open",
        frontend=page,
        search="off",
        files=f"s3://{s3.bucket()}",
        files_endpoint=s3.endpoint,
        files_public_endpoint=s3.endpoint,
        files_key_id=s3.access.key_id,
        files_key=s3.access.key,
    )
    async with running(settings) as node:
        yield Site(node, await node.sign_up("alice"), s3.endpoint)


async def metric(person: Person, name: str) -> float:
    lines = (await person.http.get("/metrics")).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def test_an_address_leads_to_the_bucket_until_its_message_is_deleted(site: Site) -> None:
    file_id = (await upload(site.alice))["file_id"]
    seq = (await send(site.alice, file_id)).json()["seq"]
    path, anybody = await url_of(site.alice, file_id), site.node.client()
    led = await anybody.get(path)
    assert (led.status_code, led.content) == (307, b"")
    kept_seconds = int(led.headers["cache-control"].removeprefix("private, max-age="))
    assert 0 < kept_seconds < 300  # a browser goes there again only while it opens
    found = await site.opened(led.headers["location"])
    assert (found.status_code, found.content) == (200, TEXT)
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith('attachment; filename="brief.txt"')
    assert await metric(site.alice, 'tailwire_file_reads_total{by="bucket"}') == 1
    head = await anybody.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(TEXT)))
    assert (await site.alice.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
    assert (await anybody.get(path)).status_code == 404


async def test_a_picture_comes_from_the_bucket_as_a_picture_and_its_thumbnail_from_here(site: Site) -> None:
    file_id = (await upload(site.alice, written("PNG"), "cat.png"))["file_id"]
    led = await site.node.client().get(await url_of(site.alice, file_id))
    found = await site.opened(led.headers["location"])
    assert found.headers["content-type"] == "image/png"
    assert found.headers["content-disposition"].startswith("inline; ")
    thumb = await site.node.client().get(await url_of(site.alice, file_id, thumb=True))
    assert (thumb.status_code, thumb.headers["content-type"]) == (200, "image/webp")


async def test_the_page_may_load_pictures_and_players_from_the_bucket_and_nothing_else(site: Site) -> None:
    page = await site.node.client().get("/", headers={"Accept-Encoding": "gzip"})
    policy = page.headers["content-security-policy"]
    assert (
        f"img-src 'self' data: {site.origin}; media-src 'self' {site.origin}; connect-src 'self';" in policy
    )
    self_ = "&#39;self&#39;"
    assert f"img-src {self_} data: {site.origin}; media-src {self_} {site.origin}; object-src" in page.text


async def test_who_exports_their_account_gets_the_bytes_that_the_bucket_serves(site: Site) -> None:
    await upload(site.alice, b"the words of the letter")
    answer = await site.alice.http.get("/users/me/export")
    assert "dGhlIHdvcmRzIG9mIHRoZSBsZXR0ZXI=" in answer.text
