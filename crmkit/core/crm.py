"""The running product's parts, which every Call holds."""

from dataclasses import dataclass

from crmkit.clock import Clock, stamp
from crmkit.core.jobs.kind import JobKinds
from crmkit.mail import Mailer
from crmkit.model.record import Kinds
from crmkit.settings import Settings
from crmkit.storage.interface.database import Database


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
