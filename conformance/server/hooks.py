"""Rules of incoming hooks and of webhooks: who has the address posts, and nobody else manages them."""

from typing import Any, Final

import httpx

from conformance.server.bench import Bench, expect, unique


async def hooks(bench: Bench) -> None:
    """Who has a hook's address posts as its bot, once for each key, until the hook is ended."""
    bench.needs("hooks")
    room_id = await bench.room(bench.bob)
    made = await bench.ada.done("POST", f"/rooms/{room_id}/hooks", json={"name": "Kit"})
    path = httpx.URL(made["url"]).raw_path.decode()
    key = {"Idempotency-Key": unique()}
    for _ in range(2):
        answer = await bench.nobody.ask("POST", path, json={"text": "<https://a.example|a> *b*"}, headers=key)
        expect((answer.status_code, answer.text) == (200, "ok"), "a post is answered `ok`", answer.text)
    posted = [one for one in await bench.log(bench.bob, room_id) if one["type"] == "message"]
    expect(len(posted) == 1, "two posts with one key are one message", len(posted))
    seen = (posted[0]["user_id"], posted[0].get("is_bot"))
    expect(seen == (made["user_id"], True), "its author is the bot of the hook", posted[0])
    await bench.nobody.refused(409, "ref_conflict", "POST", path, json={"text": "other"}, headers=key)
    listed = (await bench.ada.get(f"/rooms/{room_id}/hooks"))["items"]
    expect([one["hook_id"] for one in listed] == [made["hook_id"]], "the hook is listed", listed)
    expect(not any("url" in one for one in listed), "its address is not shown again", listed)
    await bench.bob.refused(403, "forbidden", "POST", f"/rooms/{room_id}/hooks", json={"name": "Kit"})
    await bench.ada.done("DELETE", f"/rooms/{room_id}/hooks/{made['hook_id']}")
    await bench.nobody.refused(404, "not_found", "POST", path, json={"text": "too late"})


async def webhooks(bench: Bench) -> None:
    """Owners make webhooks, whose secret is shown once; members see which there are, and no addresses."""
    bench.needs("webhooks")
    room_id = await bench.room(bench.bob)
    place = f"/rooms/{room_id}/webhooks"
    body: dict[str, Any] = {"url": "https://kit.example.com/in?key=1", "kinds": ["message"], "paused": True}
    await bench.bob.refused(403, "forbidden", "POST", place, json=body)
    made = await bench.ada.done("POST", place, json=body)
    expect(made["secret"].startswith("whsec_"), "the secret begins with whsec_", "another beginning")
    expect(
        (made["state"], made["kinds"]) == ("paused", ["message"]), "it is as it was asked for", made["state"]
    )
    for person, url in ((bench.ada, body["url"]), (bench.bob, None)):
        (seen,) = (await person.get(place))["items"]
        expect("secret" not in seen, "the secret is not shown again", sorted(seen))
        expect(seen["url"] == url, f"{person.username} sees the address {url}", seen["url"])
    own = f"{place}/{made['webhook_id']}"
    changed = await bench.ada.done("PATCH", own, json={"kinds": None})
    expect(changed["kinds"] is None, "`kinds` null means all", changed["kinds"])
    renewed = await bench.ada.done("POST", f"{own}/secret")
    expect(renewed["secret"] != made["secret"], "a new secret is another one", "the same")
    await bench.ada.done("DELETE", own)
    left = (await bench.ada.get(place))["items"]
    expect(left == [], "it is gone", left)


CHECKS: Final = (hooks, webhooks)
