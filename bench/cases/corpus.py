"""A corpus: messages made from a seed, as alike as they can be to what people write, and a program that appends them.

`python -P corpus.py STORE MESSAGES ROOMS READERS`: READERS is JSON, a list of [user id, username, number of rooms]. A
reader of few rooms is in the quietest ones, any other one in rooms by chance. The program prints how many messages were
appended a second.

Words are drawn as Zipf found them: the n-th commonest has the weight 1 / (n + 2.7) (Mandelbrot's form, 1953). Rooms are
as unequal.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, product
from typing import Any, Final

from api.models.accounts import Account, User
from api.models.log import Draft, EntryData, Kind
from api.models.rooms import Role, Room, Visibility
from api.rooms import policy
from api.store import open_store
from api.store.base.store import Store

SEED: Final = 21
WORDS: Final = 40_000
"""Different words of Latin letters."""
HAN_WORDS: Final = 8_000
"""Different Chinese words, each of two characters."""
HAN_CHARACTERS: Final = 2_000
HAN_SHARE: Final = 0.08
"""The share of messages that are Chinese."""
MOST_WORDS: Final = 23
"""A message has one word to so many, each number as often. In UTF-8 that makes 55 bytes on average."""
MOST_HAN_WORDS: Final = 17
MANDELBROT: Final = 2.7
QUIET_ROOMS: Final = 3
"""A reader of at most so many rooms is in the quietest ones."""
AUTHORS: Final = 50
AT_ONCE: Final = 500
BLOCK: Final = 1_000
YEAR_MILLISECONDS: Final = 365 * 24 * 60 * 60 * 1_000
"""The messages are spread over the year before."""

_CONSONANTS: Final = "tnshrdlcmwfgypbvk"
_VOWELS: Final = "eaoiu"
_FIRST_HAN: Final = 0x4E00


class Corpus:
    """See the module. The same seed makes the same words, messages and rooms."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self.words: Sequence[str] = list(islice(_words(), WORDS))
        """The commonest first."""
        self.han_words: Sequence[str] = self._made_han_words()
        self._weights = _zipf(WORDS)
        self._han_weights = _zipf(HAN_WORDS)

    def bodies(self) -> Iterator[str]:
        """Yield the text of one message after another."""
        chance = self._random
        while True:
            if chance.random() < HAN_SHARE:
                count = chance.randint(1, MOST_HAN_WORDS)
                yield "".join(chance.choices(self.han_words, cum_weights=self._han_weights, k=count))
            else:
                count = chance.randint(1, MOST_WORDS)
                yield " ".join(chance.choices(self.words, cum_weights=self._weights, k=count))

    def rooms(self, count: int) -> Iterator[int]:
        """Yield the number of the room of each message. The last of them are the quietest."""
        weights = _zipf(count)
        while True:
            yield from self._random.choices(range(count), cum_weights=weights, k=BLOCK)

    def rooms_of_reader(self, wanted: int, count: int) -> list[int]:
        """Return the numbers of the rooms of a reader."""
        if wanted <= QUIET_ROOMS:
            return list(range(count))[-wanted:]
        return self._random.sample(range(count), min(wanted, count))

    def _made_han_words(self) -> list[str]:
        characters = self._random.sample(range(_FIRST_HAN, _FIRST_HAN + 2 * HAN_CHARACTERS), HAN_CHARACTERS)
        pairs = self._random.sample(range(HAN_CHARACTERS**2), HAN_WORDS)
        return [
            chr(characters[pair // HAN_CHARACTERS]) + chr(characters[pair % HAN_CHARACTERS]) for pair in pairs
        ]


def _words() -> Iterator[str]:
    """Yield words that can be said, the shorter ones first, as common words are short."""
    syllables = [consonant + vowel for vowel, consonant in product(_VOWELS, _CONSONANTS)]
    for length in (1, 2, 3):
        for parts in product(syllables, repeat=length):
            yield "".join(parts)


def _zipf(count: int) -> list[float]:
    """Return the cumulated weights of so many things, the commonest first."""
    return list(accumulate(1 / (number + MANDELBROT) for number in range(1, count + 1)))


async def fill(
    store: Store, messages: int, rooms: int, readers: Sequence[tuple[str, str, int]]
) -> dict[str, Any]:
    """See the module."""
    corpus, now = Corpus(), time.time_ns() // 1_000_000
    authors = [User(f"author-{number}", f"author{number}", "", 0) for number in range(AUTHORS)]
    for author in authors:
        await store.accounts.create(Account(author, author.username, None))
    ids = [f"room-{number:05}" for number in range(rooms)]
    begun_at = now - YEAR_MILLISECONDS
    for number, room_id in enumerate(ids):
        room = Room(room_id, f"Room {number:05}", "", Visibility.PUBLIC, begun_at)
        await store.rooms.create(room, authors[0])
    for user_id, username, wanted in readers:
        reader, rule = User(user_id, username, "", 0), policy.setting_role(Role.MEMBER)
        for number in corpus.rooms_of_reader(wanted, rooms):
            await store.members.change(ids[number], reader, by=authors[0].id, at=begun_at, rule=rule)
    pairs = islice(zip(corpus.rooms(rooms), corpus.bodies(), strict=False), messages)
    drafts = enumerate(pairs)

    async def send() -> None:
        for number, (room, body) in drafts:
            data: EntryData = {"body": body, "reply_to": None}
            author = authors[number % AUTHORS]
            at = begun_at + number * YEAR_MILLISECONDS // messages
            draft = Draft(Kind.MESSAGE, author.id, author.username, at, f"{number:020}", data)
            await store.log.append(ids[room], draft)

    began = time.monotonic()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return {"appends": messages / (time.monotonic() - began)}


async def main(url: str, messages: str, rooms: str, readers: str) -> None:
    """Open the store, fill it, and print the figures."""
    store = await open_store(url)
    try:
        figures = await fill(store, int(messages), int(rooms), json.loads(readers))
    finally:
        await store.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
