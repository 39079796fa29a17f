"""The program with kinds of jobs of its own, which a test kills: `python -m tests.core.jobs.program` serves."""

import asyncio
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from crmkit import boot
from crmkit.core.call import Call
from crmkit.core.jobs import runner
from crmkit.core.jobs.kind import JobKind, JobKinds
from crmkit.core.people import login
from crmkit.core.undo import job as undoing
from crmkit.storage import jobs
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.people import tokens
from tests import postgres
from tests.core.jobs.kinds import ADDER
from tests.house import ALICE


async def post(call: Call, job: Job) -> int:
    """Tell the receiver which step this is; return the status of its answer."""

    def sent() -> int:
        with urllib.request.urlopen(job.input["url"], json.dumps(job.position or 0).encode()) as answer:
            status: int = answer.status
            return status

    return await asyncio.to_thread(sent)


def record(tx: Tx, job: Job) -> Job:
    """Note what was answered; end after `of` answers."""
    done = (job.position or 0) + 1
    return job.goes_on(done) if done < job.input["of"] else job.ends(job.outcome.value)


JOBS = JobKinds(ADDER, JobKind("posting", record, post), undoing.JOB)


def add(folder: Path, kind: str, input: Any) -> Job:
    """Return a new job of Alice, who signs in for it."""
    crm = boot.crm_of(boot.load_settings(environ=postgres.environ(folder)))

    def unit(tx: Tx) -> Job:
        signed_in = login.sign_in(tx, crm=crm, email=ALICE, token_name="test")
        use = tokens.find(tx.connection, sha256(signed_in.token))
        tx.actor = use.actor if use else None
        return jobs.add(tx, kind, input)

    return postgres.brand_of(folder).run(folder, unit, [mail_lane(ALICE)], crm.now)


if __name__ == "__main__":
    if "LEASE_SECONDS" in os.environ:
        runner.LEASE_SECONDS = int(os.environ["LEASE_SECONDS"])
    boot.serve(boot.load_settings(environ=os.environ), "", JOBS)
