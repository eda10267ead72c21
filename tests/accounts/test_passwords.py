"""Passwords and their hashes (api/accounts/passwords.py)."""

from collections.abc import AsyncIterator

import pytest

from api.accounts.passwords import Passwords

pytestmark = pytest.mark.anyio


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_password_fits_its_own_hash_only(passwords: Passwords) -> None:
    one, other = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one != other, "salted"
    assert one.startswith("$argon2id$")
    assert await passwords.verify("correct horse", one) == (True, None)
    assert await passwords.verify("correct horsE", one) == (False, None)
    assert await passwords.verify("", one) == (False, None)


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$broken", "$2b$12$" + "x" * 53])
async def test_a_hash_that_is_none_fits_nothing(passwords: Passwords, stored: str | None) -> None:
    assert await passwords.verify("correct horse", stored) == (False, None)


@pytest.mark.parametrize("stored", [None, "", "garbage"])
async def test_what_cannot_fit_costs_as_much_as_what_does_not(
    passwords: Passwords, stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[bool] = []
    monkeypatch.setattr(passwords._context, "dummy_verify", lambda: costs.append(True))
    assert await passwords.verify("x" * 5_000, stored or await passwords.hash("y")) == (False, None)
    assert await passwords.verify("x" * 5_000, None) == (False, None)
    assert len(costs) == 2
