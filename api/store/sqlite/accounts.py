"""Stores and reads accounts in the SQLite table `users`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `AccountStore`; queries are joined from constants of this file

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import apsw

from api.errors import Conflict, NotFound, UsernameTaken
from api.models.accounts import ALL_ACCOUNTS, Account, AccountFilter, AccountState, Profile, User
from api.models.names import searched_form, searched_names
from api.models.page import Page
from api.models.usernames import normal_username
from api.store import paging
from api.store.base.accounts import LAST_ADMINISTRATOR, AccountStore
from api.store.sqlite.worker import Worker

USER: Final = (
    "users.id, username, display_name, users.created_at, status_text, time_zone, is_bot, users.avatar"
)
"""The columns of a `User`, which `user_of` reads."""
_ACCOUNT: Final = f"{USER}, username_key, password_hash, disabled, admin, erasing, owner_id"
_COLUMNS: Final = _ACCOUNT.replace("users.", "")
_OTHERS: Final = 1
"""The number in the keys of users who are found otherwise than by the beginning of their username."""

_HAS_STATE: Final = {
    None: "TRUE",
    AccountState.ADMIN: "admin",
    AccountState.DISABLED: "disabled AND NOT erasing",
    AccountState.ERASING: "erasing",
}


class SqliteAccounts(AccountStore):
    """The table `users`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, account: Account) -> None:
        await self._write(lambda cursor: _create(cursor, account))

    async def by_name(self, username_key: str) -> Account | None:
        return await self._read(lambda cursor: _by_name(cursor, username_key))

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, Account]:
        return await self._read(lambda cursor: _find_many(cursor, user_ids))

    async def has_admin(self) -> bool:
        return await self._read(_has_admin)

    async def all(
        self, matching: AccountFilter = ALL_ACCOUNTS, *, cursor: str | None, limit: int
    ) -> Page[Account]:
        return await self._read(lambda reading: _all(reading, matching, cursor, limit))

    async def named(self, text: str, *, cursor: str | None, limit: int) -> Page[User]:
        return await self._read(lambda reading: _named(reading, text, cursor, limit))

    async def bots_of(self, owner_id: str, *, cursor: str | None, limit: int) -> Page[Account]:
        return await self._read(lambda reading: _bots_of(reading, owner_id, cursor, limit))

    async def set_profile(self, user_id: str, profile: Profile) -> User:
        return await self._write(lambda cursor: _set_profile(cursor, user_id, profile))

    async def set_password_hash(self, user_id: str, password_hash: str, *, over: str | None = None) -> None:
        await self._write(lambda cursor: _set_password_hash(cursor, user_id, password_hash, over))

    async def set_flags(
        self,
        user_id: str,
        *,
        disabled: bool | None = None,
        admin: bool | None = None,
        one_remains: bool = False,
    ) -> Account:
        def change(cursor: apsw.Cursor) -> Account:
            if one_remains and (disabled or admin is False):
                require_another_admin(cursor, user_id)
            return _set_flags(cursor, user_id, disabled, admin)

        return await self._write(change)


def require_another_admin(cursor: apsw.Cursor, user_id: str) -> None:
    """Raise `Conflict` when this user is the only administrator who can log in."""
    usable = cursor.execute("SELECT id FROM users WHERE admin AND NOT disabled LIMIT 2").fetchall()
    if usable == [(user_id,)]:
        raise Conflict(LAST_ADMINISTRATOR)


def _create(cursor: apsw.Cursor, account: Account) -> None:
    """Store an account. Storing the same one again changes nothing. Raises `UsernameTaken`."""
    user = account.user
    holder = cursor.execute("SELECT id FROM users WHERE username_key = ?", (account.username_key,)).fetchone()
    if holder == (user.id,):
        return  # a retry
    if holder is not None:
        raise UsernameTaken
    cursor.execute(
        f"INSERT INTO users ({_COLUMNS}, searched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            user.id,
            user.username,
            user.display_name,
            user.created_at,
            user.status_text,
            user.time_zone,
            user.is_bot,
            user.avatar,
            account.username_key,
            account.password_hash,
            account.disabled,
            account.admin,
            account.erasing,
            account.owner_id,
            searched_names(user.username, user.display_name),
        ),
    )


def _by_name(cursor: apsw.Cursor, username_key: str) -> Account | None:
    """Return the account with this unique name."""
    row = cursor.execute(f"SELECT {_ACCOUNT} FROM users WHERE username_key = ?", (username_key,)).fetchone()
    return row and _account(row)


def _find(cursor: apsw.Cursor, user_id: str) -> Account | None:
    """Return an account."""
    row = cursor.execute(f"SELECT {_ACCOUNT} FROM users WHERE id = ?", (user_id,)).fetchone()
    return row and _account(row)


def _find_many(cursor: apsw.Cursor, user_ids: Sequence[str]) -> dict[str, Account]:
    """Return those of these accounts that exist."""
    return {one: found for one in user_ids if (found := _find(cursor, one)) is not None}


def _has_admin(cursor: apsw.Cursor) -> bool:
    """Say whether there is an administrator."""
    found = cursor.execute("SELECT 1 FROM users WHERE admin AND NOT erasing LIMIT 1")
    return found.fetchone() is not None


def _all(cursor: apsw.Cursor, matching: AccountFilter, after: str | None, limit: int) -> Page[Account]:
    """List the accounts that a filter chooses, oldest first."""
    list_name = paging.accounts(matching)
    text = matching.text or ""
    rows = cursor.execute(
        f"SELECT {_ACCOUNT} FROM users WHERE (created_at, id) > (?, ?) AND {_HAS_STATE[matching.state]}"
        " AND (id = ? OR instr(searched, ?)) ORDER BY created_at, id LIMIT ?",
        (*paging.start(list_name, after), text, searched_form(text), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[3], row[0]), item=_account)


def _named(cursor: apsw.Cursor, text: str, after: str | None, limit: int) -> Page[User]:
    """List the users with a text in their names, without disabled ones; see `AccountStore.named`."""
    prefix, wanted = normal_username(text), searched_form(text)
    list_name = f"users {prefix}"
    part, last = paging.start(list_name, after)
    search = paging.Search[Any](list_name, limit, lambda row: row[-2] != _OTHERS or wanted in row[-1])
    begins = "lower(username) >= :prefix AND lower(username) < :end"
    queries = [(0, begins, last), (_OTHERS, f"NOT ({begins})", last if part == _OTHERS else "")]
    for number, condition, after_name in queries[int(part == _OTHERS) :]:
        rows = cursor.execute(
            f"SELECT {USER}, lower(username), {number}, searched FROM users"
            f" WHERE NOT disabled AND lower(username) > :after AND {condition} ORDER BY lower(username)",
            {"prefix": prefix, "end": prefix + paging.AFTER_ALL_TEXTS, "after": after_name},
        )
        if not all(map(search.look, rows)):
            break
    return search.page(key=lambda row: (row[-2], row[-3]), item=lambda row: user_of(row[:-3]))


def _bots_of(cursor: apsw.Cursor, owner_id: str, after: str | None, limit: int) -> Page[Account]:
    """List the bots of a user, oldest first."""
    list_name = f"bots {owner_id}"
    rows = cursor.execute(
        f"SELECT {_ACCOUNT} FROM users WHERE owner_id = ? AND (created_at, id) > (?, ?)"
        " ORDER BY created_at, id LIMIT ?",
        (owner_id, *paging.start(list_name, after), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[3], row[0]), item=_account)


def _set_profile(cursor: apsw.Cursor, user_id: str, profile: Profile) -> User:
    """Change how a user is shown. Raises `NotFound`."""
    before = _found(cursor, user_id).user
    given = {name: text for name, text in asdict(profile).items() if text is not None}
    user = replace(before, **given)
    cursor.execute(
        "UPDATE users SET display_name = ?, status_text = ?, time_zone = ?, avatar = ?, searched = ? WHERE id = ?",
        (
            user.display_name,
            user.status_text,
            user.time_zone,
            user.avatar,
            searched_names(user.username, user.display_name),
            user_id,
        ),
    )
    return user


def _set_password_hash(cursor: apsw.Cursor, user_id: str, password_hash: str, over: str | None) -> None:
    """Replace a password hash; if `over` is given, only if that is the present one. Raises `NotFound`."""
    cursor.execute(
        "UPDATE users SET password_hash = ?1 WHERE id = ?2 AND (?3 IS NULL OR password_hash = ?3)",
        (password_hash, user_id, over),
    )
    _found(cursor, user_id)


def _set_flags(cursor: apsw.Cursor, user_id: str, disabled: bool | None, admin: bool | None) -> Account:
    """Change the flags that are given. Raises `NotFound`, also for an account that is being erased."""
    cursor.execute(
        "UPDATE users SET disabled = coalesce(?, disabled), admin = coalesce(?, admin)"
        " WHERE id = ? AND NOT erasing",
        (disabled, admin, user_id),
    )
    if not cursor.connection.changes():
        raise NotFound
    return _found(cursor, user_id)


def _found(cursor: apsw.Cursor, user_id: str) -> Account:
    found = _find(cursor, user_id)
    if found is None:
        raise NotFound
    return found


def _account(row: Any) -> Account:
    *user, username_key, password_hash, disabled, admin, erasing, owner_id = row
    return Account(
        user_of(user), username_key, password_hash, bool(disabled), bool(admin), bool(erasing), owner_id
    )


def user_of(row: Sequence[Any]) -> User:
    """Return the user in a row of the columns `USER`."""
    id_, username, display_name, created_at, status_text, time_zone, is_bot, avatar = row
    return User(id_, username, display_name, created_at, status_text, time_zone, bool(is_bot), avatar)
