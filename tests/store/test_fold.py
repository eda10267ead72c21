"""Folding is pure: the same entries give the same messages, in any order."""

from dataclasses import replace
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.models.log import Entry, EntryData, Kind, Message, Reaction, unreadable
from api.protocol.entries import entry_event
from api.protocol.fields import timestamp
from api.store.fold import fold


def entry(seq: int, kind: Kind, data: EntryData, *, user_id: str = "ann") -> Entry:
    return Entry("lobby", seq, kind, user_id, user_id.title(), at=seq * 1_000, ref=None, data=data)


def message(seq: int, body: str = "hello", reply_to: int | None = None) -> Entry:
    return entry(seq, Kind.MESSAGE, {"body": body, "reply_to": reply_to})


def reply(seq: int, root: int) -> Entry:
    return entry(seq, Kind.MESSAGE, {"body": "yes", "reply_to": root, "thread": root})


def edit(seq: int, target: int, body: str) -> Entry:
    return entry(seq, Kind.EDIT, {"target": target, "body": body})


def delete(seq: int, target: int) -> Entry:
    return entry(seq, Kind.DELETE, {"target": target})


def reaction(seq: int, target: int, emoji: str, user_id: str, *, added: bool = True) -> Entry:
    return entry(seq, Kind.REACTION, {"target": target, "emoji": emoji, "added": added}, user_id=user_id)


def pin(seq: int, target: int, *, pinned: bool = True) -> Entry:
    return entry(seq, Kind.PIN, {"target": target, "pinned": pinned})


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
        (folded,) = fold([replace(message(1), ref="sent")], order)
        assert (folded.seq, folded.deleted, folded.body, folded.reactions) == (1, True, "", ())
        assert (folded.edited_at, folded.ref) == (None, None)


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
    assert folded.reactions == (Reaction("👍", 2, ("bob", "ann")), Reaction("🎉", 1, ("ann",)))


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
    assert folded.reactions == (Reaction("👍", 1, ("ann",)),)


def test_an_emoji_that_nobody_had_left_comes_back_behind_the_others() -> None:
    changes = [
        reaction(2, 1, "👍", "bob"),
        reaction(3, 1, "🎉", "ann"),
        reaction(4, 1, "👍", "bob", added=False),
        reaction(5, 1, "👍", "bob"),
    ]
    (folded,) = fold([message(1)], changes)
    assert folded.reactions == (Reaction("🎉", 1, ("ann",)), Reaction("👍", 1, ("bob",)))


def test_a_message_shows_all_who_reacted_as_a_number_and_the_first_of_them_by_id() -> None:
    changes = [reaction(seq, 1, "👍", f"user{seq}") for seq in range(2, 32)]
    (folded,) = fold([message(1)], changes)
    assert folded.reactions == (Reaction("👍", 30, tuple(f"user{seq}" for seq in range(2, 22))),)


def test_a_message_is_pinned_until_it_is_unpinned_or_deleted() -> None:
    changes = [pin(2, 1), pin(3, 1), pin(4, 1, pinned=False), pin(5, 1), delete(6, 1)]
    shown = [fold([message(1)], changes[:count])[0].pinned for count in range(6)]
    assert shown == [False, True, True, False, True, False]


def test_a_message_counts_the_replies_below_it_but_for_deleted_ones_also_when_it_is_deleted() -> None:
    changes = [reply(2, 1), reply(3, 1), delete(4, 3), reply(5, 9), delete(6, 1)]
    for order in permutations(changes):
        root, below = fold([message(1), reply(2, 1)], order)
        assert (root.deleted, root.reply_count, root.last_reply_at) == (True, 1, 2_000)
        assert (below.reply_count, below.last_reply_at, below.thread) == (0, None, 1)
    (root,) = fold([message(1)], [reply(2, 1), delete(3, 2)])
    assert (root.reply_count, root.last_reply_at) == (0, None)


def test_a_change_touches_only_its_target() -> None:
    folded = fold([message(1, "one"), message(2, "two")], [edit(3, 2, "zwei"), delete(4, 9)])
    assert [(item.seq, item.body) for item in folded] == [(1, "one"), (2, "zwei")]


def test_messages_come_out_in_the_order_given() -> None:
    assert [item.seq for item in fold([message(5), message(2)], [])] == [5, 2]


# -- random histories

PEOPLE = st.sampled_from(["ann", "bob", "cyd"])
TARGETS = st.integers(0, 30)


def step(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, str, EntryData]]:
    return st.tuples(st.just(kind), PEOPLE, st.fixed_dictionaries(fields))


PREVIEWS = st.lists(st.sampled_from("ab").map(lambda url: {"url": url}), max_size=2)
STEPS = st.lists(
    st.one_of(
        step("message", body=st.text(max_size=3), reply_to=st.none()),
        step("edit", target=TARGETS, body=st.text(max_size=3)),
        step("delete", target=TARGETS),
        step("reaction", target=TARGETS, emoji=st.sampled_from("ab"), added=st.booleans()),
        step("pin", target=TARGETS, pinned=st.booleans()),
        step("preview", target=TARGETS, previews=PREVIEWS),
        step("member", role=st.none(), by=PEOPLE),
        step("poll", target=st.one_of(TARGETS, st.none(), st.text(max_size=1)), body=st.text(max_size=3)),
        step("unreadable"),
    ),
    max_size=30,
)


def applied(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the messages of a client that applies events one by one and steps over unknown ones."""
    messages: dict[int, dict[str, Any]] = {}
    for event in events:
        message = messages.get(event.get("target", 0))
        if event["type"] == "message":
            shown = {
                "body": event["body"],
                "edited_at": None,
                "deleted": False,
                "reactions": {},
                "pinned": False,
                "previews": [],
            }
            messages[event["seq"]] = shown
        elif message is None or message["deleted"]:
            continue
        elif event["type"] == "edit":
            message |= {"body": event["body"], "edited_at": event["at"]}
            message["previews"] = [url for url in message["previews"] if url in event["body"]]
        elif event["type"] == "delete":
            message |= {"body": "", "edited_at": None, "deleted": True, "reactions": {}, "pinned": False}
            message["previews"] = []
        elif event["type"] in {"pin", "preview"}:
            told = {
                "pinned": event.get("pinned"),
                "previews": [one["url"] for one in event.get("previews", [])],
            }
            name = "pinned" if event["type"] == "pin" else "previews"
            message[name] = told[name]
        elif event["type"] == "reaction":
            users = message["reactions"].setdefault(event["emoji"], [])
            if event["added"] and event["user_id"] not in users:
                users.append(event["user_id"])
            elif not event["added"] and event["user_id"] in users:
                users.remove(event["user_id"])
    return messages


@given(STEPS)
def test_the_fold_of_a_history_is_what_applying_its_events_one_by_one_gives(
    steps: list[tuple[str, str, EntryData]],
) -> None:
    log = [
        unreadable("lobby", seq)
        if kind == "unreadable"
        else Entry("lobby", seq, kind, user_id, user_id, seq, ref=None, data=data)
        for seq, (kind, user_id, data) in enumerate(steps, 1)
    ]
    messages = [one for one in log if one.kind == Kind.MESSAGE]
    by_seq = applied([entry_event(one) for one in log])
    # No store keeps a change of a later entry, or of one that is no message. The second kind is given to fold.
    later = {
        one.seq for one in log if isinstance(target := one.data.get("target"), int) and target >= one.seq
    }
    folded = fold(messages, [one for one in log if one.seq not in later])
    assert [one.seq for one in folded] == list(by_seq)
    for one, shown in zip(folded, by_seq.values(), strict=True):
        edited_at = None if one.edited_at is None else timestamp(one.edited_at)
        reactions = {emoji: users for emoji, users in shown["reactions"].items() if users}
        assert (one.body, edited_at, one.deleted) == (shown["body"], shown["edited_at"], shown["deleted"])
        assert one.pinned is shown["pinned"]
        assert [each.url for each in one.previews] == shown["previews"]
        assert {each.emoji: list(each.user_ids) for each in one.reactions} == reactions
