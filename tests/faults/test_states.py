"""The checker names what is wrong with changed messages: each rule is seen to be broken by a planted fault."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.faults.checker import check
from tests.faults.fold import Timeline
from tests.faults.history import Fields, History, Record, What, fields_of
from tests.faults.log import Fault

ENTRIES: Final[tuple[Fields, ...]] = (
    {"seq": 1, "type": "message", "user_id": "alice", "ref": "r1", "body": "one"},
    {"seq": 2, "type": "message", "user_id": "bob", "ref": "r2", "body": "two", "reply_to": 1, "thread": 1},
    {"seq": 3, "type": "edit", "user_id": "alice", "ref": "r3", "target": 1, "body": "one, again"},
    {"seq": 4, "type": "reaction", "user_id": "bob", "ref": "r4", "target": 1, "emoji": "👍", "added": True},
    {
        "seq": 5,
        "type": "reaction",
        "user_id": "alice",
        "ref": "r5",
        "target": 2,
        "emoji": "🎉",
        "added": True,
    },
    {"seq": 6, "type": "reaction", "user_id": "bob", "ref": "r6", "target": 2, "emoji": "🎉", "added": True},
    {"seq": 7, "type": "pin", "user_id": "alice", "ref": None, "target": 2, "pinned": True},
    {"seq": 8, "type": "message", "user_id": "alice", "ref": "r8", "body": "three"},
    {
        "seq": 9,
        "type": "edit",
        "user_id": "alice",
        "ref": "r9",
        "target": 8,
        "body": "three, again",
        "mentions": ["bob"],
    },
    {"seq": 10, "type": "delete", "user_id": "alice", "ref": "r10", "target": 1},
    {"seq": 11, "type": "message", "user_id": "alice", "ref": "r11", "body": "four", "mentions_all": True},
)
"""A log as it was told. Its first message is deleted in the end."""
MADE: Final = ("thread", "mentions", "mentions_all")
"""The fields that the server adds."""
ERASED: Final = (1, 3)
LAST: Final = ENTRIES[-1]["seq"]


def told(entry: Fields) -> Fields:
    """Return an entry as an event. Only messages show their ref."""
    ref = {} if entry["type"] == "message" else {"ref": None}
    return {"room_id": "lobby", "at": f"at {entry['seq']:02}", "username": entry["user_id"]} | entry | ref


def stored(entry: Fields) -> Fields:
    return told(entry) | ({"body": "", "ref": None} if entry["seq"] in ERASED else {})


def of(entry: Fields, *names: str) -> Fields:
    """Return the fields of a record about an entry, or those of these names."""
    whole = {
        "seq": entry["seq"],
        "user": entry["user_id"],
        "ref": entry["ref"],
        "kind": entry["type"],
        "fields": fields_of(entry),
    }
    return {name: value for name, value in whole.items() if name in (names or whole)}


def record(what: What, at: float, client: str = "", **more: Any) -> Record:
    return Record(what, at, client, "lobby", **({"epoch": "e"} | more))


def sound() -> History:
    """Return a history: alice and bob change messages, and a deleted message is erased."""
    history = History(record(What.SUBSCRIBE, 0, client, seq=0) for client in ("alice", "bob"))
    for one in ENTRIES:
        at, sent = one["seq"], of(one, "user", "ref", "kind", "fields")
        sent["fields"] = {name: value for name, value in sent["fields"].items() if name not in MADE}
        history.append(record(What.INVOKE, at, one["user_id"], **sent))
        place = {"seq": at} if one["ref"] else {"epoch": None}  # over HTTP
        history.append(record(What.ACK, at + 0.2, one["user_id"], **sent, **place))
        history += [record(What.RECEIVE, at + 0.3, client, **of(told(one))) for client in ("alice", "bob")]
    late = {"user": "bob", "ref": "r12", "kind": "edit", "fields": {"target": 1, "body": "one, late"}}
    history.append(record(What.INVOKE, 12, "bob", **late))
    history.append(record(What.FAIL, 12, "bob", **late, code="deleted"))
    history += [record(What.STORED, 13, **of(stored(one))) for one in ENTRIES]
    history.append(record(What.HEAD, 13, seq=LAST))
    history.append(record(What.SUBSCRIBE, 13, "fresh", seq=0))
    history += [record(What.RECEIVE, 13, "fresh", **of(told(one))) for one in ENTRIES]  # of a cached page
    history += [record(What.READ, 13, "node", **of(stored(one))) for one in ENTRIES]
    return History([*history, *_what_is_shown()])


def _what_is_shown() -> Iterator[Record]:
    timeline = Timeline()
    for one in ENTRIES:
        timeline.apply(stored(one))
    for message in timeline.messages():
        for client in ("alice", "bob", "fresh"):
            yield record(What.SHOWN, 14, client, seq=message["seq"], fields=message)
        yield record(What.PAGE, 14, "node", seq=message["seq"], fields=dict(message))
    yield record(What.PINS, 14, "node", fields={"seqs": [2]})
    yield record(What.EDITS, 14, "node", seq=1, fields={"items": [], "original": None})
    items = [{"seq": 9, "body": "three, again"}]
    original = {"seq": 8, "body": "three"}
    yield record(What.EDITS, 14, "node", seq=8, fields={"items": items, "original": original})
    yield from _what_is_listed(timeline)
    unread = {"read_seq": 0, "unread_count": 2, "first_unread_seq": 8, "mention_count": 2}
    preview = {"seq": 11, "user_id": "alice", "body": "four", "deleted": False}
    yield record(What.UNREAD, 14, "node", user="bob", fields=unread | {"last_message": preview})


def _what_is_listed(timeline: Timeline) -> Iterator[Record]:
    messages = {one["seq"]: {"room_id": "lobby"} | one for one in timeline.messages()}
    yield record(What.THREAD, 14, "node", seq=1, fields={"items": [messages[2]]})
    reactors = [{"user_id": "alice", "at": "at 05"}, {"user_id": "bob", "at": "at 06"}]
    yield record(What.REACTORS, 14, "node", seq=2, fields={"emoji": "🎉", "items": reactors})
    mentions = [messages[11], messages[8]]
    for end in (1, 2):
        fields = {"items": mentions[:end], "is_whole": end == 2}
        yield record(What.MENTIONS, 14, f"node {end}", user="bob", fields=fields)


def _plain(record: Record) -> Fields:
    return {name: getattr(record, name) for name in Record.__slots__}


def changed(history: History, what: What, change: Callable[[Fields], Any], **wanted: Any) -> None:
    """Change the fields of the first record like this."""
    index = next(
        index
        for index, record in enumerate(history)
        if record.what is what and all(getattr(record, name) == value for name, value in wanted.items())
    )
    plain = _plain(history[index])
    plain["fields"] = dict(plain["fields"] or {})
    change(plain)
    history[index] = Record(**plain)


def deleted_message_keeps_its_body(history: History) -> None:
    for what in (What.STORED, What.READ):
        changed(history, what, lambda one: one["fields"].update(body="one"), seq=1)


def deleted_message_keeps_its_ref(history: History) -> None:
    for what in (What.STORED, What.READ):
        changed(history, what, lambda one: one.update(ref="r1"), seq=1)


def edit_of_a_deleted_message_keeps_its_body(history: History) -> None:
    for what in (What.STORED, What.READ):
        changed(history, what, lambda one: one["fields"].update(body="one, again"), seq=3)


def another_node_has_the_deleted_body(history: History) -> None:
    changed(history, What.READ, lambda one: one["fields"].update(body="one"), seq=1)


def another_node_lacks_an_entry(history: History) -> None:
    history[:] = [one for one in history if (one.what, one.seq) != (What.READ, 5)]


def what_was_known_is_acked_as_another(history: History) -> None:
    index = next(i for i, one in enumerate(history) if (one.what, one.ref) == (What.ACK, "r5"))
    history.insert(index, Record(**(_plain(history[index]) | {"what": What.KNOWN, "seq": 4})))


def edits_of_a_deleted_message_are_given(history: History) -> None:
    items = [{"seq": 3, "body": ""}]
    changed(history, What.EDITS, lambda one: one["fields"].update(items=items), seq=1)


def preview_has_a_deleted_body(history: History) -> None:
    preview = {"seq": 1, "user_id": "alice", "body": "one, again", "deleted": False}
    changed(history, What.UNREAD, lambda one: one["fields"].update(last_message=preview))


def page_has_a_refused_body(history: History) -> None:
    changed(history, What.PAGE, lambda one: one["fields"].update(body="one, late"), seq=1)


def stored_after_the_delete(history: History) -> None:
    _append(history, "edit", {"target": 1, "body": "boo"})


def deleted_twice(history: History) -> None:
    _append(history, "delete", {"target": 1})


def _append(history: History, kind: str, fields: Fields) -> None:
    """Let the log have another entry by alice, which all are given."""
    more: Fields = {"user": "alice", "ref": "r99", "kind": kind, "fields": fields}
    told = more | {"ref": "r99" if kind == "message" else None}
    first = next(index for index, record in enumerate(history) if record.what is What.STORED)
    history.insert(first, record(What.INVOKE, 12.5, "alice", **more))
    for client in ("alice", "bob"):
        history.insert(first, record(What.RECEIVE, 12.5, client, seq=LAST + 1, **told))
    history.append(record(What.READ, 13, "node", seq=LAST + 1, **told))
    head = next(index for index, record in enumerate(history) if record.what is What.HEAD)
    history.insert(head, record(What.STORED, 13, "", seq=LAST + 1, **told))


def reaction_outlives_the_delete(history: History) -> None:
    reactions = [{"emoji": "👍", "count": 1, "user_ids": ["bob"]}]
    changed(history, What.PAGE, lambda one: one["fields"].update(reactions=reactions), seq=1)


def reactors_in_another_order(history: History) -> None:
    reactions = [{"emoji": "🎉", "count": 2, "user_ids": ["bob", "alice"]}]
    changed(history, What.PAGE, lambda one: one["fields"].update(reactions=reactions), seq=2)


def client_lacks_a_reaction(history: History) -> None:
    reactions = [{"emoji": "🎉", "count": 1, "user_ids": ["alice"]}]
    changed(history, What.SHOWN, lambda one: one["fields"].update(reactions=reactions), client="bob", seq=2)


def client_shows_the_body_of_before(history: History) -> None:
    changed(history, What.SHOWN, lambda one: one["fields"].update(body="three"), client="bob", seq=8)


def client_does_not_show_a_message(history: History) -> None:
    history[:] = [one for one in history if (one.what, one.client, one.seq) != (What.SHOWN, "fresh", 8)]


def node_shows_what_is_no_message(history: History) -> None:
    index = next(i for i, one in enumerate(history) if one.what is What.PAGE and one.seq == 8)
    history.insert(index, Record(**(_plain(history[index]) | {"seq": 9})))


def reply_is_not_counted(history: History) -> None:
    changed(history, What.PAGE, lambda one: one["fields"].update(reply_count=0), seq=1)


def reply_is_below_another_root(history: History) -> None:
    for what in (What.STORED, What.READ):
        changed(history, what, lambda one: one["fields"].update(thread=8), seq=2)


def node_forgets_an_edit(history: History) -> None:
    changed(history, What.EDITS, lambda one: one["fields"].update(items=[]), seq=8)


def pin_is_not_listed(history: History) -> None:
    changed(history, What.PINS, lambda one: one["fields"].update(seqs=[]))


def deleted_message_is_listed_as_pinned(history: History) -> None:
    changed(history, What.PINS, lambda one: one["fields"].update(seqs=[2, 1]))


def deleted_message_counts_as_unread(history: History) -> None:
    changed(history, What.UNREAD, lambda one: one["fields"].update(unread_count=3, first_unread_seq=1))


def mention_is_not_counted(history: History) -> None:
    changed(history, What.UNREAD, lambda one: one["fields"].update(mention_count=0))


def reply_is_not_in_its_thread(history: History) -> None:
    _list(history, What.THREAD, [])


def message_is_in_a_thread_as_it_was(history: History) -> None:
    reply = _listed(history, What.THREAD)[0] | {"reactions": []}
    _list(history, What.THREAD, [reply])


def who_reacted_is_not_listed(history: History) -> None:
    _list(history, What.REACTORS, _listed(history, What.REACTORS)[:1])


def reactors_are_listed_in_another_order(history: History) -> None:
    _list(history, What.REACTORS, _listed(history, What.REACTORS)[::-1])


def reaction_is_listed_with_another_time(history: History) -> None:
    first, second = _listed(history, What.REACTORS)
    _list(history, What.REACTORS, [first, second | {"at": "at 04"}])


def mention_is_not_listed(history: History) -> None:
    _list(history, What.MENTIONS, _listed(history, What.MENTIONS, "node 2")[:1], "node 2")


def mention_of_the_end_of_a_page_is_not_listed(history: History) -> None:
    _list(history, What.MENTIONS, _listed(history, What.MENTIONS, "node 2")[1:], "node 1")


def mentions_are_listed_oldest_first(history: History) -> None:
    _list(history, What.MENTIONS, _listed(history, What.MENTIONS, "node 2")[::-1], "node 2")


def mention_is_listed_as_it_was(history: History) -> None:
    newest, edited = _listed(history, What.MENTIONS, "node 2")
    _list(history, What.MENTIONS, [newest, edited | {"body": "three"}], "node 2")


def message_that_mentions_somebody_else_is_listed(history: History) -> None:
    other = _listed(history, What.THREAD)
    _list(history, What.MENTIONS, _listed(history, What.MENTIONS, "node 2") + other, "node 2")


def deleted_message_is_listed_as_a_mention(history: History) -> None:
    deleted = {
        "room_id": "lobby",
        "seq": 1,
        "at": "at 01",
        "user_id": "alice",
        "body": "one",
        "deleted": False,
    }
    _list(history, What.MENTIONS, [*_listed(history, What.MENTIONS, "node 2"), deleted], "node 2")


def _listed(history: History, what: What, client: str = "node") -> list[Fields]:
    """Return the items of a list."""
    items: list[Fields] = next(
        (one.fields or {})["items"] for one in history if (one.what, one.client) == (what, client)
    )
    return items


def _list(history: History, what: What, items: list[Fields], client: str = "node") -> None:
    changed(history, what, lambda one: one["fields"].update(items=items), client=client)


def another_message_is_the_first_unread(history: History) -> None:
    changed(history, What.UNREAD, lambda one: one["fields"].update(first_unread_seq=11))


def preview_is_not_of_the_last_message(history: History) -> None:
    preview = {"seq": 8, "user_id": "alice", "body": "three, again", "deleted": False}
    changed(history, What.UNREAD, lambda one: one["fields"].update(last_message=preview))


def retry_of_an_erased_message_is_stored_again(history: History) -> None:
    _append(history, "message", {"body": "one"})
    for index, record in enumerate(history):
        if record.ref == "r99":
            history[index] = Record(**(_plain(record) | {"ref": "r1"}))


def retry_of_an_edit_has_another_ack(history: History) -> None:
    again = {"user": "alice", "ref": "r9", "kind": "edit", "fields": {"target": 8, "body": "three, again"}}
    history.insert(-1, record(What.ACK, 12.6, "alice", seq=3, **again))


def edit_is_acked_as_a_reaction(history: History) -> None:
    changed(history, What.ACK, lambda one: one.update(seq=5), ref="r9")


def edit_is_acked_over_http_and_not_stored(history: History) -> None:
    lost = {"user": "alice", "ref": "r50", "kind": "edit", "fields": {"target": 8, "body": "lost"}}
    first = next(index for index, record in enumerate(history) if record.what is What.STORED)
    history.insert(first, record(What.ACK, 12.7, "alice", epoch=None, **lost))
    history.insert(first, record(What.INVOKE, 12.6, "alice", epoch=None, **lost))


def delete_is_done_over_http_and_not_stored(history: History) -> None:
    _done_over_http(history, "delete", {"target": 8})


def reaction_is_done_over_http_and_not_stored(history: History) -> None:
    _done_over_http(history, "reaction", {"target": 8, "emoji": "👍", "added": True})


def pin_is_done_over_http_and_not_stored(history: History) -> None:
    _done_over_http(history, "pin", {"target": 8, "pinned": True})


def _done_over_http(history: History, kind: str, fields: Fields) -> None:
    first = next(index for index, record in enumerate(history) if record.what is What.STORED)
    more = {"user": "alice", "kind": kind, "fields": fields}
    history.insert(first, record(What.ACK, 12.7, "alice", epoch=None, **more))
    history.insert(first, record(What.INVOKE, 12.6, "alice", epoch=None, **more))


def refused_as_deleted_and_is_not(history: History) -> None:
    fields = {"target": 8, "body": "late"}
    changed(history, What.INVOKE, lambda one: one.update(fields=fields), ref="r12")
    changed(history, What.FAIL, lambda one: one.update(fields=fields), ref="r12")


def refused_as_deleted_and_acked(history: History) -> None:
    first = next(index for index, record in enumerate(history) if record.ref == "r3")
    more = {"user": "alice", "ref": "r3", "kind": "edit", "fields": {"target": 1, "body": "one, again"}}
    history.insert(first, record(What.FAIL, 3, "alice", epoch=None, code="deleted", **more))


def reaction_that_nobody_sent(history: History) -> None:
    _append(history, "reaction", {"target": 8, "emoji": "👀", "added": True})
    history[:] = [one for one in history if (one.what, one.ref) != (What.INVOKE, "r99")]


def reaction_that_was_refused(history: History) -> None:
    _append(history, "reaction", {"target": 8, "emoji": "👀", "added": True})
    index = next(i for i, one in enumerate(history) if (one.what, one.ref) == (What.INVOKE, "r99"))
    history.insert(index + 1, Record(**(_plain(history[index]) | {"what": What.FAIL, "code": "limit"})))


def retry_of_a_reaction_is_stored_again(history: History) -> None:
    _append(history, "reaction", {"target": 2, "emoji": "🎉", "added": True})
    history[:] = [one for one in history if (one.what, one.ref) != (What.INVOKE, "r99")]


def two_reactions_are_acked_as_one(history: History) -> None:
    changed(history, What.ACK, lambda one: one.update(ref="r98"), ref="r5")
    changed(history, What.INVOKE, lambda one: one.update(ref="r98"), ref="r5")
    index = next(i for i, one in enumerate(history) if (one.what, one.ref) == (What.ACK, "r98"))
    for one in (history[index], history[index - 1]):
        history.insert(index + 1, Record(**(_plain(one) | {"ref": "r5"})))


def erased_edit_that_nobody_sent(history: History) -> None:
    """Nobody was given it before the delete."""
    for client in ("alice", "bob"):
        changed(history, What.RECEIVE, lambda one: one["fields"].update(body=""), client=client, seq=3)
    history[:] = [one for one in history if one.what not in {What.ACK, What.INVOKE} or one.ref != "r3"]


PLANTED: list[tuple[Callable[[History], None], Fault]] = [
    (deleted_message_keeps_its_body, Fault.NOT_ERASED),
    (deleted_message_keeps_its_ref, Fault.NOT_ERASED),
    (edit_of_a_deleted_message_keeps_its_body, Fault.NOT_ERASED),
    (edits_of_a_deleted_message_are_given, Fault.NOT_ERASED),
    (preview_has_a_deleted_body, Fault.NOT_ERASED),
    (page_has_a_refused_body, Fault.NOT_ERASED),
    (another_node_has_the_deleted_body, Fault.INCONSISTENT),
    (another_node_lacks_an_entry, Fault.SKIPPED),
    (what_was_known_is_acked_as_another, Fault.DUPLICATE),
    (stored_after_the_delete, Fault.AFTER_DELETE),
    (deleted_twice, Fault.AFTER_DELETE),
    (reaction_outlives_the_delete, Fault.DIVERGED),
    (reactors_in_another_order, Fault.DIVERGED),
    (client_lacks_a_reaction, Fault.DIVERGED),
    (client_shows_the_body_of_before, Fault.DIVERGED),
    (client_does_not_show_a_message, Fault.DIVERGED),
    (node_shows_what_is_no_message, Fault.DIVERGED),
    (reply_is_not_counted, Fault.DIVERGED),
    (reply_is_below_another_root, Fault.DIVERGED),
    (node_forgets_an_edit, Fault.DIVERGED),
    (preview_is_not_of_the_last_message, Fault.DIVERGED),
    (pin_is_not_listed, Fault.MISCOUNTED),
    (deleted_message_is_listed_as_pinned, Fault.MISCOUNTED),
    (deleted_message_counts_as_unread, Fault.MISCOUNTED),
    (mention_is_not_counted, Fault.MISCOUNTED),
    (another_message_is_the_first_unread, Fault.MISCOUNTED),
    (reply_is_not_in_its_thread, Fault.DIVERGED),
    (message_is_in_a_thread_as_it_was, Fault.DIVERGED),
    (who_reacted_is_not_listed, Fault.DIVERGED),
    (reactors_are_listed_in_another_order, Fault.DIVERGED),
    (reaction_is_listed_with_another_time, Fault.DIVERGED),
    (mention_is_not_listed, Fault.MISCOUNTED),
    (mention_of_the_end_of_a_page_is_not_listed, Fault.MISCOUNTED),
    (mentions_are_listed_oldest_first, Fault.MISCOUNTED),
    (mention_is_listed_as_it_was, Fault.MISCOUNTED),
    (message_that_mentions_somebody_else_is_listed, Fault.MISCOUNTED),
    (deleted_message_is_listed_as_a_mention, Fault.NOT_ERASED),
    (retry_of_an_erased_message_is_stored_again, Fault.DUPLICATE),
    (retry_of_an_edit_has_another_ack, Fault.DUPLICATE),
    (edit_is_acked_as_a_reaction, Fault.LOST_WRITE),
    (edit_is_acked_over_http_and_not_stored, Fault.LOST_WRITE),
    (delete_is_done_over_http_and_not_stored, Fault.LOST_WRITE),
    (reaction_is_done_over_http_and_not_stored, Fault.LOST_WRITE),
    (pin_is_done_over_http_and_not_stored, Fault.LOST_WRITE),
    (refused_as_deleted_and_is_not, Fault.INCONSISTENT),
    (refused_as_deleted_and_acked, Fault.INCONSISTENT),
    (reaction_that_nobody_sent, Fault.PHANTOM),
    (reaction_that_was_refused, Fault.DUPLICATE),
    (retry_of_a_reaction_is_stored_again, Fault.DUPLICATE),
    (two_reactions_are_acked_as_one, Fault.LOST_WRITE),
    (erased_edit_that_nobody_sent, Fault.PHANTOM),
]


def test_what_a_copy_of_the_store_holds_may_be_acked_under_the_old_epoch_until_there_is_a_new_one() -> None:
    history = sound()
    changed(history, What.ACK, lambda one: one.update(epoch="old"), ref="r5")
    history.append(record(What.RESET, 6, "carol", seq=LAST))
    assert check(history) == []
    history[-1] = record(What.RESET, 5, "carol", seq=LAST)
    assert Fault.LOST_WRITE in {violation.fault for violation in check(history)}


def test_a_sound_history_of_changes_has_no_violation() -> None:
    assert check(sound()) == []


@pytest.mark.parametrize(
    ("plant", "fault"), PLANTED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_what_is_planted_among_changes_is_named(plant: Callable[[History], None], fault: Fault) -> None:
    history = sound()
    plant(history)
    assert fault in {violation.fault for violation in check(history)}
