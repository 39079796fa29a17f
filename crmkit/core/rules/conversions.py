"""A contact of an advertising platform opens a conversion by itself when it reaches a stage that means won.

It does so once: `converted_at` of the contact says when, and stays when the conversion is deleted or the contact moves
on. The conversion counts for the cap of the plan and is opened beyond it too, since nobody asked for it.
"""

from crmkit.core.rules import stages
from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.model.fold import fold
from crmkit.model.record import Kind, Record
from crmkit.storage import records

_OPENED_BY = ("stage", "ad_platform", "estimated_cents", "actual_cents", "currency")


def _converted(write: Write, values: Values) -> Values:
    """Return the values of a contact with the present as `converted_at` if it converts by this write."""
    return {**values, "converted_at": write.tx.asked_at} if _converts(write, values) else values


def _converts(write: Write, values: Values) -> bool:
    stage, was = values.get("stage"), write.was("stage")
    if stage is None or write.was("converted_at") is not None or (was is not None and fold(was) == fold(stage)):
        return False
    platform = values["ad_platform"] if "ad_platform" in values else write.was("ad_platform")
    return platform is not None and stages.meaning(write.tx, write.kind, stage) == "won"


def _opened(write: Write, contact: Record) -> None:
    """Open the conversion of a contact that converted by this write."""
    if getattr(contact, "converted_at", None) is None or write.was("converted_at") is not None:
        return
    tx, kind = write.tx, write.crm.kinds.by_word["conversion"]
    platform, estimated, actual, currency = (getattr(contact, name) for name in _OPENED_BY[1:])
    values = {
        "contact_id": contact.id,
        "contact_name": getattr(contact, write.kind.title.name),
        "platform": platform,
        "value_cents": estimated if actual is None else actual,
        "currency": currency or tx.by.preferences.currency,
        "occurred_at": tx.asked_at,
    }
    records.put(tx, kind, None, kind.new(values))


def _opens(kind: Kind) -> bool:
    return has(*_OPENED_BY)(kind) and "converted_at" in kind.by_name


RULE = Rule(_opens, _converted, _opened)
