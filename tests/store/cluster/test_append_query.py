"""The queries of an append do the same to copies of the same head, and as the node computes it.

ReQL and Python say three times how new messages change a head. These examples run all of them.
"""

from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from api.models.log import Kind
from api.models.rooms import LOBBY_ID
from api.store.cluster import append_query
from api.store.cluster.append_query import exact_append, relative_query
from api.store.cluster.heads import NOTED, is_mark_of, read_head
from api.store.cluster.queries import Mark
from api.store.rethinkdb import Pool, r

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

EPOCH, ATTEMPT = "epoch", "attempt-of-ours"
USERS = ["alice", "bob", "carol"]
PLAIN, ANY, EXACT = "room-plain", "room-any", "room-exact"
FLUSHED_ID = "flushed"
"""The id of a flushed entry of another room."""
MOST_IN_TAIL = 80  # more than twice TRIM_LAG, so that appends trim


class Case(NamedTuple):
    """A head, a batch of new messages, and the knowledge of the node that appends them."""

    head: dict[str, Any]
    rows: list[dict[str, Any]]
    mark: Mark
    seen: dict[str, int]

    def head_in(self, room_id: str) -> dict[str, Any]:
        """Return the copy of the head in this room."""
        tail = [one | {"room_id": room_id} for one in self.head["tail"]]
        return {**self.head, "id": room_id, "tail": tail}

    def is_clear(self) -> bool:
        """Say whether nothing is in the way of the append."""
        head, known = self.head, {one["id"] for one in self.head["tail"]} | {FLUSHED_ID}
        moves = read_head(self.head_in(PLAIN), 0)
        return (
            self.mark.epoch == EPOCH
            and head["trimmed"] <= self.mark.seq
            and is_mark_of(self.mark, moves, head["tail"])
            and not known & {one["id"] for one in self.rows}
            and not any(moves.has_moved(user_id, as_of) for user_id, as_of in self.seen.items())
        )

    def run(self, room_id: str) -> tuple[str, list[dict[str, Any]], Mark, dict[str, int]]:
        """Return the arguments of both queries, for a copy of the head in this room."""
        return room_id, [row | {"room_id": room_id} for row in self.rows], self.mark, self.seen


def row(id_: str, user_id: str, kind: Kind = Kind.MESSAGE, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"body": f"body of {id_}", "reply_to": None}
    if kind is Kind.MEMBER:
        data = {"role": "member", "by": user_id}
    return {
        "id": id_,
        "kind": kind.value,
        "user_id": user_id,
        "username": user_id,
        "at": 1_000,
        "ref": id_,
        "data": data,
        "digest": f"digest of {id_}",
        **more,
    }


@st.composite
def heads(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a head of any version, also one from before `moves`."""
    trimmed = draw(st.integers(0, 50))
    kinds = st.sampled_from([Kind.MESSAGE, Kind.MESSAGE, Kind.MEMBER])
    pattern = draw(st.lists(st.tuples(kinds, st.sampled_from(USERS)), min_size=1, max_size=7))
    number, message_seq, tail = draw(st.integers(0, trimmed)), 0, []
    for seq in range(trimmed + 1, trimmed + 1 + draw(st.integers(0, MOST_IN_TAIL))):
        kind, user_id = pattern[seq % len(pattern)]
        if kind is Kind.MESSAGE:
            number, message_seq = number + 1, seq
        tail.append(row(f"old-{seq}", user_id, kind, seq=seq, number=number, attempt=f"attempt-{seq // 3}"))
    seq = trimmed + len(tail)
    head = {
        "epoch": EPOCH,
        "seq": seq,
        "number": number,
        "message_seq": message_seq,
        "flushed": draw(st.integers(trimmed, seq)),
        "retries": draw(st.integers(0, 2)),
        "trimmed": trimmed,
        "tail": tail,
    }
    if draw(st.integers(0, 9)):
        changes = [
            {"user_id": one["user_id"], "seq": one["seq"]} for one in tail if one["kind"] == Kind.MEMBER
        ]
        dropped = draw(st.integers(0, trimmed))
        moves = {"dropped": dropped, "rows": [one for one in changes if one["seq"] > dropped]}
        head |= {"moves": moves, "moved": changes[-1]["seq"] if changes else dropped, "attempt": "before"}
    return head


@st.composite
def cases(draw: st.DrawFn) -> Case:
    head = draw(heads())
    ids = [f"new-{n}" for n in range(draw(st.integers(1, 8)))]
    known = [one["id"] for one in head["tail"]]
    if not draw(st.integers(0, 4)):
        ids[-1] = draw(st.sampled_from([*known, FLUSHED_ID]))  # a retry
    rows = [row(id_, draw(st.sampled_from(USERS)), attempt=ATTEMPT) for id_ in ids]
    marks = st.sampled_from([head["flushed"], head["trimmed"], head["seq"], head["seq"] + 1, 0])
    marked = draw(marks)
    at_mark = [one["attempt"] for one in head["tail"] if one["seq"] == marked]
    attempts = st.sampled_from([*at_mark, *at_mark, *at_mark, "of another life"])
    mark = Mark(draw(st.sampled_from([EPOCH, EPOCH, EPOCH, EPOCH, "another"])), marked, draw(attempts))
    as_of = st.sampled_from([head["seq"], head["seq"], head["flushed"], head["trimmed"], 0])
    seen = draw(st.dictionaries(st.sampled_from(USERS), as_of))
    return Case(head, rows, mark, seen)


def of_any_room(value: Any) -> Any:
    """Return a head or rows without the names of their rooms."""
    if isinstance(value, list):
        return [of_any_room(one) for one in value]
    if isinstance(value, dict):
        named = {"room_id"} | ({"id"} if "tail" in value else set())
        return {name: of_any_room(one) for name, one in value.items() if name not in named}
    return value


async def copied(behind: Pool, case: Case) -> None:
    """Make a copy of the head in each room."""
    copies = [case.head_in(room_id) for room_id in (PLAIN, ANY, EXACT)]
    await behind.write(r.table("heads").insert(copies, conflict="replace", durability="soft"))


async def after(behind: Pool, room_id: str) -> Any:
    return of_any_room(await behind.run(r.table("heads").get(room_id)))


@pytest.fixture
async def a_flushed_entry(behind: Pool) -> None:
    await behind.write(r.table("refs").insert({"id": FLUSHED_ID, "places": [["room-else", 1]]}))


EXAMPLES = settings(
    max_examples=120,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.usefixtures("a_flushed_entry")
@EXAMPLES
@given(case=cases())
async def test_messages_are_appended_to_a_head_that_may_have_grown_if_nothing_is_in_the_way(
    behind: Pool, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await copied(behind, case)
    answer = await behind.run(relative_query(*case.run(PLAIN)))
    with monkeypatch.context() as patched:  # as if other entries came with them
        patched.setattr(append_query, "_MESSAGES", lambda given: append_query._ANY(given | {"room": None}))
        other = await behind.run(relative_query(*case.run(ANY)))
    assert answer == other
    assert (answer is not None) == case.is_clear()
    made = await after(behind, PLAIN)
    if answer is None:
        assert made == case.head | {"tail": of_any_room(case.head["tail"])}
        return
    moves = {"moves", "moved", "members"}  # the first versions had none
    assert {name: one for name, one in (await after(behind, ANY)).items() if name not in moves} == {
        name: one for name, one in made.items() if name not in moves
    }
    first = case.head["seq"] + 1
    assert (answer["first"], answer["epoch"]) == (first, EPOCH)
    assert [made[name] for name in ("seq", "flushed", "trimmed")] == [
        answer[name] for name in ("seq", "flushed", "trimmed")
    ]
    new = [one | {"seq": seq, "batch": first} for seq, one in enumerate(case.rows, first)]
    assert made["tail"] == [
        one for one in [*of_any_room(case.head["tail"]), *new] if one["seq"] > made["trimmed"]
    ]
    assert made["trimmed"] <= max(case.mark.seq, case.head["flushed"])


@pytest.mark.usefixtures("a_flushed_entry")
@EXAMPLES
@given(case=cases())
async def test_a_node_computes_of_a_head_that_it_knows_what_the_database_would(
    behind: Pool, case: Case
) -> None:
    known = read_head(case.head_in(EXACT), 0)
    assume(known.may_append(case.rows, case.seen))
    flushed = {one["id"] for one in case.head["tail"] if one["seq"] <= case.head["flushed"]}
    assume(not flushed & {one["id"] for one in case.rows})  # such a ref is in the table `refs`
    await copied(behind, case)
    rows = case.run(EXACT)[1]
    exact = exact_append(EXACT, known, rows, case.head["flushed"])
    counts = await behind.run(exact.query)
    if any(one["id"] == FLUSHED_ID for one in case.rows):
        assert counts is None
        return
    assert (counts["replaced"], counts["errors"]) == (1, 0)
    mark = Mark(EPOCH, case.head["flushed"])
    await behind.run(relative_query(PLAIN, case.run(PLAIN)[1], mark, {}))
    made, other = await after(behind, EXACT), await after(behind, PLAIN)
    trimmed = max(made["trimmed"], other["trimmed"])  # less is kept for readers behind one who writes little
    for head in (made, other):
        head["tail"] = [one for one in head["tail"] if one["seq"] > trimmed]
        head["trimmed"] = 0
    assert made == other
    known.grow(exact.rows, flushed=exact.flushed, trimmed=exact.trimmed)
    if "moves" in case.head:
        assert known == read_head(await behind.run(r.table("heads").get(EXACT)), 0)
    assert (await behind.run(exact.query))["replaced"] == 0, "the head is another now"


async def test_a_head_notes_mentions_of_its_newest_messages_only_however_they_are_appended(
    behind: Pool,
) -> None:
    epoch = await behind.run(r.table("heads").get(LOBBY_ID)["epoch"])
    for n in range(NOTED + 4):
        new = row(f"{n}", "alice", attempt=f"{n}") | {"room_id": LOBBY_ID}
        new["data"]["mentions"] = ["bob"]
        assert await behind.run(relative_query(LOBBY_ID, [new], Mark(epoch, 0), {})) is not None
    mentioned = await behind.run(r.table("heads").get(LOBBY_ID)["mentioned"])
    assert mentioned == [[seq, ["bob"]] for seq in range(5, NOTED + 5)]
