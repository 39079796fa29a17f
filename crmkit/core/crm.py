"""The running product's parts, which every Call holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from crmkit.clock import Clock, stamp
from crmkit.core.jobs.kind import JobKinds
from crmkit.core.people import access
from crmkit.mail import Mailer
from crmkit.model.actor import Actor
from crmkit.model.record import Kinds
from crmkit.settings import Settings
from crmkit.storage.interface.database import Database
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Tx

T = TypeVar("T")


@dataclass(frozen=True)
class Crm:
    """`key` seals codes and cursors."""

    settings: Settings
    database: Database
    mailer: Mailer
    key: bytes
    clock: Clock
    kinds: Kinds
    jobs: JobKinds

    @property
    def now(self) -> str:
        return stamp(self.clock())

    async def change(
        self, actor: Actor, unit: Callable[[Tx], T], lanes: Lanes | None = None, asks_code: bool = False
    ) -> T:
        """Return what `unit` returned, done by `actor` in one transaction, once it is durable.

        The actor is looked up again inside the transaction, so a revoked token or an ended membership stops a
        request that was already waiting. `lanes` name what the unit looks at before it writes; without them it is the
        actor's workspace. A request that must be confirmed is refused, unless the unit `asks_code`
        itself (see stepup.confirmed).
        """
        if actor.must_confirm and not asks_code:
            raise access.unconfirmed()

        def checked(tx: Tx) -> T:
            tx.actor = access.current(tx)
            return unit(tx)

        return await self.database.write(checked, actor, lanes)
