"""A manifest in YAML, or as the JSON that it stands for, to the objects in it: bounded, and of JSON's types alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import yaml

from kubedom_bridge.bodies import BadBody

MOST_OBJECTS = 50
MOST_VALUES = 20_000
MOST_CHARACTERS = 2**20
DEEPEST = 64


#: What looks like a date is a text to Kubernetes; and merged mappings grow before anybody can count them.
_LEFT_OUT = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"}


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it, without merge keys."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] not in _LEFT_OUT]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def objects(manifest: object) -> list[dict[str, Any]]:
    """Read the objects of a manifest.

    Args:
        manifest: YAML text (several documents may be in it), an object, or a list of these.

    Raises:
        BadBody: where it is none, or is too large.

    """
    if isinstance(manifest, str):
        try:
            found = [document for document in yaml.load_all(manifest, _Loader) if document is not None]
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise _bad(f"The manifest is not YAML: {' '.join(str(error).split())[:300]}.") from None
    else:
        found = manifest if isinstance(manifest, list) else [manifest]
    found = [one for document in found for one in _unpacked(document)]
    if not found:
        raise _bad("The manifest has no objects.")
    if len(found) > MOST_OBJECTS:
        raise _bad(f"The manifest has more than {MOST_OBJECTS} objects.", "Send them in parts.")
    # What aliases repeat counts each time, so that a small text does not become a large object.
    values = characters = 0
    for one in found:
        if not isinstance(one, dict):
            raise _bad("The manifest holds something that is no object.")
        for length in _lengths(one, 0):
            values, characters = values + 1, characters + length
            if values > MOST_VALUES or characters > MOST_CHARACTERS:
                raise _bad("The manifest is too large.", f"Send at most {MOST_VALUES} values at once.")
    return found


def _unpacked(document: Any) -> list[Any]:
    """The items of a `List` as kubectl prints it, else the document itself."""
    if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
        items: list[Any] = document["items"]
        return items
    return [document]


def _lengths(value: Any, depth: int) -> Iterator[int]:
    """Go through every value in it, each with about how many characters it has itself."""
    if depth > DEEPEST:
        raise _bad("The manifest is nested too deeply.")
    if isinstance(value, dict):
        yield len(value)
        for key, inner in value.items():
            if not isinstance(key, str):
                raise _bad(f"The key {str(key)[:80]} is not a text.", "Put it in quotes.")
            yield len(key)
            yield from _lengths(inner, depth + 1)
    elif isinstance(value, list):
        yield len(value)
        for inner in value:
            yield from _lengths(inner, depth + 1)
    elif isinstance(value, str):
        yield len(value)
    elif value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        yield 1
    else:
        raise _bad(f"The value {str(value)[:80]} is none of JSON's.", "Put it in quotes.")


def _bad(sentence: str, remedy: str = "Send objects as `kubectl apply` takes them.") -> BadBody:
    return BadBody(422, sentence, remedy=remedy, field="manifest")
