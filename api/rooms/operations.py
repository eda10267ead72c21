"""The operations on rooms, for each of which `policy.py` says who may do it. Pure."""

from enum import StrEnum


class Operation(StrEnum):
    """The operations on a room. Their values are the texts of docs/permissions.md."""

    SEE = "see that it is there, its name and topic"
    JOIN = "join"
    LEAVE = "leave"
    LIST_MEMBERS = "list members"
    READ_LOG = "read history, log, single messages, edits, reactions and pins"
    SEARCH = "search its messages"
    SUBSCRIBE = "subscribe, and resume"
    MARK_READ = "mark as read"
    SEND = "send"
    SEND_RESTRICTED = "send where `post_role` is `moderator`"
    UPLOAD = "upload files, which is sending them too"
    TYPE = "show that one is typing"
    EDIT = "edit one's own messages"
    DELETE = "delete one's own messages, and take away previews of links in them"
    DELETE_OTHERS = "delete messages of others, and take away previews of links in them"
    REACT = "react to messages, and take it back"
    PIN = "pin messages, and unpin them"
    MENTION_ALL = (
        "mention everybody with `@room`; members only where there are at most 20, else it has no effect"
    )
    NOTIFY = "set one's own notifications"
    PLACE = "say where one keeps it in the list of rooms"
    INVITE = "make, list and end invites"
    SET_ROLE = "add members, change their roles"
    REMOVE_MEMBER = "remove members"
    SET_TOPIC = "change the topic, set slow mode"
    SET_AVATAR = "set and remove the picture"
    CHANGE_ROOM = "change the name, the visibility and `post_role`, archive the room and take it back"
    DELETE_ROOM = "delete the room"
    BAN = "ban users, end bans and list them"
    MANAGE_HOOKS = "make and end incoming hooks"
    MANAGE_WEBHOOKS = "make, change and end webhooks, see what became of their deliveries"
    SEE_INTEGRATIONS = "see which integrations it has"
    REPORT = "report messages to the administrators"
