"""The server folds a log into messages; the page applies its events one by one. Both must show the same."""

from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from api.http.bodies.messages import MessageOut
from api.models.log import Entry, EntryData, Kind
from api.protocol.entries import entry_event
from api.store.fold import fold
from tests.page_cases import drawn, needs_the_tools_of_the_page, play_in_the_page

CASES: Final = 300
USERS: Final = ("ann", "bob", "cleo")
CROWD: Final = tuple(f"user{number}" for number in range(26))
"""More than a message names of those who reacted."""
EMOJIS: Final = ("👍", "🎉", "🙈")


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """Draw the whole log of a room, with changes of its messages and entries of unknown kinds."""
    entries: list[Entry] = []
    messages: list[int] = []
    threads: dict[int, int] = {}
    is_crowded = draw(st.booleans())
    users = CROWD if is_crowded else USERS
    if is_crowded:
        entries, messages = crowded(draw(st.integers(18, 26))), [1]
    first = len(entries) + 1
    for seq in range(first, first + draw(st.integers(2, 24))):
        kind, data = draw(_facts(messages))
        if kind == Kind.MESSAGE:
            messages.append(seq)
            if isinstance(answered := data["reply_to"], int):
                threads[seq] = threads.get(answered, answered)
                data |= {"thread": threads[seq]}
        elif kind == Kind.DELETE and isinstance(target := data["target"], int) and target in threads:
            data |= {"thread": threads[target]}
        user_id = draw(st.sampled_from(users))
        ref = f"r{seq}" if kind == Kind.MESSAGE else None
        entries.append(Entry("lobby", seq, kind, user_id, user_id.title(), 1_000 * seq, ref, data))
    return entries


def crowded(count: int) -> list[Entry]:
    """Return a log in which so many users have reacted to the first message."""
    data: EntryData = {"target": 1, "emoji": EMOJIS[0], "added": True}
    said = Entry("lobby", 1, Kind.MESSAGE, "ann", "Ann", 1_000, "r1", {"body": "a", "reply_to": None})
    reactions = [
        Entry("lobby", seq, Kind.REACTION, user, user.title(), 1_000 * seq, None, data)
        for seq, user in enumerate(CROWD[:count], start=2)
    ]
    return [said, *reactions]


_MENTIONED: Final = st.fixed_dictionaries(
    {},
    optional={
        "mentions": st.lists(st.sampled_from(USERS), max_size=2, unique=True),
        "mentions_all": st.booleans(),
    },
)
_SHOWN: Final = st.sampled_from(
    [{}, {"shown_as": None}, {"shown_as": {"name": "CI", "icon_url": None, "icon_emoji": "ghost"}}]
)
"""Whom a text mentions. What has its default may be there as well."""


def _facts(messages: list[int]) -> st.SearchStrategy[tuple[str, EntryData]]:
    said: st.SearchStrategy[tuple[str, EntryData]] = st.builds(
        lambda body, *more: (Kind.MESSAGE, {"body": body, "reply_to": None, **more[0], **more[1]}),
        st.text("abc é", min_size=1, max_size=8),
        *(_MENTIONED, _SHOWN),
    )
    strange: st.SearchStrategy[tuple[str, EntryData]] = st.just(
        ("pin_of_the_future", {"target": 1, "list": [1]})
    )
    if not messages:
        return said | strange
    target = st.sampled_from(messages)
    edited = st.builds(
        lambda at, body, mentioned: (Kind.EDIT, {"target": at, "body": body, **mentioned}),
        target,
        st.text("xyz", min_size=1, max_size=8),
        _MENTIONED,
    )
    answered = st.builds(lambda at: (Kind.MESSAGE, {"body": "a reply", "reply_to": at}), target)
    deleted = st.builds(lambda at: (Kind.DELETE, {"target": at}), target)
    reacted = st.builds(
        lambda at, emoji, added: (Kind.REACTION, {"target": at, "emoji": emoji, "added": added}),
        *(target, st.sampled_from(EMOJIS), st.booleans()),
    )
    pinned = st.builds(lambda at, flag: (Kind.PIN, {"target": at, "pinned": flag}), target, st.booleans())
    linked = st.builds(
        lambda at, urls: (Kind.PREVIEW, {"target": at, "previews": [_preview(url) for url in urls]}),
        target,
        st.lists(st.sampled_from("axyz"), max_size=2, unique=True),
    )
    return said | answered | linked | pinned | edited | deleted | reacted | reacted | reacted | strange


def _preview(url: str) -> EntryData:
    return {"url": url, "title": url.title(), "description": "", "site_name": "", "picture": None}


def case(entries: list[Entry]) -> dict[str, Any]:
    folded = fold([one for one in entries if one.kind == Kind.MESSAGE], entries)
    return {
        "log": [entry_event(one) for one in entries],
        "messages": [MessageOut.of(message).model_dump(mode="json") for message in folded],
    }


@needs_the_tools_of_the_page
def test_the_page_shows_every_log_as_the_server_folds_it(tmp_path: Path) -> None:
    cases = [case(entries) for entries in drawn(CASES, logs())]
    assert len(cases) >= CASES // 2
    play_in_the_page("tests/rooms/fold.test.ts", "TAILWIRE_FOLD_CASES", cases, tmp_path)
