"""Stores and reads accounts in the RethinkDB tables `users` and `names`."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from api.errors import NotFound, UsernameTaken
from api.models.accounts import ALL_ACCOUNTS, Account, AccountFilter, AccountState, Profile, User
from api.models.names import searched_form
from api.models.page import Page
from api.models.usernames import normal_username
from api.store import paging
from api.store.base.accounts import AccountStore
from api.store.cluster import administrators
from api.store.cluster.names import (
    OTHERS,
    has_text,
    named_query,
    names_query,
    part_of,
    searched,
    searched_display_name,
)
from api.store.cluster.queries import rows_query
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r

CLAIM_MS: Final = 60_000
"""If a name was claimed longer ago than this and its account is still not there, the node that claimed it has crashed,
and the name is free."""
_SLICE: Final = 1_000
"""A search looks at this many users by one query. On a busy machine of two cores, to look at all `LOOKED_AT` for a page
takes 0.25 s here and 0.03 s on SQLite. A filter in the database took over 5 s."""


class ClusterAccounts(AccountStore):
    """The tables `users` and `names`. No account has an id that cannot be a primary key."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def create(self, account: Account) -> None:
        """Claim the name, then store the account. Raises `UsernameTaken`."""
        user = account.user
        claim = {"id": account.username_key, "user_id": user.id, "at": user.created_at}
        names = r.table("names")
        kept = await self._claim(
            names.insert(claim, conflict=lambda _id, old, _new: old, return_changes="always")
        )
        if kept["user_id"] != user.id:
            abandoned = kept["at"] + CLAIM_MS < claim["at"] and not await self.get_many([kept["user_id"]])
            if not abandoned:
                raise UsernameTaken
            taken_over = names.get(account.username_key).update(
                lambda row: r.branch(row["user_id"] == kept["user_id"], claim, {}), return_changes="always"
            )
            if (await self._claim(taken_over))["user_id"] != user.id:
                raise UsernameTaken
        row = {
            "id": user.id,
            "username": user.username,
            "username_key": account.username_key,
            "display_name": user.display_name,
            "password_hash": account.password_hash,
            "created_at": user.created_at,
            "status_text": user.status_text,
            "time_zone": user.time_zone,
            "is_bot": user.is_bot,
            "avatar": user.avatar,
            "disabled": account.disabled,
            "admin": account.admin,
            "erasing": account.erasing,
            "owner_id": account.owner_id,
            "searched": searched(user.username, user.display_name),
        }
        await self._pool.write(r.table("users").insert(row, conflict=lambda _id, old, _new: old))

    async def _claim(self, write: Any) -> dict[str, Any]:
        written = await self._pool.write(write)
        kept: dict[str, Any] = written["changes"][0]["new_val"]
        return kept

    async def by_name(self, username_key: str) -> Account | None:
        """Return the account with this unique name, or None."""
        if not is_key(username_key):
            return None
        row = await self._pool.run(_BY_NAME(username_key))
        return row and _account(row)

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, Account]:
        """Return those of these accounts that exist."""
        rows = await self._pool.read(rows_query("users", user_ids))
        return {one.user.id: one for one in self._reader.read(rows, _account)}

    async def has_admin(self) -> bool:
        """Say whether there is an administrator."""
        found = r.table("users", read_mode="majority").between(r.minval, r.maxval, index="admin")
        return bool(await self._pool.run(found.filter({"erasing": False}).is_empty().not_()))

    async def all(
        self, matching: AccountFilter = ALL_ACCOUNTS, *, cursor: str | None, limit: int
    ) -> Page[Account]:
        """List the accounts that a filter chooses, oldest first."""
        list_name = paging.accounts(matching)
        start = paging.start(list_name, cursor)
        found = r.table("users", read_mode="majority").between(
            [r.minval] if start == paging.BEFORE_ALL else [*start], [r.maxval], index="age", left_bound="open"
        )
        ordered = found.order_by(index="age")
        if matching.state is not None:
            ordered = ordered.filter(_HAS_STATE[matching.state])
        if matching.text is not None:
            text, wanted = matching.text, searched_form(matching.text)
            shown = ordered.pluck("id", "username", "display_name", "searched", "created_at")
            named = list[dict[str, Any]]()

            def is_enough(row: dict[str, Any]) -> bool:
                if row["id"] == text or has_text(row, wanted):
                    named.append(row)
                return len(named) > limit

            await self._pool.read_until(shown, is_enough)
            accounts = await self.get_many([row["id"] for row in named])
            return paging.page(list_name, named, limit, key=_age, item=lambda row: accounts.get(row["id"]))
        rows = await self._pool.read(ordered.limit(limit + 1))
        return paging.page(list_name, rows, limit, key=_age, item=_account)

    async def named(self, text: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users with a text in their names, without disabled ones; see `AccountStore.named`."""
        prefix, wanted = normal_username(text), searched_form(text)
        list_name = f"users {prefix}"
        part, last = paging.start(list_name, cursor)
        search = paging.Search[dict[str, Any]](
            list_name, limit, lambda row: part_of(row, prefix) != OTHERS or has_text(row, wanted)
        )
        goes_on = True
        if part != OTHERS:
            goes_on = all(map(search.look, await self._pool.read(named_query(prefix, last, limit + 1))))
            last = ""
        while goes_on:
            rows = await self._pool.read(names_query(last, _SLICE))
            others = (row for row in rows if part_of(row, prefix) == OTHERS)
            goes_on = all(map(search.look, others)) and len(rows) == _SLICE
            last = rows[-1]["username"].lower() if rows else last
        found = await self.get_many([row["id"] for row in search.found])
        return search.page(
            key=lambda row: (part_of(row, prefix), row["username"].lower()),
            item=lambda row: found[row["id"]].user if row["id"] in found else None,
        )

    async def bots_of(self, owner_id: str, *, cursor: str | None, limit: int) -> Page[Account]:
        """List the bots of a user, oldest first."""
        list_name = f"bots {owner_id}"
        start = paging.start(list_name, cursor)
        found = r.table("users", read_mode="majority").between(
            [owner_id, *([r.minval] if start == paging.BEFORE_ALL else start)],
            [owner_id, r.maxval],
            index="owner",
            left_bound="open",
        )
        rows = (
            await self._pool.read(found.order_by(index="owner").limit(limit + 1)) if is_key(owner_id) else []
        )
        return paging.page(
            list_name, rows, limit, key=lambda row: (row["created_at"], row["id"]), item=_account
        )

    async def set_flags(
        self,
        user_id: str,
        *,
        disabled: bool | None = None,
        admin: bool | None = None,
        one_remains: bool = False,
    ) -> Account:
        """Change the flags that are given. Raises `NotFound`, `Conflict`; see `AccountStore.set_flags`."""
        if one_remains and (disabled or admin is False):
            async with administrators.one_remains(self._pool, user_id):
                return await self._set_flags(user_id, disabled, admin)
        return await self._set_flags(user_id, disabled, admin)

    async def _set_flags(self, user_id: str, disabled: bool | None, admin: bool | None) -> Account:
        given = {"disabled": disabled, "admin": admin}
        changes = {name: flag for name, flag in given.items() if flag is not None}
        changed = await self._change(user_id, lambda row: r.branch(row["erasing"], {}, changes))
        if changed.erasing:
            raise NotFound
        return changed

    async def set_password_hash(self, user_id: str, password_hash: str, *, over: str | None = None) -> None:
        """Replace a password hash; if `over` is given, only if that is the present one. Raises `NotFound`."""
        change = {"password_hash": password_hash}
        await self._change(
            user_id,
            change if over is None else lambda row: r.branch(row["password_hash"] == over, change, {}),
        )

    async def set_profile(self, user_id: str, profile: Profile) -> User:
        """Change what a user says about themselves. Raises `NotFound`."""
        given = {name: text for name, text in dataclasses.asdict(profile).items() if text is not None}
        if profile.display_name is not None:
            given["searched"] = searched_display_name(profile.display_name)
        return (await self._change(user_id, given)).user

    async def _change(self, user_id: str, changes: Any) -> Account:
        if not is_key(user_id):
            raise NotFound
        written = await self._pool.write(
            r.table("users").get(user_id).update(changes, return_changes="always")
        )
        if written["skipped"]:
            raise NotFound
        return _account(written["changes"][0]["new_val"])


_HAS_STATE: Final[dict[AccountState, dict[str, bool]]] = {
    AccountState.ADMIN: {"admin": True},
    AccountState.DISABLED: {"disabled": True, "erasing": False},
    AccountState.ERASING: {"erasing": True},
}


def _by_name(username_key: Any) -> Any:
    names, users = (r.table(name, read_mode="majority") for name in ("names", "users"))
    return names.get(username_key).do(
        lambda claim: r.branch(claim.eq(None), None, users.get(claim["user_id"]))
    )


_BY_NAME: Final = Prepared(_by_name)


def _age(row: dict[str, Any]) -> paging.Key:
    return row["created_at"], row["id"]


def _account(row: dict[str, Any]) -> Account:
    """Return the account in a row. Rows of older versions have no fields that came later."""
    return Account(
        User(
            row["id"],
            row["username"],
            row["display_name"],
            row["created_at"],
            status_text=row.get("status_text", ""),
            time_zone=row.get("time_zone", ""),
            is_bot=row.get("is_bot", False),
            avatar=row.get("avatar", ""),
        ),
        row["username_key"],
        row["password_hash"],
        disabled=row.get("disabled", False),
        admin=row.get("admin", False),
        erasing=row.get("erasing", False),
        owner_id=row.get("owner_id"),
    )
