"""The log: each JSON line is an object with a time, the audit's fields are fields, and no token is in any of it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from kubedom_bridge import audit
from kubedom_operator.cli.logs import LogFormat, LogSettings, start_logging

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"


@contextmanager
def logged(form: LogFormat, *, verbose: bool = False) -> Iterator[io.StringIO]:
    """Log in this way into a text, and leave the loggers as they were."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in ("kopf", "aiohttp", "nats", "uvicorn", "websockets")}
    text = io.StringIO()
    root.handlers = []
    try:
        start_logging(LogSettings(form, verbose))
        (handler,) = root.handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(text)
        yield text
    finally:
        root.handlers = before
        root.setLevel(level)
        logging.captureWarnings(False)
        for name, was in quiet.items():
            logging.getLogger(name).setLevel(was)


def test_a_line_of_json_is_an_object_with_its_time_and_where_it_comes_from() -> None:
    with logged("json") as text:
        logging.getLogger("kubedom_operator.runtime").warning("Not shown: %s.\nAnd more", "nodes")
        logging.getLogger("kubedom_operator.runtime").info("not to be seen")
    (line,) = text.getvalue().splitlines()
    found = json.loads(line)
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert found == {
        "level": "warning",
        "logger": "kubedom_operator.runtime",
        "message": "Not shown: nodes.\nAnd more",
    }


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_line_has_a_token(form: LogFormat) -> None:
    with logged(form, verbose=True) as text:
        logging.getLogger("anybody").info("GET / Authorization: Bearer %s", TOKEN)
        audit.record("command", user="ann", target=f"Bearer {TOKEN}", outcome="created", changes=[TOKEN])
        try:
            raise ValueError(f"refused {TOKEN}")
        except ValueError:
            logging.getLogger("anybody").exception("It failed.")
    assert "eyJ" not in text.getvalue()
    assert text.getvalue().count("[redacted]") == 4
    assert "ValueError" in text.getvalue()


def test_the_audits_fields_are_fields_of_the_line() -> None:
    logging.getLogger("kubedom.audit").setLevel(logging.INFO)
    try:
        with logged("json") as text:
            audit.record("command", user="ann", source="10.0.0.7", target="restartPod Pod shop/cart", outcome="created")
    finally:
        logging.getLogger("kubedom.audit").setLevel(logging.NOTSET)
    found = json.loads(text.getvalue())
    del found["time"]
    assert found == {
        "level": "info",
        "logger": "kubedom.audit",
        "message": "command: created",
        "event": "command",
        "user": "ann",
        "source": "10.0.0.7",
        "target": "restartPod Pod shop/cart",
        "outcome": "created",
    }


def test_text_has_the_audits_fields_as_one_object() -> None:
    with logged("text", verbose=True) as text:
        audit.record("signIn", user="ann", outcome="accepted")
    assert text.getvalue().strip().endswith('{"event": "signIn", "user": "ann", "outcome": "accepted"}')


def test_a_traceback_stays_in_its_line() -> None:
    with logged("json") as text:
        try:
            raise ValueError("no")
        except ValueError:
            logging.getLogger("anybody").exception("It failed.")
    (line,) = text.getvalue().splitlines()
    assert json.loads(line)["exception"].startswith("Traceback")
