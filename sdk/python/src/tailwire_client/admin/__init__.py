"""What only administrators may ask. Everybody else is answered as if it was not there: `NotFound`."""

from tailwire_client.admin.accounts import AccountOfUser, Accounts
from tailwire_client.admin.admin import Admin
from tailwire_client.admin.audit import AuditEvent
from tailwire_client.admin.invites import ServerInvite, ServerInvites
from tailwire_client.admin.reports import Report, Reports
from tailwire_client.admin.rooms import AnyRoom, AnyRooms
from tailwire_client.admin.state import Door, Node, Setting, Settings, Status

__all__ = [
    "AccountOfUser",
    "Accounts",
    "Admin",
    "AnyRoom",
    "AnyRooms",
    "AuditEvent",
    "Door",
    "Node",
    "Report",
    "Reports",
    "ServerInvite",
    "ServerInvites",
    "Setting",
    "Settings",
    "Status",
]
