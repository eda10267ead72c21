"""/rooms/{room_id}/messages and /log: history, sending, and the raw log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from api.errors import EpochChanged, FieldError, Forbidden, Invalid, NotFound, RefConflict
from api.http.bodies.forms import SeqInPath, whole
from api.http.bodies.messages import HistoryOut, LogOut, MessageOut, NewMessage
from api.http.deps import CanRead, CanSend, ServicesDep, StoreDep
from api.http.openapi import refuses
from api.http.strict import StrictRoute
from api.protocol.events import entry_event
from api.protocol.strict_json import MAX_SAFE_INTEGER

router = APIRouter(prefix="/rooms/{room_id}", tags=["messages"], route_class=StrictRoute)

Seq = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER), BeforeValidator(whole)]


@router.get("/messages")
async def history(
    member: CanRead,
    store: StoreDep,
    before: Annotated[Seq | SkipJsonSchema[None], Query()] = None,
    after: Annotated[Seq | SkipJsonSchema[None], Query()] = None,
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(whole), Query()] = 50,
) -> HistoryOut:
    """Return the newest messages, those before a seq, or those after one; oldest first."""
    if before is not None and after is not None:
        raise Invalid(errors=(FieldError(("query", "after"), "cannot be given together with before"),))
    page = await store.log.history(member.room_id, before=before, after=after, limit=limit)
    return HistoryOut(
        items=[MessageOut.of(one) for one in page.items], epoch=page.epoch, has_more=page.has_more
    )


@router.post(
    "/messages",
    status_code=201,
    responses=refuses(Forbidden, RefConflict)
    | {200: {"model": MessageOut, "description": "It was stored before"}},
)
async def send(body: NewMessage, member: CanSend, parts: ServicesDep, response: Response) -> MessageOut:
    """Write a message; 200, with the same message, when its ref was stored before."""
    appended = await parts.commands.append(member, body.ref, body.body, body.reply_to)
    if not appended.is_new:
        response.status_code = 200
    message = await parts.store.log.message(member.room_id, appended.entry.seq)
    if message is None:
        raise NotFound
    return MessageOut.of(message)


@router.get("/messages/{seq}")
async def message(seq: SeqInPath, member: CanRead, store: StoreDep) -> MessageOut:
    """Return one message."""
    found = await store.log.message(member.room_id, seq) if 1 <= seq <= MAX_SAFE_INTEGER else None
    if found is None:
        raise NotFound
    return MessageOut.of(found)


@router.get("/log", responses=refuses(EpochChanged))
async def log(
    member: CanRead,
    store: StoreDep,
    after: Annotated[Seq, Query()] = 0,
    limit: Annotated[int, Field(ge=1, le=500), BeforeValidator(whole), Query()] = 200,
    epoch: Annotated[str | SkipJsonSchema[None], Query(max_length=64)] = None,
) -> LogOut:
    """Return raw entries after a seq, as the socket would have sent them."""
    head = (await store.log.heads([member.room_id])).get(member.room_id)
    if head is None:
        raise NotFound
    if epoch is not None and epoch != head.epoch:
        raise EpochChanged
    limit = min(limit, head.seq - after)  # what came meanwhile is past the `seq` that we tell
    entries = await store.log.entries(member.room_id, after=after, limit=limit) if limit > 0 else []
    return LogOut(items=[entry_event(entry) for entry in entries], epoch=head.epoch, seq=head.seq)
