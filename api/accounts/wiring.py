"""Makes the account services of a node and of the command line."""

from dataclasses import dataclass

from api.accounts.accounts import AccountService, OnErasing
from api.accounts.admin import Admin
from api.accounts.attempt_limits import LOGINS_PER_THREAD, MAX_WAITING, AttemptLimits, AttemptRates
from api.accounts.audit import Audit
from api.accounts.bots import BotService
from api.accounts.checked import IsFed
from api.accounts.endings import OnEnded, SessionEndings, ignore_ended
from api.accounts.export import ReadFile
from api.accounts.identity import Authenticator
from api.accounts.invites import InviteService, RoomDoor
from api.accounts.passwords import Passwords
from api.accounts.proof import Proof
from api.accounts.room_admin import OnDeleted, RoomAdmin
from api.accounts.secret import kept_secret
from api.accounts.session_tokens import Tokens
from api.accounts.sessions import Lifetimes, SessionService
from api.accounts.signup import SignUpService
from api.accounts.tokens import TokenService
from api.accounts.uses import SessionUses
from api.clock import MS_PER_DAY, MS_PER_MINUTE
from api.config import Settings
from api.limits.caps import Caps
from api.limits.concurrency import ConcurrencyLimit
from api.limits.throttles import Throttles
from api.models.accounts import SignupMode
from api.models.changes import Tell
from api.store.base.store import Store
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class AccountServices:
    """The account services that routers and sockets use."""

    accounts: AccountService
    signups: SignUpService
    invites: InviteService
    sessions: SessionService
    admin: Admin
    rooms: RoomAdmin
    bots: BotService
    tokens: TokenService
    authenticator: Authenticator
    uses: SessionUses


async def wire_accounts(  # noqa: PLR0913  their dependencies
    settings: Settings,
    store: Store,
    *,
    reads: BatchedReads,
    passwords: Passwords,
    throttles: Throttles,
    caps: Caps,
    is_fed: IsFed,
    on_ended: OnEnded,
    on_erasing: OnErasing,
    on_room_deleted: OnDeleted,
    tell: Tell,
    door: RoomDoor | None = None,
    read_file: ReadFile | None = None,
) -> AccountServices:
    """Return the account services. Raises `Unavailable` when the secret cannot be read from the store."""
    tokens = Tokens(*await signing_secrets(settings, store))
    audit, endings = wire_audit(settings, store), SessionEndings(store, on_ended)
    hashing = _hashing(passwords)
    key = await kept_secret(store, "attempt_key")
    attempts = AttemptLimits(store, _attempt_rates(settings), hashing, key=key)
    sessions = SessionService(
        store, passwords, tokens, audit, attempts, throttles, endings, _lifetimes(settings)
    )
    proof, uses, invites = (
        Proof(store, passwords, attempts),
        SessionUses(store),
        InviteService(store, audit, door),
    )
    return AccountServices(
        accounts=AccountService(
            store, passwords, audit, throttles, proof, endings, on_erasing, tell, read_file
        ),
        signups=SignUpService(
            store,
            passwords,
            audit,
            attempts,
            sessions,
            invites,
            throttles,
            SignupMode(settings.signup_mode),
        ),
        invites=invites,
        sessions=sessions,
        admin=Admin(store, passwords, audit, endings, hashing, on_erasing),
        rooms=RoomAdmin(store, audit, on_room_deleted),
        bots=BotService(store, audit, endings, throttles, caps, on_erasing, tell),
        tokens=TokenService(store, audit, endings, caps),
        authenticator=Authenticator(reads, tokens, uses, throttles, is_fed=is_fed),
        uses=uses,
    )


def wire_admin(settings: Settings, store: Store, passwords: Passwords) -> Admin:
    """Return the administration of accounts for a process without sockets."""
    audit, endings = wire_audit(settings, store), SessionEndings(store, ignore_ended)
    return Admin(store, passwords, audit, endings, _hashing(passwords), on_erasing=_leave_to_a_server)


def wire_room_admin(settings: Settings, store: Store) -> RoomAdmin:
    """Return the administration of rooms for a process without jobs: a server takes away what is deleted."""
    return RoomAdmin(store, wire_audit(settings, store), lambda: None)


def wire_invites(settings: Settings, store: Store) -> InviteService:
    """Return the invites for a process without sockets."""
    return InviteService(store, wire_audit(settings, store))


def _leave_to_a_server() -> None:
    """Do nothing. This is the `OnErasing` of a process without background jobs: running servers look by themselves."""


def wire_audit(settings: Settings, store: Store) -> Audit:
    """Return the audit log."""
    return Audit(store, days=settings.audit_days)


async def signing_secrets(settings: Settings, store: Store) -> list[str]:
    """Return the secret that signs, and after it those that are being replaced. Raises `Unavailable`."""
    secret = settings.secret.get_secret_value() if settings.secret else await kept_secret(store)
    return [secret, *(one.get_secret_value() for one in settings.previous_secrets)]


def _hashing(passwords: Passwords) -> ConcurrencyLimit:
    return ConcurrencyLimit(LOGINS_PER_THREAD * passwords.threads, MAX_WAITING)


def _attempt_rates(settings: Settings) -> AttemptRates:
    return AttemptRates(
        failures_per_account=settings.login_failures_per_account,
        failures_per_address=settings.login_failures_per_address,
        signups_per_address=settings.signups_per_address,
    )


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        access_ms=settings.access_minutes * MS_PER_MINUTE,
        session_ms=settings.session_days * MS_PER_DAY,
        sessions_per_user=settings.sessions_per_user,
    )
