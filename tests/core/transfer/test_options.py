"""What a client chooses for an import."""

import pytest

from crmkit.core.transfer.imports import options
from crmkit.errors import Problem
from tests.kinds import REGISTRY


def test_words_that_are_none_are_refused_together_with_what_there_is() -> None:
    with pytest.raises(Problem) as caught:
        options.of_new(REGISTRY, {"mode": "updat", "unknown": "costum", "dates": "dym"}, "UTC")
    assert caught.value.fields == {
        "mode": "must be merge, create or update (did you mean update?)",
        "unknown": "must be custom, ignore or refuse (did you mean custom?)",
        "dates": "must be dmy, mdy or ymd (did you mean dmy?)",
    }


def test_an_option_that_is_sent_empty_is_as_if_it_was_never_sent() -> None:
    chosen = options.of_new(REGISTRY, {"mode": "create", "unknown": "ignore", "dates": "dmy"}, "UTC")
    again = options.changed(REGISTRY, chosen, {"mode": "", "unknown": "", "dates": ""})
    assert again == options.of_new(REGISTRY, {}, "UTC")
