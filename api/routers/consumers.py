"""/consumers: readers of all rooms of the caller, whose positions the server keeps."""

from fastapi import Request, Response
from pydantic.json_schema import SkipJsonSchema

from api.errors import BadCursor, Forbidden
from api.http.bodies.consumers import (
    Ack,
    ConsumerOut,
    ConsumersOut,
    ConsumerWithLag,
    EntriesOut,
    NewConsumer,
)
from api.http.caller import AnsweringDep, CallerDep, IdentityDep, StillDep
from api.http.deps import ConsumersDep, PollsDep
from api.http.ending import gone
from api.http.openapi import refuses
from api.http.query import ConsumerName, LogLimit, Wait
from api.http.routing import Router
from api.http.scopes import reads
from api.http.strict import StrictRoute

router = Router(prefix="/consumers", tags=["consumers"], route_class=StrictRoute)


@router.get("")
@reads
async def consumers(identity: IdentityDep, consumers: ConsumersDep) -> ConsumersOut:
    """List the consumers of the caller, by name."""
    found = await consumers.of_user(identity.user.id)
    return ConsumersOut(items=[ConsumerOut.of(one, identity.room_ids) for one in found])


@router.put(
    "/{name}",
    responses=refuses(Forbidden) | {201: {"model": ConsumerOut, "description": "The consumer is new"}},
)
@reads
async def make(
    name: ConsumerName,
    identity: IdentityDep,
    consumers: ConsumersDep,
    response: Response,
    body: NewConsumer | SkipJsonSchema[None] = None,
) -> ConsumerOut:
    """Make a consumer, or give the one of this name other rooms. Its position stays, and so does its `start`."""
    wanted = body or NewConsumer()
    consumer, is_new = await consumers.put(
        identity.user.id,
        name,
        room_ids=wanted.room_ids,
        start=wanted.start,
        bound=identity.room_ids,
    )
    response.status_code = 201 if is_new else 200
    return ConsumerOut.of(consumer, identity.room_ids)


@router.get("/{name}")
@reads
async def consumer(name: ConsumerName, identity: IdentityDep, consumers: ConsumersDep) -> ConsumerWithLag:
    """Return a consumer, and how many entries it has not acknowledged yet."""
    found = await consumers.get(identity.user.id, name)
    bound = identity.room_ids
    return ConsumerWithLag.with_lag(found, bound, await consumers.lag(found, bound=bound))


@router.delete("/{name}", status_code=204, responses=refuses(Forbidden))
@reads
async def end(name: ConsumerName, identity: IdentityDep, consumers: ConsumersDep) -> None:
    """End a consumer, and forget its position."""
    await consumers.delete(identity.user.id, name, bound=identity.room_ids)


@router.get("/{name}/entries")
@reads
async def entries(  # noqa: PLR0913, PLR0917  the query fields
    name: ConsumerName,
    caller: CallerDep,
    polls: PollsDep,
    request: Request,
    still_allowed: StillDep,
    answering: AnsweringDep,
    wait: Wait = 0,
    limit: LogLimit = 100,
) -> EntriesOut:
    """Return the entries that were not acknowledged yet, of all rooms, in order in each room.

    Where there are none, the answer comes when there are, or after `wait` seconds. Entries come again until their
    token is acknowledged.
    """
    reading = await polls.entries(
        caller.user.id,
        name,
        session_id=caller.session_id,
        bound=caller.room_ids,
        limit=limit,
        wait_seconds=wait,
        gone=lambda: gone(request),
        still_allowed=still_allowed,
        answering=answering,
    )
    return EntriesOut.of(reading.given, reading.token, has_more=reading.has_more)


@router.post("/{name}/ack", status_code=204, responses=refuses(BadCursor))
@reads
async def ack(name: ConsumerName, body: Ack, identity: IdentityDep, consumers: ConsumersDep) -> None:
    """Store that the reader is done with the entries that came with this token. Repeating it changes nothing."""
    await consumers.ack(identity.user.id, name, body.token, bound=identity.room_ids)
