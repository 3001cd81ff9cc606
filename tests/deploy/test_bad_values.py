"""A value that cannot be is refused when the chart is rendered, by a sentence with its name and the remedy."""

from __future__ import annotations

import pytest
from tests.deploy.charting import rendering
from tests.deploy.conftest import Run

#: What is set, and the words that the sentence must have.
BAD = [
    (["--set=nats.mode=redis"], ["nats", "mode", "none", "bundled", "external"]),
    (["--set=nats.mode=external"], ["nats"]),
    (["--set=noSuchValue=1"], ["noSuchValue"]),
]


@pytest.mark.parametrize(("options", "words"), BAD, ids=lambda value: " ".join(value))
def test_the_sentence_names_the_value_and_the_remedy(run: Run, options: list[str], words: list[str]) -> None:
    text, why = rendering(run, *options)
    assert not text
    assert [word for word in words if word not in why] == [], why
    assert "nil pointer" not in why
