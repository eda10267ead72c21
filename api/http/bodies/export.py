"""The lines of an export: one JSON object for each record."""

from base64 import b64encode
from typing import Any

from api.accounts.export import Exported, FileBytes, OwnBlock, OwnBot, OwnFile, OwnMembership
from api.http.bodies.consumers import ConsumerOut
from api.http.bodies.invites import InviteOut
from api.http.bodies.tokens import BotOut, TokenOut
from api.models.accounts import Session, User
from api.models.consumers import Consumer
from api.models.invites import Invite
from api.models.log import Entry
from api.models.moderation import Report
from api.protocol.entries import entry_event
from api.protocol.fields import timestamp


def exported(record: Exported) -> dict[str, Any]:
    """Return the line of a record. An entry's line equals its event on a socket."""
    match record:
        case User():
            return _account(record)
        case Session() | OwnBot():
            return _access(record)
        case OwnMembership():
            return _membership(record)
        case OwnBlock() | Report():
            return _moderation(record)
        case Invite() | Consumer() | OwnFile() | FileBytes():
            return _made(record)
        case Entry():
            return entry_event(record)


def _account(user: User) -> dict[str, Any]:
    return {
        "type": "account",
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name,
        "status_text": user.status_text,
        "time_zone": user.time_zone or None,
        "created_at": timestamp(user.created_at),
    }


def _access(session: Session | OwnBot) -> dict[str, Any]:
    if isinstance(session, OwnBot):
        return {"type": "bot", **BotOut.of(session.bot).model_dump()}
    if session.grant is not None:
        return {"type": "token", "user_id": session.user_id, **TokenOut.of(session).model_dump()}
    return {
        "type": "session",
        "id": session.id,
        "created_at": timestamp(session.created_at),
        "last_used_at": timestamp(session.last_used_at),
        "user_agent": session.user_agent,
    }


def _membership(membership: OwnMembership) -> dict[str, Any]:
    view, member = membership.view, membership.member
    return {
        "type": "membership",
        "room_id": view.room.id,
        "room_name": view.room.name,
        "kind": view.room.kind,
        "people": view.room.people,
        "role": member.role,
        "joined_at": timestamp(member.joined_at),
        "read_seq": member.read_seq,
        "notify": {
            "level": member.notify.level,
            "muted_until": timestamp(member.notify.muted_until),
        },
        "place": {
            "favourite": view.place is not None and view.place.favourite,
            "section": view.place and view.place.section,
            "hidden": view.is_hidden,
        },
    }


def _file(own: OwnFile | FileBytes) -> dict[str, Any]:
    if isinstance(own, FileBytes):
        data = b64encode(own.data).decode()
        return {"type": "file_bytes", "file_id": own.file_id, "offset": own.offset, "data": data}
    return {
        **own.file.data,
        "type": "file",
        "media_type": own.file.type,
        "room_id": own.file.room_id or None,
        "seq": own.file.seq,
        "uploaded_at": timestamp(own.file.made_at),
    }


def _made(record: Invite | Consumer | OwnFile | FileBytes) -> dict[str, Any]:
    if isinstance(record, (OwnFile, FileBytes)):
        return _file(record)
    if isinstance(record, Invite):
        return {"type": "invite", **InviteOut.of(record).model_dump(exclude={"made_by"})}
    return {"type": "consumer", **ConsumerOut.of(record, None).model_dump()}


def _moderation(record: OwnBlock | Report) -> dict[str, Any]:
    if isinstance(record, OwnBlock):
        return {"type": "block", "user_id": record.blocked.id, "username": record.blocked.username}
    return {
        "type": "report",
        "room_id": record.room_id,
        "epoch": record.epoch,
        "seq": record.seq,
        "reason": record.reason,
        "state": record.state,
        "at": timestamp(record.at),
    }
