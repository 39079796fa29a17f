"""What a declaration of a key of custom may be: one for each key, MOST of a kind, of a type that the records fit."""

from typing import cast

from crmkit.clock import after
from crmkit.core.declared import fit
from crmkit.core.declared.indexing import form_of
from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem
from crmkit.model.declared.types import continues
from crmkit.records.settings.field import MOST, DeclaredField
from crmkit.storage.custom import declarations, misfits

_SCAN_SECONDS = 60  # more than a look at millions of records takes, which was before this transaction


def _settled(write: Write, values: Values) -> Values:
    """Return the values of a declaration that may be; raises a Problem for any other."""
    tx, workspace_id = write.tx, write.tx.by.workspace_id
    before = cast("DeclaredField | None", write.before)
    fixed = {name: write.was(name) for name in ("kind", "key")} if before is not None else {}
    changed = {name: "stays as it was declared" for name, old in fixed.items() if values.get(name, old) != old}
    if changed:
        raise Problem("invalid_value", "Delete this field and declare another; values are kept.", fields=changed)
    wanted = {name: values.get(name, write.was(name)) for name in ("kind", "key", "type", "choices")}
    if any(wanted[name] is None for name in ("kind", "key", "type")):
        return values  # the form refuses it
    if wanted["type"] != "choice" and "type" in values and "choices" not in values:
        values = {**values, "choices": None}
        wanted["choices"] = None
    if (wanted["type"] == "choice") != (wanted["choices"] is not None):
        what = "are needed for a choice" if wanted["type"] == "choice" else "belong to a choice"
        raise Problem("invalid_value", 'Send "type":"choice" with "choices":["a","b"].', fields={"choices": what})
    if before is None:
        _check_free(write, wanted["kind"], wanted["key"])
    form = form_of(wanted["type"], wanted["choices"])
    if before is None or not continues(form_of(before.type, before.choices), form):
        kind = write.crm.kinds.by_word[wanted["kind"]]
        since = after(tx.now, seconds=-_SCAN_SECONDS)
        found = misfits.among_newest(tx.connection, kind, workspace_id, wanted["key"], form, since)
        fit.check(kind, wanted["key"], form, found)
    return values


def _check_free(write: Write, kind_name: str, key: str) -> None:
    connection, workspace_id = write.tx.connection, write.tx.by.workspace_id
    holder = declarations.of_key(connection, workspace_id, kind_name, key)
    if holder is not None:
        handle = write.kind.handle(holder)
        raise Problem(
            "already_exists",
            f"{handle} declares this key: PATCH that one.",
            fields={"key": f"belongs to {handle}"},
            facts={"handle": handle},
        )
    if declarations.count(connection, workspace_id, kind_name) >= MOST:
        what = f"has {MOST} declared fields; at most {MOST} fit"
        raise Problem("invalid_value", "Delete one first, or use a key without declaring it.", fields={"kind": what})


RULE = Rule(has("kind", "key", "type", "choices"), _settled)
