"""The bodies of incoming hooks, and of what is posted to them."""

from typing import Any, Final

from api.http.bodies.forms import Answer, DisplayName
from api.models.hooks import Hook
from api.models.log import ShownAs
from api.protocol.fields import Strict, timestamp
from api.protocol.slack import SlackMessage


class NewHook(Strict):
    """A hook to make. Its messages are shown under the `name`, unless they say another one."""

    name: DisplayName


class HookOut(Answer):
    """A hook. `user_id` is that of the bot as which it writes, `made_by` that of the user who made it.

    `last_used_at` is when it last posted, to the minute.
    """

    hook_id: str
    room_id: str
    user_id: str
    name: str
    made_by: str
    created_at: str
    last_used_at: str | None

    @classmethod
    def of(cls, hook: Hook) -> "HookOut":
        """Make it from its record."""
        return cls(
            hook_id=hook.id,
            room_id=hook.room_id,
            user_id=hook.bot_id,
            name=hook.name,
            made_by=hook.made_by,
            created_at=timestamp(hook.created_at),
            last_used_at=timestamp(hook.last_used_at),
        )


class MadeHook(HookOut):
    """A hook that was just made, with the address at which messages are posted to it. It is not shown again."""

    url: str

    @classmethod
    def with_secret(cls, hook: Hook, secret: str, base: str) -> "MadeHook":
        """Make it from its record, its secret, and the address at which this server is reached."""
        return cls(url=f"{base}/hooks/{secret}", **HookOut.of(hook).model_dump())


class HooksOut(Answer):
    """A page of hooks, newest first."""

    items: list[HookOut]
    next_cursor: str | None


def shown_as(hook: Hook, message: SlackMessage) -> ShownAs | None:
    """Return how a message asks to be shown; None for one that asks for nothing."""
    if message.name is None and message.icon_url is None and message.icon_emoji is None:
        return None
    return ShownAs(message.name or hook.name, message.icon_url, message.icon_emoji)


_PAYLOAD: Final[dict[str, Any]] = {
    "type": "object",
    "title": "SlackMessage",
    "description": "A message in the shape of Slack's incoming webhooks. What is unknown is left out.",
    "properties": {
        "text": {"type": "string"},
        "username": {"type": "string"},
        "icon_url": {"type": "string"},
        "icon_emoji": {"type": "string"},
        "attachments": {"type": "array", "items": {"type": "object"}},
        "blocks": {"type": "array", "items": {"type": "object"}},
    },
    "example": {"text": "*Deployed* <https://ci.example/77|build 77>", "username": "CI"},
}
SLACK_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _PAYLOAD},
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"payload": {"type": "string", "description": "The message as JSON"}},
                    "required": ["payload"],
                }
            },
        },
    }
}
"""What OpenAPI tells of the body of a post to a hook, which is read leniently and so by no model."""
