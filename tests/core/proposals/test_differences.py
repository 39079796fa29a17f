"""How what would be written differs from what was shown."""

import pytest

from crmkit.core.proposals.differences import MOST_TOLD, between
from crmkit.storage.proposals.proposal import Change

LEAD = Change("contact.update", "contact/c_1", {"stage": [None, "lead"]})


def test_the_same_in_another_order_is_the_same() -> None:
    other = Change("deal.update", "deal/d_1", {"title": ["a", "b"]})
    assert between([LEAD, other], [other, LEAD]) == {}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([], {"contact/c_1": "was to be updated, which would do nothing now"}),
        (
            [LEAD, Change("deal.delete", "deal/d_1", {"title": ["a", None]})],
            {"deal/d_1": "would be deleted now, which was not shown"},
        ),
        (
            [Change("contact.delete", "contact/c_1", {"stage": [None, "lead"]})],
            {"contact/c_1": "would be deleted now; that it would be updated was shown"},
        ),
        (
            [Change("contact.update", "contact/c_1", {"stage": ["won", "lead"]})],
            {"contact/c_1.stage": "is won now; it was nothing when this was proposed"},
        ),
        (
            [Change("contact.update", "contact/c_1", {"stage": [None, "won"]})],
            {"contact/c_1.stage": "would become won now; lead was shown"},
        ),
        (
            [Change("contact.update", "contact/c_1", {"stage": [None, "lead"], "code": [None, 7]})],
            {"contact/c_1.code": "would change too, from nothing to 7"},
        ),
        (
            [Change("contact.update", "contact/c_1", {"code": [None, 7]})],
            {"contact/c_1.stage": "would not change now", "contact/c_1.code": "would change too, from nothing to 7"},
        ),
        (
            [LEAD, Change("contact.update", "contact/c_1", {"stage": ["lead", "won"]})],
            {"contact/c_1": "would be updated and updated now; that it would be updated was shown"},
        ),
    ],
)
def test_each_difference_is_told(now: list[Change], told: dict[str, str]) -> None:
    assert between([LEAD], now) == told


def test_the_first_differences_are_told_of_many() -> None:
    many = [Change("contact.update", f"contact/c_{n}", {"stage": [None, "lead"]}) for n in range(100)]
    assert len(between([], many)) == MOST_TOLD
