"""/rooms/{room_id}/messages and /log: the history, sending and changing, and the raw log."""

from typing import Annotated

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from api.errors import BadEmoji, BadFile, Deleted, EpochChanged, FieldError, Forbidden, Invalid, RefConflict
from api.http.bodies.message_json import (
    around_json,
    history_json,
    log_json,
    message_json,
    pins_json,
    timeline_json,
)
from api.http.bodies.messages import (
    EditsOut,
    HistoryAroundOut,
    HistoryOut,
    LogOut,
    MessageOut,
    NewBody,
    NewMessage,
    PinsOut,
    ReactorsOut,
    TimelineAroundOut,
    TimelineOut,
)
from api.http.caller import AuthorDep, IdentityDep
from api.http.deps import MessageChangesDep, MessagesDep
from api.http.idempotency import IdempotencyKey, ref_of, required_ref_of
from api.http.openapi import refuses
from api.http.plan import answer
from api.http.query import (
    Cursor,
    EmojiInPath,
    EpochInQuery,
    Flag,
    Limit,
    LogLimit,
    SeqInPath,
    SeqOrZero,
)
from api.http.routing import Router
from api.http.scopes import reads, writes
from api.http.strict import StrictRoute

router = Router(prefix="/rooms/{room_id}", tags=["messages"], route_class=StrictRoute)


@router.get("/messages", response_model=HistoryOut | TimelineOut | HistoryAroundOut | TimelineAroundOut)
@reads
async def history(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    identity: IdentityDep,
    messages: MessagesDep,
    before: Annotated[SeqOrZero | SkipJsonSchema[None], Query()] = None,
    after: Annotated[SeqOrZero | SkipJsonSchema[None], Query()] = None,
    around: Annotated[SeqOrZero | SkipJsonSchema[None], Query()] = None,
    limit: Limit = 50,
    entries: Annotated[Flag, Query()] = False,
) -> Response:
    """Return a page of messages, oldest first: the newest ones, those before a seq, after one, or around one.

    With `entries`, also the entries `member` and `room` between the messages. Each item then has its `type`.
    """
    given = [
        name for name, seq in (("before", before), ("after", after), ("around", around)) if seq is not None
    ]
    if len(given) > 1:
        raise Invalid(errors=(FieldError(("query", given[1]), f"cannot be given together with {given[0]}"),))
    if around is not None:
        page_around = await messages.around(
            room_id, identity.user.id, around, limit=limit, with_notices=entries
        )
        return answer(around_json(page_around, with_notices=entries))
    if entries:
        timeline = await messages.timeline(room_id, identity.user.id, before=before, after=after, limit=limit)
        return answer(timeline_json(timeline))
    page = await messages.history(room_id, identity.user.id, before=before, after=after, limit=limit)
    return answer(history_json(page))


@router.post(
    "/messages",
    status_code=201,
    response_model=MessageOut,
    responses=refuses(Forbidden, RefConflict, Deleted, EpochChanged, BadFile)
    | {200: {"model": MessageOut, "description": "The message was stored before"}},
)
@writes
async def send(
    room_id: str,
    body: NewMessage,
    author: AuthorDep,
    messages: MessagesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Write a message. When its ref was stored before, the answer is 200 with the stored message."""
    ref = required_ref_of(idempotency_key, body.ref)
    posted = await messages.post(
        author, room_id, ref, body.body, reply_to=body.reply_to, files=body.files, epoch=body.epoch
    )
    return answer(message_json(posted.message), 201 if posted.is_new else 200)


@router.get("/messages/{seq}", response_model=MessageOut)
@reads
async def message(room_id: str, seq: SeqInPath, identity: IdentityDep, messages: MessagesDep) -> Response:
    """Return one message."""
    return answer(message_json(await messages.message(room_id, identity.user.id, seq)))


@router.patch(
    "/messages/{seq}",
    response_model=MessageOut,
    responses=refuses(Forbidden, RefConflict, Deleted, EpochChanged),
)
@writes
async def edit(  # noqa: PLR0913, PLR0917  the header and what is needed
    room_id: str,
    seq: SeqInPath,
    body: NewBody,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give your own message another body, and return it as it is now."""
    ref = ref_of(idempotency_key, body.ref)
    await changes.edit(author, room_id, seq, body.body, ref=ref, epoch=body.epoch)
    return await _shown(messages, room_id, seq, author)


@router.delete("/messages/{seq}", status_code=204, responses=refuses(Forbidden, EpochChanged))
@writes
async def delete(
    room_id: str, seq: SeqInPath, author: AuthorDep, changes: MessageChangesDep, epoch: EpochInQuery = None
) -> None:
    """Delete a message, and erase it from storage. Repeating it changes nothing."""
    await changes.delete(author, room_id, seq, ref=None, epoch=epoch)


@router.get("/messages/{seq}/edits")
@reads
async def edits(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    seq: SeqInPath,
    identity: IdentityDep,
    messages: MessagesDep,
    after: Annotated[SeqOrZero, Query()] = 0,
    limit: Limit = 50,
) -> EditsOut:
    """Return the edits of a message, oldest first, and what was sent at first."""
    return EditsOut.of(await messages.edits(room_id, identity.user.id, seq, after=after, limit=limit))


@router.get("/messages/{seq}/thread", response_model=HistoryOut)
@reads
async def thread(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    seq: SeqInPath,
    identity: IdentityDep,
    messages: MessagesDep,
    after: Annotated[SeqOrZero, Query()] = 0,
    limit: Limit = 50,
) -> Response:
    """Return the replies below a message, oldest first: all in its thread, also answers to answers."""
    page = await messages.thread(room_id, identity.user.id, seq, after=after, limit=limit)
    return answer(history_json(page))


@router.put(
    "/messages/{seq}/reactions/{emoji}",
    response_model=MessageOut,
    responses=refuses(Forbidden, Deleted, EpochChanged, BadEmoji),
)
@writes
async def react(  # noqa: PLR0913, PLR0917  the query field and what is needed
    room_id: str,
    seq: SeqInPath,
    emoji: EmojiInPath,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    epoch: EpochInQuery = None,
) -> Response:
    """React to a message with an emoji, and return the message. Repeating it changes nothing."""
    await changes.react(author, room_id, seq, emoji, added=True, ref=None, epoch=epoch)
    return await _shown(messages, room_id, seq, author)


@router.delete(
    "/messages/{seq}/reactions/{emoji}",
    response_model=MessageOut,
    responses=refuses(Forbidden, Deleted, EpochChanged, BadEmoji),
)
@writes
async def unreact(  # noqa: PLR0913, PLR0917  the query field and what is needed
    room_id: str,
    seq: SeqInPath,
    emoji: EmojiInPath,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    epoch: EpochInQuery = None,
) -> Response:
    """Take a reaction back, and return the message. Repeating it changes nothing."""
    await changes.react(author, room_id, seq, emoji, added=False, ref=None, epoch=epoch)
    return await _shown(messages, room_id, seq, author)


@router.get("/messages/{seq}/reactions/{emoji}", responses=refuses(BadEmoji))
@reads
async def reactors(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    seq: SeqInPath,
    emoji: EmojiInPath,
    identity: IdentityDep,
    messages: MessagesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ReactorsOut:
    """List who has reacted to a message with an emoji, in the order of reacting."""
    user_id = identity.user.id
    return ReactorsOut.of(await messages.reactors(room_id, user_id, seq, emoji, cursor=cursor, limit=limit))


@router.put(
    "/messages/{seq}/pin", response_model=MessageOut, responses=refuses(Forbidden, Deleted, EpochChanged)
)
@writes
async def pin(  # noqa: PLR0913, PLR0917  the query field and what is needed
    room_id: str,
    seq: SeqInPath,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    epoch: EpochInQuery = None,
) -> Response:
    """Pin a message in its room, and return it. Repeating it changes nothing."""
    await changes.pin(author, room_id, seq, pinned=True, ref=None, epoch=epoch)
    return await _shown(messages, room_id, seq, author)


@router.delete(
    "/messages/{seq}/pin", response_model=MessageOut, responses=refuses(Forbidden, Deleted, EpochChanged)
)
@writes
async def unpin(  # noqa: PLR0913, PLR0917  the query field and what is needed
    room_id: str,
    seq: SeqInPath,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    epoch: EpochInQuery = None,
) -> Response:
    """Unpin a message, and return it. Repeating it changes nothing."""
    await changes.pin(author, room_id, seq, pinned=False, ref=None, epoch=epoch)
    return await _shown(messages, room_id, seq, author)


@router.delete(
    "/messages/{seq}/previews", response_model=MessageOut, responses=refuses(Forbidden, Deleted, EpochChanged)
)
@writes
async def remove_previews(  # noqa: PLR0913, PLR0917  the query field and what is needed
    room_id: str,
    seq: SeqInPath,
    author: AuthorDep,
    messages: MessagesDep,
    changes: MessageChangesDep,
    epoch: EpochInQuery = None,
) -> Response:
    """Take away the previews of links in a message, so that none come any more, and return it."""
    await changes.remove_previews(author, room_id, seq, ref=None, epoch=epoch)
    return await _shown(messages, room_id, seq, author)


@router.get("/pins", response_model=PinsOut)
@reads
async def pins(room_id: str, identity: IdentityDep, messages: MessagesDep) -> Response:
    """Return the pinned messages of a room, that which was pinned last first."""
    return answer(pins_json(await messages.pins(room_id, identity.user.id)))


@router.get("/log", response_model=LogOut, responses=refuses(EpochChanged))
@reads
async def log(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    identity: IdentityDep,
    messages: MessagesDep,
    after: Annotated[SeqOrZero, Query()] = 0,
    limit: LogLimit = 200,
    epoch: Annotated[str | SkipJsonSchema[None], Query(max_length=64)] = None,
) -> Response:
    """Return raw entries after a seq, in the form of the socket's events."""
    page = await messages.log(room_id, identity.user.id, after=after, limit=limit, epoch=epoch)
    return answer(log_json(page.entries, page.head))


async def _shown(messages: MessagesDep, room_id: str, seq: int, author: AuthorDep) -> Response:
    """Answer with a message as it is now, for who has changed it."""
    return answer(message_json(await messages.message(room_id, author.user_id, seq)))
