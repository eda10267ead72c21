"""What a flush writes beside its batches, decided from the entries alone."""

from dataclasses import replace
from typing import Any

from api.models.log import Draft, Kind
from api.store.cluster.effects import Effects, effects_of
from api.store.cluster.rows import Reader, row_of
from tests.store.make import ALICE, delete, draft, edit, message, pin, reaction


def rows(*drafts: Draft) -> list[dict[str, Any]]:
    return [row_of("lobby", one) | {"seq": seq} for seq, one in enumerate(drafts, 1)]


def test_messages_write_nothing_beside_their_batches() -> None:
    assert effects_of(rows(message("1"), message("2", reply_to=1)), Reader()) == Effects([], {}, {}, [])


def test_an_entry_that_changes_a_message_raises_the_row_of_it() -> None:
    changes = [
        edit("e", 1, "new"),
        reaction("r", 9, "👍"),
        pin("p", 1),
        reaction("s", 9, "👍"),
        delete("d", 9),
    ]
    effects = effects_of(rows(message("1"), *changes), Reader())
    assert {seq: [entry.ref for entry in entries] for seq, entries in effects.changed.items()} == {
        1: ["e", "p"],
        9: ["r", "s", "d"],
    }


def test_a_reply_and_its_deletion_raise_the_row_of_the_root_as_well() -> None:
    below = [message("r", reply_to=2), delete("d", 3)]
    replies = rows(*(replace(one, data=one.data | {"thread": 7}) for one in below))
    changed = effects_of(replies, Reader()).changed
    assert {seq: [entry.ref for entry in entries] for seq, entries in changed.items()} == {
        3: ["d"],
        7: ["r", "d"],
    }
    assert replies[0]["acts"], "a node of the version before must not flush it without raising the row"


def test_what_is_carried_out_at_once_comes_in_order_and_what_is_deleted_after_it_together() -> None:
    left = draft(Kind.MEMBER, None, {"role": None, "by": ALICE.id}, by=ALICE)
    effects = effects_of(
        rows(pin("p", 9), reaction("r", 9, "👍"), delete("d", 9), left, delete("e", 7)), Reader()
    )
    assert [row["kind"] for row in effects.acting] == ["pin", "member"]
    assert effects.deletes == {9: 3, 7: 5}


def test_rows_that_cannot_be_read_are_left_out() -> None:
    broken = [row | {"data": {"target": "nothing"}} for row in rows(delete("d", 1), edit("e", 1, "new"))]
    assert effects_of([*broken, *rows(message("1"))], Reader()) == Effects([], {}, {}, [])
