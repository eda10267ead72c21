"""Rules of every request: what is strict, what an error looks like, what is hidden."""

from typing import Any, Final

from conformance.server.bench import Bench, expect, unique
from conformance.server.frames import ID

PROBLEM: Final = ("type", "title", "status", "code", "detail", "request_id")


async def problems(bench: Bench) -> None:
    """Every refusal is a problem with a code, and repeats nothing of what was sent."""
    marker = f"z{unique()[:20]}"
    refusals = [
        await bench.ada.ask("GET", f"/nowhere/{marker}"),
        await bench.ada.ask("GET", f"/rooms/{marker}"),
        await bench.ada.ask("POST", "/rooms", json={"name": "x", "visibility": marker}),
        await bench.ada.ask("POST", "/rooms", content=f'{{"{marker}'.encode(), headers=JSON),
        await bench.nobody.ask("GET", f"/users/me?{marker}=1"),
        await bench.nobody.ask("POST", "/auth/login", json={"username": marker, "password": marker}),
        await bench.ada.ask("DELETE", "/server"),
    ]
    for answer in refusals:
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        expect(kind == "application/problem+json", "an error is application/problem+json", kind)
        body = answer.json()
        missing = [name for name in PROBLEM if name not in body]
        expect(not missing, f"a problem has {', '.join(PROBLEM)}", body)
        expect(body["status"] == answer.status_code, "its `status` is that of the answer", body)
        expect(marker not in answer.text, "nothing of what was sent is repeated", answer.text)
    expect(
        refusals[-1].status_code == 405 and "Allow" in refusals[-1].headers, "405 has `Allow`", refusals[-1]
    )


async def strict(bench: Bench) -> None:
    """Requests are strict: unknown fields, wrong types, duplicate keys, NaN and other media types are refused."""
    ada, path = bench.ada, "/rooms"
    good = '"name": "Kit", "visibility": "private"'
    for status, code, text in (
        (422, "extra_forbidden", f'{{{good}, "colour": "red"}}'),
        (422, "invalid", '{"name": 7, "visibility": "private"}'),
        (400, "duplicate_key", f'{{{good}, "name": "Kit"}}'),
        (400, "bad_json", f'{{{good}, "topic": NaN}}'),
        (400, "bad_json", "{"),
    ):
        answer = await ada.ask("POST", path, content=text.encode(), headers=JSON)
        codes = {code, "invalid"} if status == 422 else {code}
        found = (answer.status_code, answer.json()["code"])
        expect(
            found[0] == status and found[1] in codes, f"{text} is refused with {status} {code}", answer.text
        )
    await ada.refused(
        415, "unsupported_media_type", "POST", path, content=b"{}", headers={"Content-Type": "text/plain"}
    )
    await ada.refused(422, "bad_cursor", "GET", "/rooms", params={"cursor": "of-nobody"})
    for limit in ("0", "-1", "+5", "05", "1e1", "many"):
        answer = await ada.ask("GET", "/rooms", params={"limit": limit})
        expect(answer.status_code == 422, f"limit={limit} is refused", answer.status_code)


async def tokens_in_queries(bench: Bench) -> None:
    """A token in a query lets nobody in."""
    for name in ("token", "access_token"):
        answer = await bench.nobody.ask("GET", "/users/me", params={name: bench.ada.access_token})
        expect(answer.status_code in {400, 401, 422}, "it is refused", answer.status_code)


async def answers(bench: Bench) -> None:
    """Every answer has X-Request-Id and is not to be kept; HEAD is answered as GET is; limits are told."""
    answer = await bench.ada.ask("GET", "/rooms", headers={"X-Request-Id": "kit-1"})
    expect(answer.headers.get("X-Request-Id") == "kit-1", "X-Request-Id is the request's own", answer.headers)
    expect("no-store" in answer.headers.get("Cache-Control", ""), "Cache-Control is no-store", answer.headers)
    expect("RateLimit" in answer.headers, "`RateLimit` tells what is left", answer.headers)
    head = await bench.ada.ask("HEAD", "/rooms")
    expect((head.status_code, head.content) == (200, b""), "HEAD is 200 without a body", head.status_code)
    made = (await bench.nobody.ask("GET", "/server")).headers.get("X-Request-Id", "")
    expect(ID.fullmatch(made), "X-Request-Id is made where there is none", made)


async def hidden(bench: Bench) -> None:
    """What a caller may not see answers exactly like what does not exist."""
    room_id = await bench.room()
    sent = await bench.send(bench.ada, room_id, "Hidden")
    for method, path, body in (
        ("GET", "/rooms/{}", None),
        ("GET", "/rooms/{}/messages", None),
        ("GET", f"/rooms/{{}}/messages/{sent['seq']}", None),
        ("GET", "/rooms/{}/log", None),
        ("GET", "/rooms/{}/members", None),
        ("POST", "/rooms/{}/join", None),
        ("POST", "/rooms/{}/messages", {"ref": "hidden", "body": "x"}),
        ("PUT", "/rooms/{}/read", {"seq": 1}),
    ):
        found = [
            await bench.bob.ask(method, path.format(one), json=body)
            for one in (room_id, unique()[: len(room_id)])
        ]
        texts = [_without_id(one.json()) for one in found]
        expect(found[0].status_code == 404, f"{method} {path} of a hidden room is 404", found[0].text)
        expect(texts[0] == texts[1], "both answers are the same", texts)


async def about(bench: Bench) -> None:
    """GET /server says what the server is, without an account."""
    told = await bench.nobody.get("/server")
    for name, kind in (
        ("name", str),
        ("version", str),
        ("signup", str),
        ("features", list),
        ("limits", dict),
    ):
        expect(isinstance(told.get(name), kind), f"`{name}` is a {kind.__name__}", told)
    limits = {"frame_bytes", "body_characters", "subscriptions", "replay"}
    expect(limits <= told["limits"].keys(), f"`limits` has {limits}", told["limits"])


def _without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


JSON: Final = {"Content-Type": "application/json"}

CHECKS: Final = (problems, strict, tokens_in_queries, answers, hidden, about)
