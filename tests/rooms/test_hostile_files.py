"""Hostile files through the front door: each is refused with its code, or opens as something harmless."""

import pytest

from tests.files.hostile import FORBIDDEN, KEPT, MARK, REFUSED, SHOWN, Hostile, hostile
from tests.node import Node, Person
from tests.rooms.test_attachments import url_of

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

NAME = "attachment; filename*=UTF-8''..%2F..%2Fevil%E2%80%AE.html"


async def posted(person: Person, file: Hostile) -> tuple[int, str, str]:
    """Upload a file that says it is a picture in PNG. Returns the status, the code, and the id."""
    headers = {"Content-Type": "image/png", "Content-Disposition": NAME}
    answer = await person.http.post("/rooms/lobby/files", content=file.make(), headers=headers)
    fields = answer.json()
    assert MARK.decode() not in answer.text
    return answer.status_code, fields.get("code", ""), fields.get("file_id", "")


@pytest.mark.settings(sends_burst=200)
async def test_each_hostile_file_is_refused_with_its_code_or_served_so_that_it_can_do_nothing(
    sqlite_node: Node,
) -> None:
    alice, anybody = await sqlite_node.sign_up("alice"), sqlite_node.client()
    for file in hostile():
        status, code, file_id = await posted(alice, file)
        if file.outcome in {REFUSED, FORBIDDEN} or not file.make():
            assert (status, code) == (422, "bad_file"), file.name
            continue
        assert (status, file.outcome in {SHOWN, KEPT}) == (201, True), file.name
        opened = await anybody.get(await url_of(alice, file_id))
        said = opened.headers
        assert opened.status_code == 200, file.name
        assert said["x-content-type-options"] == "nosniff", file.name
        assert said["content-security-policy"] == "default-src 'none'; sandbox", file.name
        if file.outcome == SHOWN:
            assert said["content-type"] == file.type, file.name
            assert MARK not in opened.content, file.name
        else:
            assert said["content-type"] == "application/octet-stream", file.name
            assert said["content-disposition"].startswith("attachment; "), file.name
            assert "\u202e" not in said["content-disposition"], file.name
            assert "/" not in said["content-disposition"], file.name
