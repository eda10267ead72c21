"""The row of a changed message, with the documents beside it, tells what the fold over all its entries gives."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import orjson
from hypothesis import given
from hypothesis import strategies as st

from api.models.log import Entry, EntryData, Kind
from api.store import fold
from api.store.cluster import changed as cluster_changed
from api.store.cluster.changed import Changed, Who, reaction_key
from api.store.fold import Changes

ROOM = "lobby"
SHOWN = 3  # so few are shown here, and so few are kept in a row, that short histories reach all of it
EMOJI = ("👍", "🎉")
USERS = [f"user-{n}" for n in range(9)]

KINDS = st.sampled_from([Kind.REACTION] * 12 + [Kind.EDIT, Kind.PIN, Kind.PREVIEW])


def entry(seq: int, kind: Kind, *, by: int, flag: bool, emoji: str) -> Entry:
    data: dict[Kind, EntryData] = {
        Kind.REACTION: {"target": 1, "emoji": emoji, "added": flag},
        Kind.EDIT: {"target": 1, "body": f"edited {seq}"},
        Kind.PIN: {"target": 1, "pinned": flag},
        Kind.PREVIEW: {"target": 1, "previews": [{"url": f"{seq}", "title": "x"}], "removed": flag},
        Kind.DELETE: {"target": 1},
    }
    return Entry(ROOM, seq, kind, USERS[by], "x", 1_000 * seq, None, data[kind])


STEPS = st.lists(
    st.tuples(KINDS, st.integers(0, len(USERS) - 1), st.booleans(), st.sampled_from(EMOJI)), max_size=80
)


class Tables:
    """The tables `changed` and `reactions`, without a database."""

    def __init__(self) -> None:
        self.row: bytes | None = None
        self.reactions: dict[str, dict[str, Any]] = {}

    def read(self) -> Changed:
        return Changed(ROOM, 1, "epoch") if self.row is None else Changed.read(orjson.loads(self.row))

    def apply(self, changed: Changed, entries: list[Entry]) -> None:
        stored = {
            who: row["place"][-1]
            for who in changed.unknown(entries)
            if (row := self.reactions.get(reaction_key(changed, who))) is not None
        }
        changed.apply(entries, stored)
        for emoji in changed.short():
            changed.refill(emoji, self.standing(changed, emoji))

    def standing(self, changed: Changed, emoji: str) -> list[tuple[str, int]]:
        """Return what the index tells, and no more than is asked for."""
        after = changed.reactors[emoji].after
        rows = [
            row for row in self.reactions.values() if row["place"][3] == emoji and row["place"][4] > after
        ]
        rows.sort(key=lambda row: row["place"][4])
        return [(row["user_id"], row["place"][4]) for row in rows[: SHOWN + len(changed.recent)]]

    def spill(self, changed: Changed) -> None:
        for row in changed.spill():
            known = self.reactions.get(row["id"])
            if known is None or known["as_of"] < row["as_of"]:
                self.reactions[row["id"]] = row

    def raise_row(self, entries: list[Entry], *, breaks_off: bool) -> None:
        changed = self.read()
        if len(changed.recent) > SHOWN:
            self.spill(changed)
        if breaks_off:
            return
        self.apply(changed, entries)
        self.row = orjson.dumps(changed.row())


def parts(entries: list[Entry], cuts: list[int]) -> Iterator[list[Entry]]:
    places = sorted({0, len(entries), *(cut for cut in cuts if cut < len(entries))})
    for first, last in pairwise(places):
        yield entries[first:last]


def agrees(tables: Tables, entries: list[Entry], flushed: int) -> None:
    """Require that the row, with what is not flushed over it, is the fold of all."""
    folded = Changes.by(1, entries)
    seen = tables.read()
    asked = [Who(emoji, user_id) for emoji in EMOJI for user_id in USERS]
    looked_up = {
        who: tables.reactions.get(reaction_key(seen, who)) for who in asked if seen.since(who) is None
    }
    tables.apply(seen, entries[flushed:])
    assert seen.shown() == folded.state()
    for who in asked:
        since = seen.since(who)
        if since is None:
            row = looked_up.get(who)
            since = 0 if row is None else row["place"][-1]
        assert bool(since) == folded.has_reaction(*who)
    for emoji, of in seen.reactors.items():
        everybody = of.first + seen.others(emoji, tables.standing(seen, emoji))
        assert [user_id for user_id, _ in everybody][: SHOWN + 1] == list(folded.reactions[emoji])[
            : SHOWN + 1
        ]


@given(STEPS, st.lists(st.integers(1, 80), max_size=20), st.booleans(), st.booleans())
def test_a_row_that_is_raised_in_any_parts_is_the_fold_of_all_entries(
    steps: list[tuple[Kind, int, bool, str]], cuts: list[int], is_deleted: bool, breaks_off: bool
) -> None:
    entries = [
        entry(seq, kind, by=by, flag=flag, emoji=emoji)
        for seq, (kind, by, flag, emoji) in enumerate(steps, 2)
    ]
    with (
        patch.object(cluster_changed, "SHOWN_REACTORS", SHOWN),
        patch.object(fold, "SHOWN_REACTORS", SHOWN),
    ):
        tables = Tables()
        flushed = 0
        for part in parts(entries, cuts):
            agrees(tables, entries, flushed)
            tables.raise_row(part, breaks_off=breaks_off)
            tables.raise_row(entries[max(flushed - 3, 0) : flushed] + part, breaks_off=False)
            tables.raise_row(part, breaks_off=False)
            flushed += len(part)
            agrees(tables, entries, flushed)
        if is_deleted:
            entries.append(entry(len(entries) + 2, Kind.DELETE, by=0, flag=False, emoji=""))
            agrees(tables, entries, flushed)
            tables.raise_row(entries, breaks_off=False)
            assert tables.read().shown() == Changes.by(1, entries).state()
            assert b"edited " not in (tables.row or b"")
            assert b"user-" not in (tables.row or b"")


def test_a_row_does_not_grow_with_the_number_of_users_who_react() -> None:
    tables = Tables()
    longest = 0
    for seq in range(2, 2_002):
        reacted = Entry(
            ROOM,
            seq,
            Kind.REACTION,
            f"user-{seq:05}",
            "x",
            1,
            None,
            {"target": 1, "emoji": "👍", "added": True},
        )
        tables.raise_row([reacted], breaks_off=False)
        longest = max(longest, len(tables.row or b""))
    assert longest < 4_096
    (reaction,) = tables.read().shown().reactions
    assert (reaction.count, len(reaction.user_ids)) == (2_000, 20)


def test_fields_that_a_later_version_adds_to_the_state_have_their_defaults_in_older_rows() -> None:
    row = Changed(ROOM, 1, "epoch").row()
    del row["pinned_by"]
    assert Changed.read(row).state.pinned_by is None
