"""Secrets are masked in every form in which they travel."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.system.redaction import MASK, Redactor

SECRET = 'p@ss "word"/+&é'


def test_all_forms_are_masked() -> None:
    redactor = Redactor.of({"API_TOKEN": SECRET, "HOME": "/home/somebody"})
    forms = [SECRET, quote(SECRET, safe=""), json.dumps(SECRET), base64.b64encode(SECRET.encode()).decode()]
    for form in forms:
        assert MASK in redactor.text(f"before {form} after")
        assert SECRET not in redactor.text(form)
    assert redactor.text("/home/somebody") == "/home/somebody"


def test_data_is_cleaned_throughout() -> None:
    redactor = Redactor(["topsecret"])
    assert redactor.data({"a": ["topsecret", 1, None], "topsecret": {"b": "x topsecret y"}}) == {
        "a": [MASK, 1, None],
        MASK: {"b": f"x {MASK} y"},
    }


def test_short_values_are_no_secrets() -> None:
    assert Redactor.of({"TOKEN": "yes"}).text("yes, of course") == "yes, of course"


@given(st.text(min_size=6, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_no_text_keeps_the_secret(secret: str, before: str, after: str) -> None:
    cleaned = Redactor([secret]).text(before + secret + after)
    assert secret not in cleaned.replace(MASK, "") or secret in MASK or secret in before + MASK + after
