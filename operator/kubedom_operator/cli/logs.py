"""The log on standard error: lines of text for people, or a JSON object a line for what collects logs.

A JSON line has `time` (RFC 3339, UTC), `level`, `logger` and `message`; a line of the audit trail also has the audit's
fields beside them, and `exception` is a traceback. Tokens are taken out of either.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from kubedom_bridge.audit import FIELDS, Redaction

LogFormat = Literal["text", "json"]
FORMATS: tuple[LogFormat, ...] = ("text", "json")


class LogSettings(NamedTuple):
    """What is logged, and how."""

    format: LogFormat
    verbose: bool


class JsonLines(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, FIELDS, None)
        if fields is not None:
            line |= {"message": f"{fields['event']}: {fields['outcome']}"} | fields
        else:
            line["message"] = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def start_logging(settings: LogSettings) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonLines()
        if settings.format == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    handler.addFilter(Redaction())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO if settings.verbose else logging.WARNING)
    # Warnings of the interpreter are lines of the log as well.
    logging.captureWarnings(True)
    logging.getLogger("kubedom.process").setLevel(logging.INFO)
    # What they would say of an outage is said by the watch, once and in a sentence.
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    for chatty in ("aiohttp", "nats", "uvicorn", "websockets"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def audited() -> None:
    """Write down who did what also where nothing else is asked for."""
    logging.getLogger("kubedom.audit").setLevel(logging.INFO)
