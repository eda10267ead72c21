"""Which connected users are in which room, as far as it is known, whatever comes in which order."""

from random import Random

from api.realtime.user_rooms import UserRooms


def known(**rooms: list[str]) -> UserRooms:
    """Return the table of users whose rooms are known."""
    table = UserRooms()
    for user_id in rooms:
        table.begin(user_id)
    table.learn(table.unknown(9), rooms)
    return table


def test_a_room_concerns_its_members_who_are_connected() -> None:
    table = known(alice=["den", "lobby"], bob=["lobby"])
    assert set(table.users_of("lobby")) == {"alice", "bob"}
    table.change("den", "bob", is_member=True)
    table.change("den", "nobody", is_member=True)
    assert set(table.users_of("den")) == {"alice", "bob"}
    table.change("den", "alice", is_member=False)
    assert set(table.users_of("den")) == {"bob"}
    table.end("bob")
    assert (set(table.users_of("den")), set(table.users_of("lobby"))) == (set(), {"alice"})
    assert table.count == 1


def test_nobody_is_in_a_room_before_their_rooms_are_known() -> None:
    table = UserRooms()
    table.begin("alice")
    assert [table.is_complete, *table.users_of("den")] == [False]
    assert table.learn(table.unknown(9), {"alice": ["den"]}) == ["alice"]
    assert [table.is_complete] == [True]
    assert set(table.users_of("den")) == {"alice"}


def test_a_user_is_known_until_the_last_who_began_has_ended() -> None:
    table = known(alice=["den"])
    table.begin("alice")
    table.end("alice")
    assert (set(table.users_of("den")), table.is_known("alice")) == ({"alice"}, True)
    table.end("alice")
    assert (table.users_of("den"), table.is_known("alice"), table.count) == ((), False, 0)


def test_who_listens_is_told_of_each_change_of_a_user_who_has_begun() -> None:
    table, told = known(alice=["den"]), list[tuple[str, str]]()
    table.listeners.append(lambda room_id, user_id: told.append((room_id, user_id)))
    table.change("tea", "alice", is_member=True)
    table.change("den", "alice", is_member=False)
    table.change("den", "nobody", is_member=True)
    assert told == [("tea", "alice"), ("den", "alice")]


def test_what_changes_while_rooms_are_asked_for_counts_for_more_than_the_answer() -> None:
    table = UserRooms()
    table.begin("alice")
    asked = table.unknown(9)
    table.change("den", "alice", is_member=False)
    table.change("new", "alice", is_member=True)
    table.learn(asked, {"alice": ["den", "lobby"]})
    assert set(table.rooms_of("alice")) == {"lobby", "new"}


def test_an_answer_from_before_a_doubt_or_another_connection_does_not_count() -> None:
    for is_doubt in (True, False):
        table = UserRooms()
        table.begin("alice")
        asked = table.unknown(9)
        if is_doubt:
            table.doubt()
        else:
            table.end("alice")
            table.begin("alice")
        assert table.learn(asked, {"alice": ["den"]}) == []
        assert table.users_of("den") == ()
        table.learn(table.unknown(9), {"alice": ["lobby"]})
        assert set(table.rooms_of("alice")) == {"lobby"}


def test_after_a_doubt_nobody_is_in_a_room_until_it_is_known_again() -> None:
    table = known(alice=["den"], bob=["den"])
    table.doubt()
    assert table.users_of("den") == ()
    assert list(table.unknown(1)) == ["alice"]
    table.learn(table.unknown(2), {"alice": ["den"], "bob": []})
    assert set(table.users_of("den")) == {"alice"}


def test_both_sides_of_the_table_agree_after_any_history() -> None:
    users, rooms = ["u1", "u2", "u3"], ["r1", "r2", "r3"]
    for seed in range(200):
        chance = Random(seed)  # noqa: S311  no secret
        table, truth = UserRooms(), set[tuple[str, str]]()
        for _ in range(60):
            user, room = chance.choice(users), chance.choice(rooms)
            match chance.randrange(6):
                case 0:
                    table.begin(user)
                case 1:
                    table.end(user)
                case 2:
                    table.doubt()
                case 3:
                    asked = table.unknown(2)
                    table.learn(asked, {one: [r for r, u in truth if u == one] for one in asked})
                case _:
                    is_member = chance.random() < 0.5
                    (truth.add if is_member else truth.discard)((room, user))
                    table.change(room, user, is_member=is_member)
            for one in rooms:
                for user_id in table.users_of(one):
                    assert (one, user_id) in truth
                    assert one in table.rooms_of(user_id)
            assert table.count == sum(len(table.users_of(one)) for one in rooms)
        table.learn(table.unknown(9), {one: [r for r, u in truth if u == one] for one in users})
        for user in table._rooms:
            assert set(table.rooms_of(user)) == {r for r, u in truth if u == user}
