"""The checker of what webhooks post finds what may not happen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.posts import Inbox, Post, Reply, wrong_posts

LOG = [{"seq": seq, "type": "message", "at": f"at {seq}"} for seq in (4, 5, 6, 7, 8)]


def post(seq: int, reply: Reply = Reply.TAKEN, at: float | None = None) -> Post:
    place, is_taken = float(seq) if at is None else at, reply in {Reply.TAKEN, Reply.SLOW}
    return Post(f"id {seq}", "room.message", "epoch", seq, place, {"at": f"at {seq}"}, reply, is_taken)


def good() -> Inbox:
    """Return an inbox in which every answer occurs, and all is well."""
    refused = [post(7, Reply.REFUSED, 6.1 + number / 10) for number in range(6)]
    posts = [
        post(6, Reply.DOWN, 5.0),
        post(6, Reply.LATE, 5.5),
        post(6),
        *refused,
        post(8, Reply.GONE),
        post(8, at=9),
    ]
    return Inbox("one", 5, posts=posts, resumed=[8.5])


def wrong(inbox: Inbox, may_double: int = 0) -> list[str]:
    return list(wrong_posts(inbox, LOG, may_double=may_double, end_seconds=1.0))


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert wrong(good()) == []


def test_as_many_may_come_again_as_is_said() -> None:
    inbox = good()
    inbox.posts.append(post(8, at=9.5))
    assert wrong(inbox, may_double=1) == []


def test_what_was_posted_before_this_round_may_come_again_as_often() -> None:
    inbox = good()
    inbox.posts.insert(0, post(5, at=4.5))
    assert wrong(inbox, may_double=1) == []
    assert any("1 posts came again" in what for what in wrong(inbox))


def _without(seq: int) -> Callable[[Inbox], None]:
    def leave_out(inbox: Inbox) -> None:
        inbox.posts = [one for one in inbox.posts if one.seq != seq]

    return leave_out


def _swapped(inbox: Inbox) -> None:
    inbox.posts = [*inbox.posts[-2:], *inbox.posts[:-2]]


def _changed(place: int, **fields: object) -> Callable[[Inbox], None]:
    def change(inbox: Inbox) -> None:
        inbox.posts[place] = replace(inbox.posts[place], **fields)  # type: ignore[arg-type]

    return change


def _again(inbox: Inbox) -> None:
    inbox.posts.append(post(8, at=9.5))


def _ended(inbox: Inbox) -> None:
    inbox.is_ended, inbox.ended_at = True, 7.5


def _not_resumed(inbox: Inbox) -> None:
    inbox.resumed.clear()


def _gave_up_early(inbox: Inbox) -> None:
    del inbox.posts[4]


def _noise(inbox: Inbox) -> None:
    inbox.wrong.append("a bad signature")


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        pytest.param(_without(8), "1 entries never came: [8]", id="the last one lost"),
        pytest.param(_without(6), "7 came after 5", id="one skipped"),
        pytest.param(_swapped, "8 came after 5", id="the wrong order"),
        pytest.param(_changed(2, is_taken=False), "7 came before 6 was taken", id="what failed left behind"),
        pytest.param(_gave_up_early, "8 came before 7 was taken", id="given up too early"),
        pytest.param(_changed(1, id="other"), "6 came under 2 ids", id="another id at a retry"),
        pytest.param(_changed(1, type="room.edit"), "not what the log has", id="another entry"),
        pytest.param(_again, "1 posts came again", id="doubled"),
        pytest.param(_ended, "1 posts after its end: [8]", id="after its end"),
        pytest.param(_not_resumed, "8 came after 410", id="after 410"),
        pytest.param(_noise, "a bad signature", id="a bad signature"),
    ],
)
def test_what_is_wrong_with_posts_is_found(plant: Callable[[Inbox], None], said: str) -> None:
    inbox = good()
    plant(inbox)
    assert any(said in what for what in wrong(inbox)), wrong(inbox)


def test_two_entries_under_one_id_are_found() -> None:
    inbox = good()
    inbox.posts = [replace(one, id="same") for one in inbox.posts]
    assert any("two entries" in what for what in wrong(inbox))
