"""Folding is pure: what is given, in whatever order, gives the same messages."""

from itertools import permutations

from api.models.log import Entry, EntryData, Kind, Message, Reaction
from api.store.fold import fold


def entry(seq: int, kind: Kind, data: EntryData, *, user_id: str = "ann") -> Entry:
    return Entry("lobby", seq, kind, user_id, user_id.title(), at=seq * 1_000, ref=None, data=data)


def message(seq: int, body: str = "hello", reply_to: int | None = None) -> Entry:
    return entry(seq, Kind.MESSAGE, {"body": body, "reply_to": reply_to})


def edit(seq: int, target: int, body: str) -> Entry:
    return entry(seq, Kind.EDIT, {"target": target, "body": body})


def delete(seq: int, target: int) -> Entry:
    return entry(seq, Kind.DELETE, {"target": target})


def reaction(seq: int, target: int, emoji: str, user_id: str, *, added: bool = True) -> Entry:
    return entry(seq, Kind.REACTION, {"target": target, "emoji": emoji, "added": added}, user_id=user_id)


def test_a_message_without_changes_is_as_it_was_sent() -> None:
    sent = Entry("lobby", 7, Kind.MESSAGE, "ann", "Ann", 9, "r1", {"body": "hello", "reply_to": 3})
    assert fold([sent], []) == [Message("lobby", 7, 9, "ann", "Ann", "r1", "hello", 3)]


def test_the_last_edit_wins_in_whatever_order_edits_are_given() -> None:
    edits = [edit(2, 1, "second"), edit(3, 1, "third"), edit(4, 1, "fourth")]
    for order in permutations(edits):
        (folded,) = fold([message(1, "first")], order)
        assert (folded.body, folded.edited_at, folded.deleted) == ("fourth", 4_000, False)


def test_a_deleted_message_keeps_its_place_and_nothing_else() -> None:
    changes = [edit(2, 1, "edited"), reaction(3, 1, "👍", "bob"), delete(4, 1)]
    for order in permutations(changes):
        (folded,) = fold([message(1)], order)
        assert (folded.seq, folded.deleted, folded.body, folded.reactions) == (1, True, "", ())
        assert folded.edited_at is None


def test_nothing_brings_a_deleted_message_back() -> None:
    (folded,) = fold([message(1)], [delete(2, 1), edit(3, 1, "again"), reaction(4, 1, "👍", "bob")])
    assert (folded.deleted, folded.body, folded.reactions) == (True, "", ())


def test_reactions_stand_in_the_order_they_came_once_per_user() -> None:
    changes = [
        reaction(2, 1, "👍", "bob"),
        reaction(3, 1, "🎉", "ann"),
        reaction(4, 1, "👍", "ann"),
        reaction(5, 1, "👍", "bob"),
    ]
    (folded,) = fold([message(1)], changes)
    assert folded.reactions == (Reaction("👍", ("bob", "ann")), Reaction("🎉", ("ann",)))


def test_a_reaction_taken_back_is_gone_and_its_emoji_with_the_last_user() -> None:
    changes = [
        reaction(2, 1, "👍", "bob"),
        reaction(3, 1, "👍", "ann"),
        reaction(4, 1, "👍", "bob", added=False),
        reaction(5, 1, "🎉", "bob"),
        reaction(6, 1, "🎉", "bob", added=False),
        reaction(7, 1, "🙈", "bob", added=False),
    ]
    (folded,) = fold([message(1)], changes)
    assert folded.reactions == (Reaction("👍", ("ann",)),)


def test_an_emoji_that_nobody_had_left_comes_back_behind_the_others() -> None:
    changes = [
        reaction(2, 1, "👍", "bob"),
        reaction(3, 1, "🎉", "ann"),
        reaction(4, 1, "👍", "bob", added=False),
        reaction(5, 1, "👍", "bob"),
    ]
    (folded,) = fold([message(1)], changes)
    assert folded.reactions == (Reaction("🎉", ("ann",)), Reaction("👍", ("bob",)))


def test_a_change_touches_only_its_target() -> None:
    folded = fold([message(1, "one"), message(2, "two")], [edit(3, 2, "zwei"), delete(4, 9)])
    assert [(item.seq, item.body) for item in folded] == [(1, "one"), (2, "zwei")]


def test_messages_come_out_in_the_order_given() -> None:
    assert [item.seq for item in fold([message(5), message(2)], [])] == [5, 2]
