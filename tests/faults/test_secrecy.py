"""The check for leaks names what is planted in what people see, and nothing in what they may see."""

import pytest

from tests.faults.secrecy import Deed, Door, Of, Secrecy, Secret, Sight, told_apart

ROOM = "d9Qe0XkzTq2nYw4bH7LrsA"
NAME, BODY, OTHER = "zq000000000001qz", "zq000000000002qz", "zq000000000003qz"
IN = Deed(10, 11)
OUT = Deed(20, 21, side=0)


def room(*, public: tuple[Deed, ...] = (), outs: tuple[Deed, ...] = (OUT,)) -> tuple[Secrecy, Secret]:
    """Return a room in which bob was from 10 or 11 to 20 or 21."""
    secrecy, secret = Secrecy(), Secret()
    secrecy.name(secret, ROOM)
    secrecy.mark(NAME, secret, Of.NAME)
    secrecy.mark(BODY, secret, Of.BODY, "bob")
    secret.members["bob"].ins.append(IN)
    secret.members["bob"].outs.extend(outs)
    secret.public.ins.extend(public)
    return secrecy, secret


def sight(user_id: str, begun: float, ended: float, text: str = BODY, **more: object) -> Sight:
    return Sight(user_id, "GET", begun, ended, text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "is_leak"),
    [
        (sight("bob", 15, 16), False),
        (sight("bob", 10.5, 10.6), False),  # while he was let in
        (sight("bob", 20.5, 25), False),  # asked before it was answered that he is out
        (sight("bob", 5, 6), True),
        (sight("bob", 21.1, 21.2), True),
        (sight("bob", 21.1, 21.2, NAME), True),
        (sight("bob", 21.1, 21.2, ROOM), True),
        (sight("carol", 15, 16), True),
        (sight("carol", 15, 16, ROOM), True),
        (sight("carol", 15, 16, "nothing"), False),
        (sight("bob", 21.3, 21.3, side=0), False),  # it was under way
        (sight("bob", 22, 22, side=0), True),
        (sight("bob", 25, 25, side=1), False),  # the other node may be late
        (sight("bob", 26.1, 26.1, side=1), True),
        (sight("bob", 30, 30, ROOM, is_end=True), False),
        (sight("carol", 30, 30, ROOM, is_end=True), True),
        (sight("bob", 30, 31, BODY, is_own=True), False),
        (sight("bob", 30, 31, NAME, is_own=True), False),
        (sight("carol", 30, 31, BODY, is_own=True), True),
    ],
)
def test_what_is_seen_by_somebody_who_may_not_is_a_leak(seen: Sight, is_leak: bool) -> None:
    secrecy, _ = room()
    secrecy.look(seen)
    assert bool(list(secrecy.leaks())) is is_leak


def test_who_may_have_come_back_meanwhile_may_see() -> None:
    secrecy, secret = room()
    secrecy.look(sight("bob", 30, 31))
    assert list(secrecy.leaks())
    secret.members["bob"].ins.append(Deed(20.5, 20.6))  # beside the removal: nobody knows which was last
    assert not list(secrecy.leaks())


def test_who_was_refused_may_have_been_in_until_they_were_put_out() -> None:
    secrecy, secret = room(outs=())
    secret.members["carol"].ins.append(Deed(15, 16, is_refused=True))
    secrecy.look(sight("carol", 15.5, 15.5))
    assert list(secrecy.leaks())
    secret.members["carol"].outs.append(Deed(15.2, 17))
    assert not list(secrecy.leaks())


def test_the_name_of_a_public_room_is_told_to_all_and_what_is_said_in_it_to_members_only() -> None:
    secrecy, secret = room(public=(Deed(5, 6),))
    secrecy.look(sight("carol", 15, 16, NAME))
    assert not list(secrecy.leaks())
    secrecy.look(sight("carol", 15, 16, BODY))
    assert len(list(secrecy.leaks())) == 1
    secrecy.forget()
    secret.public.outs.append(Deed(30, 31))
    secrecy.look(sight("carol", 32, 33, NAME))
    assert len(list(secrecy.leaks())) == 1


def test_what_a_search_finds_after_it_was_edited_or_deleted_is_a_leak() -> None:
    secrecy, secret = room(outs=())
    written, edited = Deed(12, 13), Deed(14, 15)
    stands = Door([written])
    secrecy.mark(OTHER, secret, Of.BODY, "bob", stands)
    secrecy.look(sight("bob", 15.1, 15.2, OTHER, is_search=True))
    assert not list(secrecy.leaks())
    stands.outs.append(edited)
    assert len(list(secrecy.leaks())) == 1
    assert secrecy.searched_count == 1


@pytest.mark.parametrize(
    ("seen", "is_leak"),
    [
        (sight("bob", 14.5, 15.2, OTHER, is_search=True), False),  # asked before it was answered
        (sight("bob", 15.1, 15.2, OTHER), False),  # a list of edits may show it
        (sight("bob", 15.1, 15.2, BODY, is_search=True), False),  # it stands as long as its room
        (sight("carol", 14.5, 14.6, OTHER, is_search=True), True),
        (sight("bob", 21.1, 21.2, BODY, is_search=True), True),
    ],
)
def test_what_a_search_finds_is_looked_at_as_all_that_is_seen(seen: Sight, is_leak: bool) -> None:
    secrecy, secret = room()
    secrecy.mark(OTHER, secret, Of.BODY, "bob", Door([Deed(12, 13)], [Deed(14, 15)]))
    secrecy.look(seen)
    assert bool(list(secrecy.leaks())) is is_leak


def test_of_two_edits_at_once_either_may_stand() -> None:
    secrecy, secret = room(outs=())
    one, other = Deed(12, 14), Deed(13, 15)
    secrecy.mark(OTHER, secret, Of.BODY, "bob", Door([one], [other]))
    secrecy.look(sight("bob", 16, 17, OTHER, is_search=True))
    assert not list(secrecy.leaks())


def test_durations_that_differ_are_told_apart() -> None:
    assert told_apart([(2, 1)] * 10) == told_apart([(1, 2)] * 10) == 0.5
    assert told_apart([(2, 1), (1, 2)] * 5) == 0
