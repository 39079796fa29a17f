"""The rows of the size of answers, in bytes and tokens: text beside JSON, ours and that of other CRMs."""

import json
import statistics
from collections.abc import Callable

from bench.lab import Lab, Skip
from bench.references.other_crms import klozeo, konektor
from bench.report import Line
from bench.rows.requests import LISTED

JSON = "application/json"
VOCABULARY = "o200k_base"
BOUNDS = {"list of 50": (0.60, 0.50), "one": (0.90, 0.80)}  # must and aim of bytes beside our own JSON


def _answer(lab: Lab, path: str) -> dict[str, bytes]:
    """Return the answer to a GET in our two forms, and as two other CRMs would give the same contacts."""
    token, server = lab.data(lab.usual).token, lab.product(lab.usual)
    as_json = server.get(path, token, JSON)
    body = json.loads(as_json)
    found = body.get("items", body)
    forms = {"JSON": as_json, "Konektor's JSON": konektor(found), "Klozeo's JSON": klozeo(found)}
    return {"text": server.get(path, token), **forms}


def _answers(lab: Lab) -> dict[str, list[dict[str, bytes]]]:
    ids = lab.drawn(lab.data(lab.usual), "id", most=50)
    return {"list of 50": [_answer(lab, LISTED)], "one": [_answer(lab, f"/contacts/{id}") for id in ids]}


def _compared(lab: Lab, unit: str, count: Callable[[bytes], int], told: str = "") -> list[Line]:
    """Return our text beside each other form, one ratio for each answer."""
    lines = []
    for what, answers in _answers(lab).items():
        counted = [{form: count(body) for form, body in answer.items()} for answer in answers]
        ours = [answer.pop("text") for answer in counted]
        for form in counted[0]:
            theirs = [answer[form] for answer in counted]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            absolute = f"{statistics.median(ours):,.0f} {told or unit}, {statistics.median(theirs):,.0f} as {form}"
            names = f"{unit} of text, {what}", f"{unit} of {form}"
            must, aim = BOUNDS[what] if (unit, form) == ("bytes", "JSON") else (None, None)
            lines.append(Line(*names, ratios, must, aim, at_most=True, absolute=absolute))
    return lines


def sizes(lab: Lab) -> list[Line]:
    return _compared(lab, "bytes", len)


def tokens(lab: Lab) -> list[Line]:
    return _compared(lab, "tokens", counter(), f"tokens of {VOCABULARY}")


def counter() -> Callable[[bytes], int]:
    """Return what counts the tokens of a text in UTF-8."""
    try:
        from bpe_openai import get_encoding
    except ImportError:
        raise Skip(f"needs bpe-openai, whose wheel carries the vocabulary {VOCABULARY}") from None
    encoding = get_encoding(VOCABULARY)
    return lambda text: len(encoding.encode_ordinary(text.decode()))
