"""The addresses of files: they open for five to ten minutes, under any of the secrets, what they were made for."""

import pytest

from api.errors import NotFound
from api.files.addresses import VALID_MS, FileAddresses
from api.files.store import Part

NOW = 7 * VALID_MS + 123_456
OLD, NEW = "an old secret that signs", "a new secret that signs"


def opened(addresses: FileAddresses, path: str, now: int) -> Part:
    _, _, file_id, mark, name = path.split("/")
    return addresses.open(file_id, mark, name, now=now)[0]


@pytest.mark.parametrize("part", [Part.FILE, Part.THUMB])
@pytest.mark.parametrize("now", [NOW, 7 * VALID_MS, 8 * VALID_MS - 1])
def test_an_address_opens_for_five_to_ten_minutes(part: Part, now: int) -> None:
    addresses = FileAddresses([NEW])
    made = addresses.make("f1", "cat.png", part, now=now)
    assert VALID_MS <= made.expires_at - now <= 2 * VALID_MS
    assert opened(addresses, made.path, now) == opened(addresses, made.path, made.expires_at - 1) == part
    for later in (made.expires_at, made.expires_at + 10 * VALID_MS):
        with pytest.raises(NotFound):
            opened(addresses, made.path, later)


def test_all_who_ask_within_five_minutes_get_the_same_address() -> None:
    addresses = FileAddresses([NEW])
    asked = {
        addresses.make("f1", "cat.png", Part.FILE, now=7 * VALID_MS + one) for one in (1, 99, VALID_MS - 1)
    }
    assert len(asked) == 1


def test_an_address_by_an_earlier_secret_opens_and_new_ones_are_by_the_newest() -> None:
    before, between, after = FileAddresses([OLD]), FileAddresses([NEW, OLD]), FileAddresses([NEW])
    old = before.make("f1", "cat.png", Part.FILE, now=NOW).path
    new = between.make("f1", "cat.png", Part.FILE, now=NOW).path
    assert opened(between, old, NOW) == opened(between, new, NOW) == opened(after, new, NOW) == Part.FILE
    for addresses, path in ((before, new), (after, old)):
        with pytest.raises(NotFound):
            opened(addresses, path, NOW)
