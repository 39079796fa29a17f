"""The running product's parts, which every Call holds."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct, field

from crmkit.clock import Clock, stamp
from crmkit.core.examining.findings_cache import FindingsCache
from crmkit.core.history.waiting import Waiting
from crmkit.core.jobs.kind import JobKinds
from crmkit.core.jobs.traffic import Traffic
from crmkit.core.oauth.documents import Documents
from crmkit.core.operating.backups import IsBackup
from crmkit.core.operating.tally import Tally
from crmkit.core.transfer.imports.open_files import OpenFiles, PlannedFiles
from crmkit.core.webhooks.form import Form
from crmkit.mail import Mailer
from crmkit.model.record import Kinds
from crmkit.outbound.client import Outbound
from crmkit.settings import Settings
from crmkit.storage.interface.database import Database
from crmkit.storage.requests.answers import Place
from crmkit.storage.transfer.uploads import Uploads

Checks = dict[str, Callable[[Any, Mapping[str, Any]], Awaitable[None]]]  # each is called with a Call and a body


class Crm(Struct, frozen=True):
    """`key` seals codes and cursors. `unanswered` are requests under a key that wrote and are not answered yet.

    `checks` raise what is wrong with the body of a POST that only the faces can tell, by the name of its kind. `forms`
    are those of webhooks that clients of other services make, by the names of these. `is_backup` tells whether a file
    is a backup of this database; it waits for the disk.
    """

    settings: Settings
    database: Database
    mailer: Mailer
    key: bytes
    clock: Clock
    kinds: Kinds
    jobs: JobKinds
    uploads: Uploads
    outbound: Outbound
    documents: Documents
    is_backup: IsBackup
    unanswered: set[Place] = field(default_factory=set)
    waiting: Waiting = field(default_factory=Waiting)
    traffic: Traffic = field(default_factory=Traffic)
    open_files: OpenFiles = field(default_factory=OpenFiles)
    planned_files: PlannedFiles = field(default_factory=PlannedFiles)
    findings: FindingsCache = field(default_factory=FindingsCache)
    tally: Tally = field(default_factory=Tally)
    checks: Checks = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def now(self) -> str:
        return stamp(self.clock())
