"""Kubernetes' timestamps as seconds since the epoch; they stay strings in the projection and are read when needed."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_DAYS: dict[str, int] = {}
_MOST_DAYS = 4096


def seconds(text: str | None) -> float | None:
    """Seconds since the epoch, or None for what is absent or is no timestamp.

    `2026-11-23T23:24:10Z`, the form of nearly every field, is read by slicing; anything else goes the long way.
    """
    if not text:
        return None
    if len(text) == 20 and text[19] == "Z" and text[10] == "T":
        try:
            day = _DAYS.get(text[:10])
            if day is None:
                day = _day(text)
            return float(day + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19]))
        except ValueError:
            return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        value = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _day(text: str) -> int:
    """Midnight of the text's day; remembered, as nearly all timestamps in a cluster share a few days."""
    if len(_DAYS) >= _MOST_DAYS:
        _DAYS.clear()
    day = int(datetime(int(text[:4]), int(text[5:7]), int(text[8:10]), tzinfo=UTC).timestamp())
    _DAYS[text[:10]] = day
    return day
