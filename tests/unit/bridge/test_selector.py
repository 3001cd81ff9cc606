"""Selectors select what kubectl's do, and what cannot be read is named."""

from __future__ import annotations

import pytest

from kubedom_bridge.selector import LONGEST, BadSelector, parse, selects

LABELS = {"app": "web", "tier": "front", "example.org/env": "prod", "empty": ""}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("  ", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier = front", True),
        ("app=api", False),
        ("app!=api", True),
        # As in Kubernetes, what is not there is not equal.
        ("absent!=x", True),
        ("absent=x", False),
        ("empty=", True),
        ("app in (web, api)", True),
        ("app in (api)", False),
        ("app notin (api,db),tier", True),
        ("absent notin (x)", True),
        ("absent", False),
        ("!absent", True),
        ("! app", False),
        ("example.org/env=prod", True),
    ],
)
def test_it_selects_as_kubectl_does(text: str, selected: bool) -> None:
    assert selects(parse(text), LABELS) is selected


@pytest.mark.parametrize(
    "text",
    ["=web", "app=web,", "app in web", "app in (web", "app=we b", "app~web", "-a=b", "a=b-", "app in (a b)", "x" * 64,
     "a=" + "v" * 64, "a" * (LONGEST + 1)],
)  # fmt: skip
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(BadSelector) as refused:
        parse(text)
    assert refused.value.field == "filter.labelSelector"
    assert refused.value.remedy
