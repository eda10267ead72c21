"""Says whether a message as it is now is one that was searched for. Pure.

The index may be behind: the message may say something else by now. It is shown only if it still is what was wanted.
"""

from api.models.log import Message
from api.search.index import Wanted
from api.search.query import Trait
from api.search.rows import has_link, names_of
from api.search.text import stands_in, words_of


def matches(wanted: Wanted, message: Message) -> bool:
    """Return whether a message is one that was wanted, as the index would find it."""
    return (
        not message.deleted and _is_of(wanted, message) and _has(wanted, message) and _says(wanted, message)
    )


def _is_of(wanted: Wanted, message: Message) -> bool:
    author = message.user_id
    return (
        (not wanted.authors or author in wanted.authors)
        and author not in wanted.not_authors
        and (wanted.since is None or message.at >= wanted.since)
        and (wanted.until is None or message.at < wanted.until)
        and (wanted.mentions is None or _mentions(message, wanted.mentions))
        and (wanted.not_mentions is None or not _mentions(message, wanted.not_mentions))
    )


def _mentions(message: Message, user_id: str) -> bool:
    return message.mentions_all or user_id in message.mentions


def _has(wanted: Wanted, message: Message) -> bool:
    traits = set[Trait]()
    if has_link(message.body):
        traits.add(Trait.LINK)
    if message.pinned:
        traits.add(Trait.PIN)
    if message.thread is not None:
        traits.add(Trait.THREAD)
    # The files of a message never change, so the index knows about them.
    return traits >= set(wanted.traits) - {Trait.FILE} and traits.isdisjoint(wanted.not_traits)


def _says(wanted: Wanted, message: Message) -> bool:
    texts = [words_of(message.body), words_of(names_of(message.files))]
    return all(
        any(stands_in(term.words, words) for words in texts) is not term.is_excluded for term in wanted.terms
    )
