"""The short query of an append does the same as the long one, on copies of the same head.

ReQL says twice how a batch of new messages changes a head. These examples run both queries.
"""

from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from api.models.log import Kind
from api.store.cluster.append_query import append_query, quick_query
from api.store.cluster.queries import Mark
from api.store.rethinkdb import Pool, r

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

EPOCH, ATTEMPT = "epoch", "attempt-of-ours"
USERS = ["alice", "bob", "carol"]
SHORT, LONG = "room-short", "room-long"
FLUSHED_ID = "flushed"
"""The id of a flushed entry of another room."""
MOST_IN_TAIL = 80  # more than twice TRIM_LAG, so that appends trim


class Case(NamedTuple):
    """A head, a batch of new messages, and the knowledge of the node that appends them."""

    head: dict[str, Any]
    rows: list[dict[str, Any]]
    mark: Mark
    seen: dict[str, int]

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
    mark = Mark(draw(st.sampled_from([EPOCH, EPOCH, EPOCH, EPOCH, "another"])), draw(marks))
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


async def play(behind: Pool, case: Case) -> tuple[Any, Any, Any, Any]:
    """Append the same to two copies of a head; return both answers and both new heads."""
    table = r.table("heads")
    copies = [
        {**case.head, "id": room_id, "tail": [one | {"room_id": room_id} for one in case.head["tail"]]}
        for room_id in (SHORT, LONG)
    ]
    await behind.write(table.insert(copies, conflict="replace", durability="soft"))
    short = await behind.run(quick_query(*case.run(SHORT)))
    long = await behind.run(append_query(*case.run(LONG)))
    after = [of_any_room(await behind.run(table.get(room_id))) for room_id in (SHORT, LONG)]
    return short, long, *after


@pytest.fixture
async def a_flushed_entry(behind: Pool) -> None:
    flushed = row(FLUSHED_ID, "alice", room_id="room-else", seq=1, number=1, attempt="long ago")
    await behind.write(
        r.table("batches").insert({"id": ["room-else", 1], "attempt": "long ago", "rows": [flushed]})
    )


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
async def test_the_short_query_appends_as_the_long_one_does_or_nothing(behind: Pool, case: Case) -> None:
    short, long, after_short, after_long = await play(behind, case)
    if short is None:
        assert after_short == case.head | {"tail": of_any_room(case.head["tail"])}
        return
    assert after_short == after_long
    assert (long["missing"], long["errors"], long["written"]) == (False, 0, 1)
    assert (long["epoch"], long["flushed"]) == (short["epoch"], short["flushed"])
    assert (long["found"], long["moved"]) == ([], [])
    assert long["known"] == [
        {"id": one["id"], "seq": seq, "attempt": ATTEMPT} for seq, one in enumerate(case.rows, short["first"])
    ]


@pytest.mark.usefixtures("a_flushed_entry")
@EXAMPLES
@given(case=cases())
async def test_the_short_query_appends_whatever_nothing_stands_against(behind: Pool, case: Case) -> None:
    """It leaves two cases to the long one: heads from before `moves`, and marks of another epoch."""
    assume("moves" in case.head)
    assume(case.mark.epoch == EPOCH)
    short, long, _, after_long = await play(behind, case)
    is_all_new = after_long["seq"] == case.head["seq"] + len(case.rows)
    assert (short is not None) == is_all_new
    assert bool(long["written"]) or not is_all_new
