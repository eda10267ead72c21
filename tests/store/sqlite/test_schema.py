"""Bringing a file's tables up to date."""

import asyncio
from pathlib import Path

import pytest

from api.errors import RefConflict, Unavailable
from api.models.accounts import SessionKind
from api.models.log import Reaction
from api.models.rooms import LOBBY_ID, Membership, Notify, Role, RoomKind, RoomPlace, Unread
from api.store import restore_store
from api.store.sqlite import schema as sqlite_schema
from api.store.sqlite.attachment_tables import AVATARS
from api.store.sqlite.steps import STEPS
from api.store.sqlite.store import SqliteStore
from tests.store.make import ALICE, BOB, edit, mentioning, message, reaction
from tests.store.sqlite.files import go, line, make_nothing, opened, sender, stranger

pytestmark = pytest.mark.anyio


def make_of_version(path: Path, version: int, rows: str) -> None:
    """Make a database as an older version left it."""
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.create_scalar_function("ref_hash", lambda *_: None, 1)  # there are no rows yet
        connection.create_scalar_function("searched_names", lambda *_: None, 2)
        for step in STEPS[:version]:
            connection.execute(step)
        connection.execute(rows)
        connection.pragma("application_id", sqlite_schema.APPLICATION_ID)
        connection.pragma("user_version", version)


VERSION_1_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 0, 0, 0);
INSERT INTO users VALUES ('user-alice', 'Alice', 'alice', 'Alice', 'hash', 1);
INSERT INTO sessions VALUES ('fresh', 'user-alice', 1, 1, 9, '', 'h1', NULL, NULL);
INSERT INTO sessions VALUES ('rotated', 'user-alice', 1, 1, 9, '', 'h2', 'h1', 5);
"""


async def test_a_database_of_version_1_is_brought_up_to_date_with_all_it_holds(path: Path, url: str) -> None:
    make_of_version(path, 1, VERSION_1_ROWS)
    async with opened(url) as store:
        found = await store.sessions.get_many(["fresh", "rotated"])
        assert (found["fresh"].previous_hash, found["fresh"].was_used) == (None, True)
        assert found["fresh"].kind is SessionKind.LOGIN
        assert (found["rotated"].previous_hash, found["rotated"].pair_used) == ("h1", False)
        named = (await store.accounts.named("lic", cursor=None, limit=9)).items
        assert [one.username for one in named] == ["Alice"]
        assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1
    with stranger(path) as connection:
        assert connection.pragma("user_version") == sqlite_schema.VERSION
        assert connection.execute("SELECT disabled, admin, erasing FROM users").fetchall() == [(0, 0, 0)]


VERSION_3_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 2, 0, 0);
INSERT INTO users (id, username, username_key, display_name, created_at) VALUES
    ('user-alice', 'alice', 'alice', 'Alice', 1), ('user-bob', 'bob', 'bob', 'Bob', 2);
INSERT INTO members VALUES ('lobby', 'user-alice', 'owner', 5, 2, 0), ('lobby', 'user-bob', 'reader', 6, 1, 0);
"""


async def test_members_of_version_3_stay_and_readers_among_them_come_back_as_readers(
    path: Path, url: str
) -> None:
    make_of_version(path, 3, VERSION_3_ROWS)
    async with opened(url) as store:
        members = (await store.members.of_room(LOBBY_ID, cursor=None, limit=9)).items
        assert [(one.username, one.role, one.joined_at, one.read_seq) for one in members] == [
            ("alice", Role.OWNER, 5, 2),
            ("bob", Role.READER, 6, 1),
        ]
        await store.members.leave(LOBBY_ID, BOB, at=7)
        await store.members.join(LOBBY_ID, BOB, Role.MEMBER, at=8)
        back = await store.members.get(LOBBY_ID, BOB.id)
        assert back is not None
        assert back.role is Role.READER


VERSION_4_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 4, 3, 2);
INSERT INTO users (id, username, username_key, display_name, created_at) VALUES ('user-bob', 'bob', 'bob', 'Bob', 1);
INSERT INTO members (room_id, user_id, role, joined_at, read_seq) VALUES ('lobby', 'user-bob', 'member', 1, 1);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, data, target, message_number) VALUES
    ('lobby', 1, 'member', 'user-bob', 'bob', 1, '{"role": "member", "by": "user-bob"}', NULL, 0),
    ('lobby', 2, 'message', 'user-alice', 'alice', 1, '{"body": "hello", "reply_to": null}', NULL, 1),
    ('lobby', 3, 'message', 'user-alice', 'alice', 1, '{"body": "", "reply_to": null}', NULL, 2),
    ('lobby', 4, 'delete', 'user-alice', 'alice', 1, '{"target": 3}', 3, 2);
"""


async def test_a_database_of_version_4_counts_what_is_unread_by_the_new_definition(
    path: Path, url: str
) -> None:
    make_of_version(path, 4, VERSION_4_ROWS)
    async with opened(url) as store:
        view = await store.rooms.view(LOBBY_ID, "user-bob")
        assert view is not None
        assert (view.read_seq, view.unread) == (1, Unread(1, 2))
        assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 5
        assert [one.seq for one in (await store.log.history(LOBBY_ID, limit=9)).items] == [2, 3, 5]


VERSION_7_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 5, 4);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, ref, data, target) VALUES
    ('lobby', 1, 'message', 'user-alice', 'alice', 1, 'kept', '{"body": "hello", "reply_to": null}', NULL),
    ('lobby', 2, 'message', 'user-alice', 'alice', 1, 'secret ref', '{"body": "", "reply_to": null}', NULL),
    ('lobby', 3, 'edit', 'user-alice', 'alice', 1, 'secret edit', '{"target": 2, "body": ""}', 2),
    ('lobby', 4, 'message', 'user-bob', 'bob', 1, 'kept', '{"body": "hello", "reply_to": null}', NULL),
    ('lobby', 5, 'delete', 'user-alice', 'alice', 1, 'delete', '{"target": 2}', 2);
"""


async def test_a_database_of_version_7_loses_the_refs_of_what_was_erased_and_still_knows_them(
    path: Path, url: str
) -> None:
    make_of_version(path, 7, VERSION_7_ROWS)
    async with opened(url) as store:
        assert b"secret" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
        log = await store.log.entries(LOBBY_ID, after=0, limit=9)
        assert [entry.ref for entry in log] == ["kept", None, None, "kept", "delete"]
        for ref in ("kept", "secret ref", "secret edit", "delete"):  # known, of another content
            with pytest.raises(RefConflict):
                await store.log.append(LOBBY_ID, message(ref, "another"))
        mine = await store.erasure.entries_of(ALICE.id, cursor=None, limit=9)
        assert {entry.seq for entry in mine.items} == {1, 2, 3, 5}


VERSION_9_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 8, 2);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, data, target) VALUES
    ('lobby', 1, 'message', 'user-alice', 'alice', 1, '{"body": "hello", "reply_to": null}', NULL),
    ('lobby', 2, 'message', 'user-alice', 'alice', 2, '{"body": "", "reply_to": null}', NULL),
    ('lobby', 3, 'edit', 'user-alice', 'alice', 3, '{"target": 1, "body": "hello, all"}', 1),
    ('lobby', 4, 'reaction', 'user-bob', 'bob', 4, '{"target": 1, "emoji": "+", "added": true}', 1),
    ('lobby', 5, 'delete', 'user-alice', 'alice', 5, '{"target": 2}', 2),
    ('lobby', 6, 'edit', 'user-alice', 'alice', 6, '{"target": 2, "body": ""}', 2),
    ('lobby', 7, 'edit', 'user-alice', 'alice', 7, 'no JSON', 1),
    ('lobby', 8, 'reaction', 'user-bob', 'bob', 8, '{"target": 4, "emoji": "+", "added": true}', 4);
"""


async def test_a_database_of_version_9_shows_messages_as_they_were_changed(path: Path, url: str) -> None:
    make_of_version(path, 9, VERSION_9_ROWS)
    async with opened(url) as store:
        first, second = (await store.log.history(LOBBY_ID, limit=9)).items
        assert (first.body, first.edited_at) == ("hello, all", 3)
        assert first.reactions == (Reaction("+", 1, (BOB.id,)),)
        assert (second.deleted, second.body) == (True, "")
        await store.log.append(LOBBY_ID, reaction("r1", 1, "+", by=ALICE))
        found = await store.log.message(LOBBY_ID, 1)
        assert found is not None
        assert found.reactions == (Reaction("+", 2, (BOB.id, ALICE.id)),)


VERSION_10_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 3, 2);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, data, target) VALUES
    ('lobby', 1, 'message', 'user-alice', 'alice', 1, '{"body": "tea?", "reply_to": null}', NULL),
    ('lobby', 2, 'message', 'user-alice', 'alice', 2, '{"body": "yes", "reply_to": 1}', NULL),
    ('lobby', 3, 'pin', 'user-alice', 'alice', 3, '{"target": 1, "pinned": true}', 1);
INSERT INTO changed (room_id, seq, as_of, pinned_by, reactions) VALUES ('lobby', 1, 3, 3, '[]');
"""


async def test_replies_of_version_10_have_no_thread_and_are_roots_of_what_answers_them(
    path: Path, url: str
) -> None:
    make_of_version(path, 10, VERSION_10_ROWS)
    async with opened(url) as store:
        for ref, answered, root in (("r1", 1, 1), ("r2", 2, 2), ("r3", 5, 2)):
            stored = await store.log.append(LOBBY_ID, message(ref, reply_to=answered))
            assert stored.entry.data["thread"] == root
        shown = (await store.log.history(LOBBY_ID, limit=9)).items
        assert [(one.thread, one.reply_count, one.pinned) for one in shown] == [
            (None, 1, True),
            (None, 2, False),
            *((root, 0, False) for root in (1, 2, 2)),
        ]
        for root, replies in ((1, [4]), (2, [5, 6]), (4, [])):
            found = (await store.log.thread(LOBBY_ID, root, after=0, limit=9)).items
            assert [one.seq for one in found] == replies


async def test_a_step_that_fails_leaves_the_database_as_it_was(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url):
        pass
    broken = "CREATE TABLE half_way (id); no SQL"
    monkeypatch.setattr(sqlite_schema, "STEPS", (*STEPS, broken))
    monkeypatch.setattr(sqlite_schema, "VERSION", sqlite_schema.VERSION + 1)
    with pytest.raises(Unavailable):
        await SqliteStore.open(url)
    monkeypatch.undo()
    with stranger(path) as connection:
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'half_way'").fetchall()
    async with opened(url) as store:
        await store.check()


async def test_an_empty_file_becomes_a_database(path: Path, url: str) -> None:
    make_nothing(path)
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))


async def test_several_processes_may_open_a_new_database_at_once(path: Path, url: str) -> None:
    starting = [sender(url, f"p{n}", 5) for n in range(4)]
    processes = await asyncio.gather(*(each.__aenter__() for each in starting))
    try:
        for process in processes:
            go(process)
        acks = [(await line(process)).split() for process in processes for _ in range(5)]
        assert sorted(int(seq) for seq, _, _ in acks) == list(range(1, 21))
        assert len({epoch for _, _, epoch in acks}) == 1
    finally:
        for each in starting:
            await each.__aexit__(None, None, None)


VERSION_11_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 1, 1);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, data) VALUES
    ('lobby', 1, 'message', 'user-alice', 'alice', 1, '{"body": "hello", "reply_to": null}');
"""


async def test_rooms_of_version_11_are_followed_from_their_beginning(path: Path, url: str) -> None:
    make_of_version(path, 11, VERSION_11_ROWS)
    async with opened(url) as store:
        (found,) = await store.positions.page("reader", after="", limit=9)
        assert (found.head.seq, found.is_deleted, found.position) == (1, False, None)


async def test_a_copy_of_version_11_can_be_restored_and_begins_new_epochs(path: Path, url: str) -> None:
    copy = path.with_name("a copy") / "tailwire.db"
    make_of_version(copy, 11, VERSION_11_ROWS)
    restore_store(url, copy, force=False)
    async with opened(url) as store:
        (found,) = await store.positions.page("reader", after="", limit=9)
        assert (found.head.seq, found.head.epoch != "epoch") == (1, True)


VERSION_12_ROWS = """
INSERT INTO rooms (id, name, topic, visibility, created_at, epoch, seq, message_seq)
    VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 3, 2);
INSERT INTO users (id, username, username_key, display_name, created_at) VALUES ('user-bob', 'bob', 'bob', 'Bob', 1);
INSERT INTO members (room_id, user_id, role, joined_at, read_seq) VALUES ('lobby', 'user-bob', 'member', 1, 1);
INSERT INTO entries (room_id, seq, kind, user_id, username, at, data, target) VALUES
    ('lobby', 1, 'member', 'user-bob', 'bob', 1, '{"role": "member", "by": "user-bob"}', NULL),
    ('lobby', 2, 'message', 'user-alice', 'alice', 1, '{"body": "@bob", "reply_to": null}', NULL),
    ('lobby', 3, 'edit', 'user-alice', 'alice', 2, '{"target": 2, "body": "hi @bob"}', 2);
INSERT INTO changed (room_id, seq, as_of, body, edited_at, reactions) VALUES ('lobby', 2, 3, 'hi @bob', 2, '[]');
"""


async def test_messages_of_version_12_mention_nobody_until_they_are_edited(path: Path, url: str) -> None:
    make_of_version(path, 12, VERSION_12_ROWS)
    async with opened(url) as store:
        view = await store.rooms.view(LOBBY_ID, "user-bob")
        assert view is not None
        assert (view.unread, view.notify) == (Unread(1, 2, mention_count=0), Notify())
        (shown,) = (await store.log.history(LOBBY_ID, limit=9)).items
        assert (shown.body, shown.mentions, shown.mentions_all) == ("hi @bob", (), False)
        await store.log.append(LOBBY_ID, mentioning(edit("e", 2, "hello @bob"), BOB))
        view = await store.rooms.view(LOBBY_ID, "user-bob")
        assert view is not None
        assert view.unread.mention_count == 1


async def test_the_members_of_rooms_of_an_older_version_are_counted(path: Path, url: str) -> None:
    make_of_version(path, 12, VERSION_12_ROWS)
    async with opened(url) as store:
        view = await store.rooms.view(LOBBY_ID, "user-bob")
        assert view is not None
        assert (view.member_count, view.place, view.room.kind) == (1, RoomPlace(), RoomKind.ROOM)
        assert (await store.accounts.get_many(["user-bob"]))["user-bob"].user.time_zone == ""


async def test_nobody_is_banned_or_blocked_in_a_database_of_version_13(path: Path, url: str) -> None:
    make_of_version(path, 13, VERSION_12_ROWS)
    with stranger(path) as connection:
        connection.execute("INSERT INTO audit (at, id, event) VALUES (1, 'one', 'erased')")
    async with opened(url) as store:
        assert await store.members.state(LOBBY_ID, "user-bob") == Membership(Role.MEMBER)
        assert (await store.members.banned(LOBBY_ID, cursor=None, limit=9)).items == []
        assert not await store.blocks.any_among(["user-alice", "user-bob"])
        assert (await store.reports.all(state=None, cursor=None, limit=9)).items == []
        (event,) = (await store.audit.all(cursor=None, limit=9)).items
        assert (event.event, event.room_id) == ("erased", None)


async def test_nobody_has_a_picture_in_a_database_of_before_pictures(path: Path, url: str) -> None:
    rows = """
    INSERT INTO users (id, username, username_key, display_name, password_hash, created_at)
        VALUES ('user-bob', 'bob', 'bob', 'Bob', 'hash', 1);
    INSERT INTO rooms (id, name, topic, visibility, created_at, epoch) VALUES ('lobby', 'Lobby', '', 'public', 1, 'e');
    """
    make_of_version(path, STEPS.index(AVATARS), rows)
    async with opened(url) as store:
        assert (await store.accounts.get_many(["user-bob"]))["user-bob"].user.avatar == ""
        room = await store.rooms.get(LOBBY_ID)
        assert room is not None
        assert room.avatar == ""
