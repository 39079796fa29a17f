"""What an undo covers: how an entry is taken back, by the word that its handle begins with."""

from collections.abc import Callable, Mapping

from crmkit.core.undo import pipelines, records
from crmkit.core.undo.reversal import Reversal, UndoContext
from crmkit.errors import Problem
from crmkit.storage.log.operations import Entry

# of what is no record
OTHERS: Mapping[str, Callable[[UndoContext, Entry], Reversal]] = {"pipeline": pipelines.reversal}


def reversal(context: UndoContext, entry: Entry) -> Reversal | None:
    """Return how an entry is taken back, None if it changed nothing: that of an undo itself, or of an approval.

    Raises `undo_conflict` for what no undo covers, `admin_required` where only admins may do it.
    """
    if entry.noun == "operation" or entry.action == "proposal.approve":
        return None
    if entry.noun in OTHERS:
        return OTHERS[entry.noun](context, entry)
    if entry.noun in context.kinds.by_word and not context.kinds.by_word[entry.noun].secrets:
        return records.reversal(context, entry)
    raise Problem(
        "undo_conflict",
        "An undo covers records, activities, members of campaigns, declared fields, pipelines, views and scoring "
        "rules. Members and settings of a workspace, invites, tokens, links, webhooks and erasures are changed by "
        "their own requests. Nothing was changed.",
        fields={entry.target: f"{entry.action} cannot be undone"},
    )
