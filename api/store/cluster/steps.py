"""Lists the steps that make each version of the RethinkDB schema from the one before.

RethinkDB has no transaction over several tables. So everything in a step can be repeated: a step that was interrupted
is repeated as a whole, and its number is stored only when all of it is done. A released step never changes; a further
change is a new step. A new database takes all steps, so that there is one way to every version. Only an index that a
later step drops is made by no step any more.
"""

from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.migration import Index, Step
from api.store.cluster.row_changes import (
    blank_refs_of_erased,
    delete_ended_sessions,
    fold_messages,
    give_users_flags,
    move_into_batches,
    note_places,
    note_searched_names,
    remember_one_token,
    remember_used_tokens,
    take_usernames_from_members,
)
from api.store.rethinkdb import r

# -- keys of indexes


def _targets(batch: Any) -> Any:
    """Return the places of the messages that a batch changes."""
    return r.branch(
        batch["rows"]["kind"].distinct()
        == [Kind.MESSAGE.value],  # this is nearly always so, and is quick to find out
        [],
        batch["rows"]["data"]["target"].map(lambda target: [batch["id"].nth(0), target]),
    )


def _notices(batch: Any) -> Any:
    """Return the key of a batch if the history shows any of its entries that are no messages."""
    kinds = batch["rows"]["kind"]
    return r.branch(
        kinds.distinct() == [Kind.MESSAGE.value],  # this is nearly always so, and is quick to find out
        None,
        kinds.set_intersection([Kind.MEMBER.value, Kind.ROOM.value]).is_empty(),
        None,
        batch["id"],
    )


def _people(batch: Any) -> Any:
    """Return a key for each user who has an entry in a batch. The keys of a user are in the order of room and seq."""
    users = batch["rows"]["user_id"].distinct()
    return users.map(lambda user_id: [user_id, batch["id"].nth(0), batch["id"].nth(1)])


def _threads(batch: Any) -> Any:
    """Return a key for each thread that a batch has a reply in, or the deletion of one. They are ordered by seq."""
    roots = batch["rows"]["data"]["thread"].distinct()
    return roots.map(lambda root: [batch["id"].nth(0), root, batch["id"].nth(1)])


def _mentioned(row: Any) -> Any:
    """Return a key for each user whom a message mentions. The keys of a user are in the order of room and seq."""
    return row["users"].map(lambda user_id: [user_id, row["id"].nth(0), row["id"].nth(1)])


def _mentioned_at(row: Any) -> Any:
    """Return a key for each user whom a message mentions. The keys of a user are in the order of time."""
    return row["users"].map(lambda user_id: [user_id, row["at"], row["id"].nth(1), row["id"].nth(0)])


def _audited_people(event: Any) -> Any:
    """Return a key for each user who caused an audit event or met it. The keys of a user are in the order of time."""
    people = r.expr([event["actor_id"], event["subject_id"]]).filter(lambda one: one.ne(None)).distinct()
    return people.map(lambda user_id: [user_id, event["id"].nth(0), event["id"].nth(1)])


_NOT_GONE: Final = ("uploading", "whole", "sent")


def _in_state(row: Any, key: list[str], *states: str) -> Any:
    """Return the key of a file that is in one of these states."""
    return r.branch(r.expr(list(states)).contains(row["state"]), [row[name] for name in key], None)


STEPS: Final = (
    Step(
        version=1,
        tables=("meta", "names", "users", "sessions", "rooms", "heads", "members", "beats"),
        changes=(),
        indexes=(
            Index(
                "rooms",
                "public",
                lambda row: r.branch(row["visibility"] == "public", [row["created_at"], row["id"]], None),
            ),
            Index(
                "members",
                "user",
                lambda row: r.branch(
                    row["role"].eq(None), None, [row["user_id"], row["joined_at"], row["room_id"]]
                ),
            ),
            Index(
                "members",
                "room",
                lambda row: r.branch(
                    row["role"].eq(None), None, [row["room_id"], row["joined_at"], row["user_id"]]
                ),
            ),
        ),
    ),
    Step(
        version=2,
        tables=("audit", "attempts"),
        changes=(give_users_flags, delete_ended_sessions, remember_used_tokens),
        indexes=(
            Index("users", "age", lambda row: [row["created_at"], row["id"]]),
            # The first version kept names of ASCII letters in the case in which they were typed.
            Index("users", "name", lambda row: r.branch(row["disabled"], None, row["username"].downcase())),
            Index("users", "erasing", lambda row: r.branch(row["erasing"], row["id"], None)),
            Index("sessions", "user", lambda row: row["user_id"]),
        ),
    ),
    Step(
        version=3,
        tables=("batches",),
        changes=(take_usernames_from_members, move_into_batches),
        indexes=(
            Index(
                "batches",
                "message",
                lambda batch: r.branch(batch["rows"]["kind"].contains(Kind.MESSAGE.value), batch["id"], None),
            ),
            Index("batches", "target", _targets, multi=True),
        ),
    ),
    Step(
        version=4,
        tables=(),
        changes=(),
        # Also the memberships that have ended, which are in no other index.
        indexes=(Index("members", "person", lambda row: row["user_id"]),),
    ),
    Step(
        version=5,
        tables=("invites",),
        changes=(),
        indexes=(
            Index("invites", "room", lambda row: [row["listed_in"], row["created_at"], row["id"]]),
            Index("invites", "maker", lambda row: row["made_by"]),
            Index("invites", "expiry", lambda row: row["expires_at"]),
            Index("invites", "user", lambda row: row["uses"]["user_id"], multi=True),
            Index("users", "admin", lambda row: r.branch(row["admin"], row["id"], None)),
        ),
    ),
    Step(version=6, tables=(), changes=(remember_one_token,), indexes=()),
    Step(version=7, tables=(), changes=(blank_refs_of_erased,), indexes=()),
    Step(
        version=8,
        tables=("signals",),
        changes=(),
        indexes=(Index("batches", "notice", _notices),),
    ),
    Step(
        version=9,
        tables=("refs",),
        changes=(note_places,),
        indexes=(Index("batches", "who", _people, multi=True),),
        drops=(("batches", "author"),),
    ),
    Step(
        version=10,
        tables=("pins",),
        changes=(),
        indexes=(
            Index("pins", "room", lambda row: r.branch(row["pinned"], [row["room_id"], row["since"]], None)),
        ),
    ),
    Step(
        version=11,
        tables=(),
        changes=(),
        indexes=(Index("batches", "thread", _threads, multi=True),),
    ),
    Step(version=12, tables=("leases", "positions"), changes=(), indexes=()),
    Step(
        version=13,
        tables=("mentions",),
        changes=(),
        indexes=(
            Index("mentions", "user", _mentioned, multi=True),
            Index("mentions", "age", _mentioned_at, multi=True),
        ),
    ),
    Step(
        version=14,
        tables=("changed", "reactions"),
        changes=(),
        indexes=(Index("reactions", "place", lambda row: row["place"]),),
    ),
    Step(version=15, tables=(), changes=(fold_messages,), indexes=()),
    Step(
        version=16,
        tables=(),
        changes=(),
        indexes=(
            Index("rooms", "deleted", lambda row: row["deleted_at"]),
            Index(
                "rooms",
                "age",
                lambda row: r.branch(row.has_fields("deleted_at"), None, [row["created_at"], row["id"]]),
            ),
            Index("reactions", "room", lambda row: row["place"].nth(0)),
        ),
    ),
    Step(
        version=17,
        tables=("nodes",),
        changes=(),
        indexes=(
            Index("audit", "event", lambda row: [row["event"], row["id"].nth(0), row["id"].nth(1)]),
            Index("audit", "person", _audited_people, multi=True),
        ),
    ),
    Step(
        version=18,
        tables=("blocks", "reports"),
        changes=(),
        indexes=(
            Index(
                "members",
                "ban",
                lambda row: r.branch(
                    row["banned_at"].default(None).eq(None),
                    None,
                    [row["room_id"], row["banned_at"], row["user_id"]],
                ),
            ),
            Index("blocks", "user", lambda row: [row["user_id"], row["at"], row["blocked_id"]]),
            Index("blocks", "blocked", lambda row: row["blocked_id"]),
            Index("reports", "age", lambda row: [row["at"], row["id"]]),
            Index("reports", "state", lambda row: [row["state"], row["at"], row["id"]]),
            Index("reports", "reporter", lambda row: [row["reporter_id"], row["at"], row["id"]]),
            Index("members", "banned_by", lambda row: row["banned_by"].default(None)),
        ),
    ),
    Step(version=19, tables=("presence",), changes=(), indexes=()),
    Step(
        version=20,
        tables=(),
        changes=(),
        indexes=(
            Index(
                "users",
                "owner",
                lambda row: r.branch(
                    row["owner_id"].default(None).eq(None),
                    None,
                    [row["owner_id"], row["created_at"], row["id"]],
                ),
            ),
        ),
    ),
    Step(
        version=21,
        tables=("webhooks", "deliveries"),
        changes=(),
        indexes=(
            Index("webhooks", "room", lambda row: [row["room_id"], row["created_at"], row["id"]]),
            Index("deliveries", "age", lambda row: row["age"]),
        ),
    ),
    Step(version=22, tables=("consumers",), changes=(), indexes=()),
    Step(
        version=23,
        tables=("hooks",),
        changes=(),
        indexes=(
            Index(
                "hooks",
                "room",
                lambda row: r.branch(
                    row["ended_at"].eq(None), [row["room_id"], row["created_at"], row["id"]], None
                ),
            ),
            Index("hooks", "of_room", lambda row: row["room_id"]),
        ),
    ),
    Step(version=24, tables=(), changes=(note_searched_names,), indexes=()),
    Step(
        version=25,
        tables=("attachments", "file_usage"),
        changes=(),
        indexes=(
            Index("attachments", "message", lambda row: _in_state(row, ["room_id", "seq", "id"], "sent")),
            Index("attachments", "room", lambda row: row["room_id"]),
            Index(
                "attachments", "user", lambda row: _in_state(row, ["user_id", "made_at", "id"], *_NOT_GONE)
            ),
            Index("attachments", "all", lambda row: [row["user_id"], row["made_at"], row["id"]]),
            Index(
                "attachments",
                "unsent",
                lambda row: r.branch(
                    r.expr(["uploading", "whole"]).contains(row["state"]), row["touched_at"], None
                ),
            ),
            Index("attachments", "gone", lambda row: r.branch(row["state"] == "gone", row["id"], None)),
        ),
    ),
)
