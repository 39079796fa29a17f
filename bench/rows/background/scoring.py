"""The row of a run that scores all records: what others notice of it, and how many it scores a second."""

from bench.lab import Lab, Skip
from bench.report import Line
from bench.rows.background.jobs import asked, beside, writing
from bench.servers.processes import Server

# rules as people write them: words, a time, counts, a key of custom
RULES = (
    ('stage == "customer" ? 30 : stage == "lead" ? 10 : 0', 1),
    ('has(tags, "vip")', 20),
    ("max(0, 30 - days_since(updated_at))", 1),
    ("min(activities, 10)", 2.5),
    ("custom.score > 50", 5),
)


def scoring_run(lab: Lab) -> list[Line]:
    return beside(lab, "scoring run", "the run scored {} records a second", started)


def started(server: Server, token: str, number: int) -> str:
    """Return the handle of a run that gives every contact another score than the one before, once it scores."""
    for expression, weight in (*RULES, ("1", number + 1)):
        asked(server, token, "POST", "/scoring-rules", {"name": "bench", "expression": expression, "weight": weight})
    answer = asked(server, token, "POST", "/scoring-rules/run?kind=contacts", {})
    if "handle" not in answer:
        raise Skip("needs more records: all were scored before the request was answered")
    return writing(server, token, answer["handle"])
