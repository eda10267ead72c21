"""A client for Tailwire: every event once and in order, every message sent once, over any failure."""

from tailwire_client.account import Login, User
from tailwire_client.admin import (
    AccountOfUser,
    AnyRoom,
    AuditEvent,
    Report,
    ServerInvite,
)
from tailwire_client.client import Client
from tailwire_client.consumer import Consumer, ConsumerState
from tailwire_client.credentials import Credentials, ProgramToken
from tailwire_client.drafts import Draft, Drafts, FileDrafts, MemoryDrafts
from tailwire_client.entries import (
    DeleteEntry,
    EditEntry,
    Entry,
    MemberEntry,
    MessageEntry,
    PinEntry,
    PreviewEntry,
    ReactionEntry,
    RoomEntry,
    ShownAs,
)
from tailwire_client.errors import (
    Archived,
    Banned,
    Blocked,
    BrokenContract,
    Closed,
    Conflict,
    Deleted,
    Ended,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    Problem,
    Quota,
    RateLimited,
    RefConflict,
    Replaced,
    Restored,
    SessionEnded,
    SignupClosed,
    SlowMode,
    StorageFull,
    TailwireError,
    Unauthorized,
    Unavailable,
    Unreachable,
    UsernameTaken,
)
from tailwire_client.events import (
    Event,
    Live,
    Membership,
    Notice,
    Notifications,
    Placed,
    Presence,
    Read,
    Ready,
    Reset,
    Typing,
    Unknown,
    Unsubscribed,
    UserChanged,
)
from tailwire_client.files import File
from tailwire_client.hooks import Hook
from tailwire_client.invites import Invite, InvitePreview
from tailwire_client.kept import Kept, KeptInMemory
from tailwire_client.members import Ban, Member
from tailwire_client.messages import Edit, Edits, LinkPreview, Message, Page, Reaction, Reactor
from tailwire_client.outbox import Sent
from tailwire_client.pace import Pace
from tailwire_client.pair import FilePair, Pair
from tailwire_client.position import Position
from tailwire_client.positions import FilePositions, MemoryPositions, Positions
from tailwire_client.rooms import Notify, Person, Place, Room
from tailwire_client.session import Session
from tailwire_client.sign_up import sign_up
from tailwire_client.stream import Stream
from tailwire_client.sync import SyncClient, SyncConsumer
from tailwire_client.tokens import Token
from tailwire_client.version import VERSION
from tailwire_client.webhooks import Delivery, RenewedSecret, Replay, Webhook

__version__ = VERSION

__all__ = [
    "AccountOfUser",
    "AnyRoom",
    "Archived",
    "AuditEvent",
    "Ban",
    "Banned",
    "Blocked",
    "BrokenContract",
    "Client",
    "Closed",
    "Conflict",
    "Consumer",
    "ConsumerState",
    "Credentials",
    "DeleteEntry",
    "Deleted",
    "Delivery",
    "Draft",
    "Drafts",
    "Edit",
    "EditEntry",
    "Edits",
    "Ended",
    "Entry",
    "Event",
    "File",
    "FileDrafts",
    "FilePair",
    "FilePositions",
    "Forbidden",
    "Hook",
    "Invalid",
    "Invite",
    "InvitePreview",
    "Kept",
    "KeptInMemory",
    "LinkPreview",
    "Live",
    "Login",
    "Member",
    "MemberEntry",
    "Membership",
    "MemoryDrafts",
    "MemoryPositions",
    "Message",
    "MessageEntry",
    "NotFound",
    "Notice",
    "Notifications",
    "Notify",
    "Outdated",
    "Pace",
    "Page",
    "Pair",
    "Person",
    "PinEntry",
    "Place",
    "Placed",
    "Position",
    "Positions",
    "Presence",
    "PreviewEntry",
    "Problem",
    "ProgramToken",
    "Quota",
    "RateLimited",
    "Reaction",
    "ReactionEntry",
    "Reactor",
    "Read",
    "Ready",
    "RefConflict",
    "RenewedSecret",
    "Replaced",
    "Replay",
    "Report",
    "Reset",
    "Restored",
    "Room",
    "RoomEntry",
    "Sent",
    "ServerInvite",
    "Session",
    "SessionEnded",
    "ShownAs",
    "SignupClosed",
    "SlowMode",
    "StorageFull",
    "Stream",
    "SyncClient",
    "SyncConsumer",
    "TailwireError",
    "Token",
    "Typing",
    "Unauthorized",
    "Unavailable",
    "Unknown",
    "Unreachable",
    "Unsubscribed",
    "User",
    "UserChanged",
    "UsernameTaken",
    "Webhook",
    "sign_up",
]
