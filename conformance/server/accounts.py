"""Rules of accounts: log-ins, refreshes, ends of sessions, tokens of programs."""

from dataclasses import replace
from typing import Any, Final

from conformance.server.bench import Bench, eventually, expect, unique
from conformance.server.people import Person

SESSION_ENDED: Final = 4501


async def wrong_passwords(bench: Bench) -> None:
    """A wrong password and an unknown name are answered alike."""
    bodies = []
    for username in (bench.eve.username, f"nobody-{unique()[:12]}"):
        answer = await bench.nobody.refused(
            401,
            "invalid_credentials",
            "POST",
            "/auth/login",
            json={"username": username, "password": "not the password"},
        )
        bodies.append({name: value for name, value in answer.json().items() if name != "request_id"})
    expect(bodies[0] == bodies[1], "both answers are the same", bodies)


async def bad_tokens(bench: Bench) -> None:
    """A token that does not hold is 401 `unauthorized` everywhere."""
    for token in ("of-nobody", f"{bench.ada.access_token}x", f"twt_{'x' * 43}"):
        await bench.nobody.refused(401, "unauthorized", "GET", "/users/me", token=token)
    await bench.nobody.refused(401, "unauthorized", "GET", "/users/me")


async def refreshes(bench: Bench) -> None:
    """A refresh token whose answer was lost works again, until the new pair is used; then it ends the session."""
    person = await _logged_in(bench)
    first = person.refresh_token
    lost = await _refreshed(bench, first)
    again = await _refreshed(bench, first)
    expect(again["refresh_token"] != first, "each refresh gives another token", "it is the same")
    expect(
        lost["refresh_token"] == again["refresh_token"],
        "a lost answer is given again: the newest pair",
        "they differ",
    )
    await bench.nobody.done("GET", "/users/me", token=again["access_token"])
    await bench.nobody.refused(401, "unauthorized", "POST", "/auth/refresh", json={"refresh_token": first})
    await bench.nobody.refused(
        401, "unauthorized", "POST", "/auth/refresh", json={"refresh_token": again["refresh_token"]}
    )
    await _ends(bench, again["access_token"])


async def logout(bench: Bench) -> None:
    """A session that ends closes its sockets with 4501, and its tokens hold no more."""
    person = await _logged_in(bench)
    async with person.socket() as socket:
        await person.done("POST", "/auth/logout")
        code = await socket.closed()
        expect(code == SESSION_ENDED, "its socket is closed with 4501", code)
    await _ends(bench, person.access_token)
    await bench.nobody.refused(
        401, "unauthorized", "POST", "/auth/refresh", json={"refresh_token": person.refresh_token}
    )
    await bench.eve.get("/users/me")


async def sessions(bench: Bench) -> None:
    """One's sessions are listed, and one of them is ended by another."""
    person = await _logged_in(bench)
    listed = (await person.get("/auth/sessions"))["items"]
    expect(sum(one["current"] for one in listed) == 1, "one of them is the current one", listed)
    current = next(one["id"] for one in listed if one["current"])
    async with person.socket() as socket:
        expect(socket.events[0]["session_id"] == current, "`ready` names the session", dict(socket.events[0]))
        await bench.eve.done("DELETE", f"/auth/sessions/{current}")
        code = await socket.closed()
        expect(code == SESSION_ENDED, "its socket is closed with 4501", code)
    await bench.ada.refused(404, "not_found", "DELETE", f"/auth/sessions/{current}")


async def bots(bench: Bench) -> None:
    """The token of a bot is bound to its scopes, and ends at once."""
    bench.needs("bots")
    bot = await bench.eve.done("POST", "/bots", json={"username": f"bot-{unique()[:12]}"})
    place = f"/bots/{bot['id']}"
    try:
        made = await bench.eve.done("POST", f"{place}/tokens", json={"name": "Kit", "scopes": ["read"]})
        person = _as(bench.eve, access_token=made["token"], username=bot["username"])
        expect(made["token"].startswith("twt_"), "it begins with twt_", "it does not")
        me = await person.get("/users/me")
        expect((me["id"], me["is_bot"]) == (bot["id"], True), "it acts as the bot", me)
        room_id = await bench.room()
        await bench.ada.done("PUT", f"/rooms/{room_id}/members/{bot['id']}", json={"role": "member"})
        message = {"ref": unique(), "body": "No"}
        await person.refused(403, "forbidden", "POST", f"/rooms/{room_id}/messages", json=message)
        async with bench.listening(person, room_id) as socket:
            sent = await bench.send(bench.ada, room_id, "To the bot")
            await socket.reached(room_id, sent["seq"])
            await bench.eve.done("DELETE", f"{place}/tokens/{made['token_id']}")
            code = await socket.closed()
            expect(code == SESSION_ENDED, "its socket is closed with 4501", code)
        await _ends(bench, made["token"])
    finally:
        await bench.eve.done("DELETE", place)


async def _logged_in(bench: Bench) -> Person:
    """Return Eve with a further session."""
    body = {"username": bench.eve.username, "password": bench.eve.password}
    answer = await bench.nobody.done("POST", "/auth/login", json=body)
    return _as(bench.eve, access_token=answer["access_token"], refresh_token=answer["refresh_token"])


def _as(person: Person, **fields: Any) -> Person:
    return replace(person, **fields)


async def _refreshed(bench: Bench, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = await bench.nobody.done("POST", "/auth/refresh", json={"refresh_token": token})
    return answer


async def _ends(bench: Bench, token: str) -> None:
    async def is_refused() -> bool:
        return (await bench.nobody.ask("GET", "/users/me", token=token)).status_code == 401

    await eventually(is_refused, "its access token holds no more")


CHECKS: Final = (wrong_passwords, bad_tokens, refreshes, logout, sessions, bots)
