"""Puts the store on a RethinkDB cluster together from its parts."""

# ruff: noqa: D102 - what each method takes and promises stands in `Store`

from typing import Final

from api.errors import Unavailable
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Opening, Store
from api.store.cluster.accounts import ClusterAccounts
from api.store.cluster.acting import AllowedKinds
from api.store.cluster.answered import AnsweredMessages
from api.store.cluster.appender import Appender
from api.store.cluster.attachments import ClusterAttachments
from api.store.cluster.attempts import ClusterAttempts
from api.store.cluster.audit import ClusterAudit
from api.store.cluster.blocks import ClusterBlocks
from api.store.cluster.changes import ClusterChanges
from api.store.cluster.consumers import ClusterConsumers
from api.store.cluster.deletions import ClusterDeletions
from api.store.cluster.deliveries import ClusterDeliveries
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.erasure import ClusterErasure
from api.store.cluster.flusher import Flusher
from api.store.cluster.folds import Folds
from api.store.cluster.heads import KnownHeads
from api.store.cluster.hooks import ClusterHooks
from api.store.cluster.invites import ClusterInvites
from api.store.cluster.leases import ClusterLeases
from api.store.cluster.log import ClusterLog
from api.store.cluster.members import ClusterMembers
from api.store.cluster.mentions import ClusterMentions
from api.store.cluster.messages import Messages
from api.store.cluster.news import RoomNews
from api.store.cluster.nodes import ClusterNodes
from api.store.cluster.pages import Pages
from api.store.cluster.pauses import ClusterPauses
from api.store.cluster.pins import Pins
from api.store.cluster.positions import ClusterPositions
from api.store.cluster.presence import ClusterPresence
from api.store.cluster.previews import Previews
from api.store.cluster.reports import ClusterReports
from api.store.cluster.rooms import ClusterRooms
from api.store.cluster.rows import Reader
from api.store.cluster.schema import verify
from api.store.cluster.sessions import ClusterSessions
from api.store.cluster.signals import ClusterSignals
from api.store.cluster.stretches import Stretches
from api.store.cluster.unflushed import Unflushed
from api.store.cluster.unread import UnreadCounts
from api.store.cluster.webhooks import ClusterWebhooks
from api.store.rethinkdb import Address, Pool, Refused, r

_ARE_WRITABLE: Final = r.and_(
    *(r.table(name).status()["status"]["ready_for_writes"] for name in ("heads", "batches", "members"))
)


class ClusterStore(Store):
    """A store on a RethinkDB cluster. `Store` states its promises, and `open` makes one."""

    def __init__(
        self, pool: Pool, opening: Opening = Opening.PREPARE, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        self._pool = pool
        reader = Reader()
        unflushed = Unflushed()
        folds = Folds(pool, reader)
        pages = Pages(pool, reader, folds)
        messages = Messages(pool, reader, pages, folds)
        heads = KnownHeads()
        self.flusher = flusher = Flusher(pool, reader, unflushed, heads, folds)
        epochs = ClusterEpochs(
            pool, reader, folds, on_restored=flusher.forget, renews=opening is not Opening.LOOK
        )
        self.appender = appender = Appender(pool, unflushed, heads, flusher, epochs)
        accounts = ClusterAccounts(pool, reader)
        self._signals = ClusterSignals(pool)
        members = ClusterMembers(pool, reader, appender, flusher, accounts)
        allowed = AllowedKinds(pool)
        self._log = ClusterLog(
            pool,
            reader,
            allowed=allowed,
            appender=appender,
            flusher=flusher,
            pages=pages,
            messages=messages,
            news=RoomNews(pool, reader, pages),
            stretches=Stretches(pool, reader),
            pins=Pins(pool, reader),
            answered=AnsweredMessages(pool, reader, heads),
            epochs=epochs,
        )
        super().__init__(
            accounts=accounts,
            sessions=ClusterSessions(pool, reader),
            rooms=ClusterRooms(
                pool,
                reader,
                appender=appender,
                flusher=flusher,
                accounts=accounts,
                members=members,
                allowed=allowed,
                previews=Previews(pool, reader, pages),
                unread=UnreadCounts(pool),
            ),
            members=members,
            mentions=ClusterMentions(pool, reader, members, messages),
            log=self._log,
            blocks=ClusterBlocks(pool, accounts),
            reports=ClusterReports(pool),
            deletions=ClusterDeletions(pool, flusher),
            pauses=ClusterPauses(pool, flusher),
            audit=ClusterAudit(pool),
            attachments=ClusterAttachments(pool, reader),
            attempts=ClusterAttempts(pool),
            hooks=ClusterHooks(pool, reader),
            invites=ClusterInvites(pool, accounts),
            erasure=ClusterErasure(pool, flusher, reader),
            changes=ClusterChanges(
                pool,
                reader,
                pages,
                epochs,
                unflushed,
                heads=heads,
                flusher=flusher,
                signals_of=self._signals.node,
                quiet_seconds=quiet_seconds,
            ),
            signals=self._signals,
            leases=ClusterLeases(pool),
            nodes=ClusterNodes(pool),
            positions=ClusterPositions(pool, reader),
            consumers=ClusterConsumers(pool),
            presence=ClusterPresence(pool),
            webhooks=ClusterWebhooks(pool, reader),
            deliveries=ClusterDeliveries(pool),
        )

    @classmethod
    async def open(
        cls, url: str, opening: Opening = Opening.PREPARE, *, quiet_seconds: float = QUIET_SECONDS
    ) -> "ClusterStore":
        """Open the store at `rethinkdb://user:password@host:port/database`.

        Raises `Invalid`, `Unavailable`, and of these `Unready` while waiting may help.
        """
        pool = Pool(Address.parse(url))
        try:
            await verify(pool, may_upgrade=opening is Opening.PREPARE)
        except BaseException as error:
            await pool.close()
            if isinstance(error, Refused):
                raise Unavailable(
                    f"{error.message}: run `tailwire init`, which makes the user that TAILWIRE_STORE names"
                ) from None
            raise
        return cls(pool, opening, quiet_seconds)

    async def close(self) -> None:
        await self._signals.close()
        await self._log.close()
        await self.appender.close()
        await self.flusher.close()
        await self._pool.close()

    async def check(self) -> None:
        # An update that changes nothing needs all that a write needs: the right to write, and a majority.
        written = await self._pool.write(r.table("meta").get("schema_version").update({}))
        if written["skipped"] or not await self._pool.run(_ARE_WRITABLE):
            raise Unavailable

    async def clock(self) -> int:
        return int(await self._pool.run(r.now().to_epoch_time() * 1000))

    async def keep(self, name: str, value: str) -> str:
        row = {"id": f"kept:{name}", "value": value}
        insert = r.table("meta").insert(row, conflict=lambda _id, old, _new: old, return_changes="always")
        return str((await self._pool.write(insert))["changes"][0]["new_val"]["value"])

    async def kept(self, name: str) -> str | None:
        row = await self._pool.run(r.table("meta", read_mode="majority").get(f"kept:{name}"))
        return None if row is None else str(row["value"])
