"""Makes the limits of a node from its settings."""

from dataclasses import dataclass
from typing import Final

from api.config import Settings
from api.limits.answers import Answers
from api.limits.caps import Caps
from api.limits.memory import Memory
from api.limits.rates import COMMANDS_BURST_SECONDS, Rate
from api.limits.throttles import Rates, Throttles
from api.store.base.store import Store

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one node."""

    throttles: Throttles
    caps: Caps
    memory: Memory
    answers: Answers
    commands: Rate  # the rate of commands on one socket


def wire_limits(settings: Settings, store: Store) -> Limits:
    """Return the limits for these settings."""
    commands = _command_rate(settings)
    rates = Rates(
        sends=Rate(settings.sends_per_second, settings.sends_burst),
        requests=commands,
        refreshes=settings.refreshes_per_minute,
        misses=settings.misses_per_minute,
        rooms=settings.rooms_per_minute,
        searches=settings.searches_per_minute,
        connections_per_user=settings.connections_per_user,
    )
    memory = Memory(settings.memory_mib and settings.memory_mib * MEBIBYTE)
    return Limits(
        throttles=Throttles(rates),
        caps=Caps(
            store,
            members_per_room=settings.members_per_room,
            rooms_per_user=settings.rooms_per_user,
            bots_per_user=settings.bots_per_user,
            tokens_per_user=settings.tokens_per_user,
            webhooks_per_room=settings.webhooks_per_room,
        ),
        memory=memory,
        answers=Answers(memory),
        commands=commands,
    )


def _command_rate(settings: Settings) -> Rate:
    per_second = settings.commands_per_second
    return Rate(per_second, max(1, int(per_second * COMMANDS_BURST_SECONDS)))
