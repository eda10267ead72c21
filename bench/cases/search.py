"""Search: how long the index of a corpus takes, how large it is, how soon a page is found, and what the index costs.

Readers are in few rooms and in many. While messages arrive, some of them hold a word that no other has, and it is
searched for until it is found.
"""

import json
import random
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bench.cases import rooms
from bench.cases.case import Case, Options
from bench.cases.corpus import SEED, Corpus
from bench.cases.fanout import Meter
from bench.cases.sends import run_alone
from bench.contenders import tailwire
from bench.contenders.tailwire import LOBBY, Node
from bench.machine.load import Failed, loading
from bench.report.results import Row, median

PROGRAM: Final = str(Path(__file__).with_name("corpus.py"))
MESSAGES: Final = 1_000_000
ROOMS: Final = 2_000
READERS: Final = {"few": 50, "many": 500, "quiet": 3}
"""The readers, and in how many rooms each is. The rooms of the last one are the quietest."""
COMMONEST: Final = 20
REPEATED: Final = 30
"""The reader of quiet rooms looks so often for each of the commonest words."""
BUILD_SECONDS: Final = 1_800.0
"""An index that is not made by then fails the case."""
RATE: Final = 1_000
SENDERS: Final = 50
PROBE_PAUSE_SECONDS: Final = 0.5
LOOK_PAUSE_SECONDS: Final = 0.01
FOUND_SECONDS: Final = 30.0
ON_RETHINKDB: Final = rooms.FEW
LIFTED: Final = {"TAILWIRE_SEARCHES_PER_MINUTE": "1000000"}
OFF: Final = {"TAILWIRE_SEARCH": "off", "TAILWIRE_SEARCH_PATH": "none.search.db"}
"""A node without search deletes the index that it finds at its place: this place has none."""
TURNS: Final = 3
"""Acks are compared in so many turns, each with the index and then without it, as machines change from minute to
minute."""


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    messages, rate = options.messages or MESSAGES, options.rate or RATE
    for contender in options.chosen(("tailwire",)):
        name = f"{messages:,} messages, {rate:,g}/s"
        measure = partial(_on_sqlite, contender.root, messages, rate, options.seconds)
        yield Case(contender.name, name, measure)
    for contender in options.chosen(("tailwire-rethinkdb",)):
        measure = partial(_on_rethinkdb, contender.root, options.seconds)
        yield Case(contender.name, ON_RETHINKDB.name, measure)


class Searcher:
    """A user who searches, over one connection."""

    def __init__(self, node: Node, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", node.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"}

    def look(self, query: str) -> tuple[int, Any]:
        """Search; return the status and the JSON of the answer."""
        self._connection.request("GET", f"/search?q={quote(query)}", headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def is_ready(self) -> bool:
        """Whether searches are answered. Raises `Failed` for any other problem than that the index is not made."""
        status, answer = self.look("word")
        if status not in {200, 503}:
            raise Failed(f"a search was answered by {status}: {answer}")
        return status == 200  # noqa: PLR2004

    def times(self, queries: Sequence[str]) -> list[float]:
        """Return how many milliseconds the first page of each query took, the shortest first. Raises `Failed`."""
        took = []
        for query in queries:
            before = time.perf_counter()
            status, answer = self.look(query)
            took.append(1e3 * (time.perf_counter() - before))
            if status != 200:  # noqa: PLR2004
                raise Failed(f"{query!r} was answered by {status}: {answer}")
        return sorted(took)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def queries() -> list[str]:
    """Return the queries: common and rare words, pairs, beginnings of words, and Chinese words of two characters."""
    corpus, chance = Corpus(), random.Random(SEED)
    words, han = corpus.words, corpus.han_words
    middling, rare = words[1_000:10_000], words[20_000:]
    return [
        *words[:COMMONEST],
        *chance.sample(middling, 150),
        *chance.sample(rare, 150),
        *(" ".join(chance.sample(words[:2_000], 2)) for _ in range(100)),
        *(f"{word[:3]}*" for word in chance.sample(middling, 100)),
        *chance.sample(han, 100),
    ]


def _on_sqlite(root: Path, messages: int, rate: float, seconds: float, directory: Path) -> Row:
    database = directory / f"{secrets.token_hex(4)}.db"
    store = f"sqlite:///{database}"
    with tailwire.node(store, directory, root=root, more=LIFTED | OFF) as node:
        users = {name: _signed_up(node, name) for name in READERS}
        tokens = node.sign_up(SENDERS)
    readers = [[users[name]["user"]["id"], name, count] for name, count in READERS.items()]
    figures = run_alone(PROGRAM, store, str(messages), str(ROOMS), json.dumps(readers), root=root)
    searchers = {name: user["access_token"] for name, user in users.items()}
    with tailwire.node(store, directory, root=root, more=LIFTED) as node:
        built = _built(node, searchers["few"])
        index_bytes = sum(file.stat().st_size for file in directory.glob(f"{database.stem}.search.db*"))
        figures |= {
            "build_seconds": built,
            "indexed": messages / built,
            "index_mb": index_bytes / 1e6,
            "store_mb": database.stat().st_size / 1e6,
            **_pages(node, searchers),
        }
        with _probing(node, tokens[0]) as found:
            _arriving(node, tokens, rate, seconds, directory)
    found.sort()
    on, off = list[Row](), list[Row]()
    for _ in range(TURNS):
        for rows, more in ((on, {}), (off, OFF)):
            with tailwire.node(store, directory, root=root, more=LIFTED | more) as node:
                if not more:
                    _built(node, searchers["few"])
                rows.append(_arriving(node, tokens, rate, seconds, directory))
    return {
        **on[-1],
        **figures,
        "found_p50_ms": found[len(found) // 2],
        "found_p99_ms": found[int(len(found) * 0.99)],
        "ack_p50_ms": median(on, "ack_p50_ms"),
        "ack_p99_ms": median(on, "ack_p99_ms"),
        "ack_ratio": _ratio(on, off, "ack_p50_ms"),
        "ack_p99_ratio": _ratio(on, off, "ack_p99_ms"),
    }


def _ratio(on: list[Row], off: list[Row], name: str) -> float:
    """Return the median of a figure over turns with the index to that without it."""
    return (median(on, name) or 0.0) / (median(off, name) or 1.0)


def _signed_up(node: Node, username: str) -> Any:
    password = secrets.token_urlsafe(16)
    return node.ask("POST", "/auth/signup", body={"username": username, "password": password})


def _built(node: Node, token: str) -> float:
    """Wait until searches are answered; return after how many seconds. Raises `Failed`."""
    searcher, began = Searcher(node, token), time.monotonic()
    while not searcher.is_ready():
        if time.monotonic() > began + BUILD_SECONDS:
            raise Failed("the index is not made")
        time.sleep(0.1)
    searcher.close()
    return time.monotonic() - began


def _pages(node: Node, tokens: Mapping[str, str]) -> Row:
    """Return how long the first page takes, for each reader."""
    asked = queries()
    figures: Row = {}
    for name, token in tokens.items():
        searcher = Searcher(node, token)
        took = searcher.times(asked[:COMMONEST] * REPEATED if name == "quiet" else asked)
        searcher.close()
        figures |= {f"{name}_p50_ms": took[len(took) // 2], f"{name}_p99_ms": took[int(len(took) * 0.99)]}
    return figures


def _arriving(node: Node, tokens: list[str], rate: float, seconds: float, directory: Path) -> Row:
    """Let messages arrive in the lobby at this rate. One socket receives them."""
    subject = tailwire.subject(node, tokens)
    listener, *senders = subject.sockets(SENDERS + 1)
    senders = [replace(one, sends=True, receives=False, hello="", ready=tailwire.READY) for one in senders]
    meter = Meter(subject)
    with loading(subject.plan([listener, *senders], rate=rate, seconds=seconds), directory) as load:
        return meter.row(load.run(meter.hear))


@contextmanager
def _probing(node: Node, token: str) -> Iterator[list[float]]:
    """Send messages during the block, and search for each. Yields after how many milliseconds each was found."""
    found: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        searcher = Searcher(node, token)
        while not ended.wait(PROBE_PAUSE_SECONDS):
            word = f"q{secrets.token_hex(8)}"
            began = time.perf_counter()
            node.ask("POST", f"/rooms/{LOBBY}/messages", token, {"ref": word, "body": f"found by {word}"})
            while time.perf_counter() < began + FOUND_SECONDS and not searcher.look(word)[1].get("items"):
                time.sleep(LOOK_PAUSE_SECONDS)
            found.append(1e3 * (time.perf_counter() - began))
        searcher.close()

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _on_rethinkdb(root: Path, seconds: float, directory: Path) -> Row:
    """Let messages arrive in many rooms, with the index and without it."""
    on, off = (
        _measured(root, seconds, directory, settings)
        for settings in ({"TAILWIRE_SEARCH_PATH": str(directory / "search.db")}, OFF)
    )
    return {
        **on,
        "message_us": on["cpu_us"],
        "message_off_us": off["cpu_us"],
        "database_off_us": off["database_us"],
        "ack_ratio": on["ack_p50_ms"] / off["ack_p50_ms"],
        "ack_p99_ratio": on["ack_p99_ms"] / off["ack_p99_ms"],
    }


def _measured(root: Path, seconds: float, directory: Path, settings: Mapping[str, str]) -> Row:
    with rooms.running(ON_RETHINKDB.rooms, 0, directory, root, more=settings) as (subject, sockets):
        return rooms.run(subject, sockets, ON_RETHINKDB.rate, seconds, directory)
