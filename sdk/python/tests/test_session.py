"""A session renews itself, as docs/protocol.md says: one refresh at a time, and a new pair is kept before its use."""

import asyncio
from pathlib import Path

import httpx
import pytest

from scripted_server import QUICK, web_of
from tailwire_client import (
    FilePair,
    Kept,
    KeptInMemory,
    Pair,
    ProgramToken,
    Session,
    SessionEnded,
    Unauthorized,
    Unreachable,
)

pytestmark = pytest.mark.anyio


class Accounts:
    """What the server does: the token before the newest works, until its successor has been used."""

    def __init__(self) -> None:
        self.generation = 1
        self.refreshes: list[str] = []
        self.log_ins = 0
        self.lost = 0
        self.used: list[str] = []
        self.is_ended = False

    def pair(self) -> dict[str, object]:
        number = self.generation
        return {
            "access_token": f"a{number}",
            "refresh_token": f"r{number}",
            "expires_in": 900,
            "token_type": "bearer",
        }

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # so that those who ask at once are here at once
        if request.url.path == "/auth/login":
            self.log_ins += 1
            return httpx.Response(200, json=self.pair() | {"user": {}})
        if request.url.path == "/auth/refresh":
            return self._refresh(request)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.used.append(token)
        if token != f"a{self.generation}" or self.is_ended:
            return httpx.Response(401, json={"code": "unauthorized", "detail": "No"})
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    def _refresh(self, request: httpx.Request) -> httpx.Response:
        given = request.read().decode()
        self.refreshes.append(given)
        if self.is_ended:
            return httpx.Response(401, json={"code": "unauthorized", "detail": "No"})
        if f'"r{self.generation}"' in given:
            self.generation += 1
        else:
            assert f'"r{self.generation - 1}"' in given
        if self.lost:
            self.lost -= 1
            raise httpx.ReadError("the answer was lost")
        return httpx.Response(200, json=self.pair())


OLD = Pair("a0", "r1", 900)
"""A pair whose access token has ended, and whose refresh token holds."""


async def test_many_who_are_refused_at_once_share_one_refresh() -> None:
    accounts = Accounts()
    async with web_of(accounts, Session(pair=OLD, pace=QUICK)) as web:
        await asyncio.gather(*(web.get("/rooms") for _ in range(20)))
    assert len(accounts.refreshes) == 1
    assert accounts.used.count("a2") == 20


async def test_a_refresh_whose_answer_was_lost_is_made_again_with_the_same_token() -> None:
    accounts = Accounts()
    accounts.lost = 2
    async with web_of(accounts, Session(pair=OLD, pace=QUICK)) as web:
        await web.get("/rooms")
    assert (accounts.generation, len(accounts.refreshes), len(set(accounts.refreshes))) == (2, 3, 1)


async def test_a_new_pair_is_kept_before_it_is_used() -> None:
    accounts = Accounts()

    class Slow(KeptInMemory[Pair]):
        async def keep(self, value: Pair) -> None:
            await asyncio.sleep(0)
            assert value.access_token not in accounts.used
            await super().keep(value)

    kept: Kept[Pair] = Slow(OLD)
    async with web_of(accounts, Session(kept=kept, pace=QUICK)) as web:
        await web.get("/rooms")
    assert await kept.load() == Pair("a2", "r2", 900)


async def test_a_session_that_was_ended_is_final_and_nothing_logs_in_again() -> None:
    accounts = Accounts()
    async with web_of(accounts, Session("ada", "secret", pace=QUICK)) as web:
        await web.get("/rooms")
        accounts.is_ended = True
        for _ in range(2):
            with pytest.raises(SessionEnded):
                await web.get("/rooms")
    assert accounts.log_ins == 1


async def test_a_session_that_was_kept_goes_on_and_one_that_is_dead_is_replaced_by_a_log_in(
    tmp_path: Path,
) -> None:
    accounts = Accounts()
    kept = FilePair(tmp_path / "pair.json")
    await kept.keep(OLD)
    async with web_of(accounts, Session("ada", "secret", kept=kept, pace=QUICK)) as web:
        await web.get("/rooms")
    assert (accounts.log_ins, (tmp_path / "pair.json").stat().st_mode & 0o777) == (0, 0o600)
    accounts.is_ended = True
    async with web_of(accounts, Session("ada", "secret", kept=kept, pace=QUICK)) as web:
        with pytest.raises(SessionEnded):  # the new session of this script is dead as well
            await web.get("/rooms")
    assert accounts.log_ins == 1


async def test_a_token_that_ends_soon_is_renewed_before_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = Accounts()
    now = [1000.0]
    monkeypatch.setattr("tailwire_client.session.time.monotonic", lambda: now[0])
    async with web_of(accounts, Session(pair=Pair("a1", "r1", 900), pace=QUICK)) as web:
        await web.get("/rooms")
        now[0] += 890
        await web.get("/rooms")
    assert accounts.used == ["a1", "a2"]


async def test_a_server_that_is_away_is_not_the_end_of_a_session() -> None:
    accounts = Accounts()
    accounts.lost = 100
    async with web_of(accounts, Session(pair=OLD, pace=QUICK), patience_seconds=0) as web:
        with pytest.raises(Unreachable):
            await web.get("/rooms")
        accounts.lost = 0
        await web.get("/rooms")


async def test_a_wrong_password_is_told_as_what_it_is() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"code": "invalid_credentials", "detail": "No"})

    async with web_of(refuse, Session("ada", "wrong", pace=QUICK)) as web:
        with pytest.raises(Unauthorized) as caught:
            await web.get("/rooms")
    assert caught.value.code == "invalid_credentials"


async def test_the_token_of_a_program_that_ended_is_final() -> None:
    accounts = Accounts()
    async with web_of(accounts, ProgramToken("twt_ended")) as web:
        with pytest.raises(SessionEnded):
            await web.get("/rooms")
    assert accounts.used == ["twt_ended"]


def test_no_secret_stands_in_what_is_printed() -> None:
    assert "a0" not in repr(OLD) and "r1" not in repr(OLD)  # noqa: PT018
