"""An event is one line that a person or a program can read, and that does nothing to a terminal."""

from __future__ import annotations

import json

import pytest
from tests.unit.bridge.entries import event

from kubedom_operator.events import lines as formats
from kubedom_operator.events.items import Event

from .told import told


class Lines(formats.Lines):
    """Of which each line is wanted."""

    def said(self, event: Event) -> str:
        line = self.one(event)
        assert line is not None
        return line


LOOPING = event("web-1", "podCrashLooping", phase="begin", detail={"message": "It waits.", "nextStep": "Read the log."})
LOOPING.severity = "error"


def test_a_line_says_when_how_bad_what_and_why() -> None:
    assert Lines("text").said(told(LOOPING)) == (
        "2026-11-24T12:00:00Z  error     Pod/default/web-1         podCrashLooping   It waits."
    )


def test_what_to_do_is_said_on_request() -> None:
    assert Lines("text", verbose=True).said(told(LOOPING)).endswith("It waits. Next: Read the log.")


def test_what_is_open_is_sorted_by_since_when_in_columns_of_one_width() -> None:
    old = event("a-very-long-name-of-a-pod-indeed", phase="begin", detail={"message": "m"})
    assert old.incident is not None
    old.incident = type(old.incident)(id="i", kind="PodFailed", phase="begin", since="2026-11-20T01:02:03.456Z")
    first, second = Lines("text").all_of([told(LOOPING, opening=True), told(old, opening=True)])
    assert first.startswith("2026-11-20T01:02:03Z")
    assert first.index("podFailed") == second.index("podCrashLooping")


def test_columns_only_grow() -> None:
    lines = Lines("text")
    first = lines.said(told(event("a-very-long-name-of-a-pod-indeed")))
    assert lines.said(told(event("b"))).index("podFailed") == len(first) - len("podFailed")


@pytest.mark.parametrize(("kind", "namespace", "shown"), [("Node", "", "Node/n"), ("Namespace", "n", "Namespace/n")])
def test_what_has_no_namespace_is_named_without(kind: str, namespace: str, shown: str) -> None:
    assert f" {shown} " in Lines("text").said(told(event("n", kind=kind, namespace=namespace)))


def test_colours_are_for_terminals() -> None:
    assert "\x1b[31merror" in Lines("text", colour=True).said(told(LOOPING))
    over = event("web-1", "podRecovered", phase="end")
    assert "\x1b[32minfo" in Lines("text", colour=True).said(told(over))
    assert "\x1b" not in Lines("text").said(told(LOOPING))


@pytest.mark.parametrize("text", ["a\x1b]0;title\x07b", "a\nb", "a\r\nb", "a\x9bb", "a\u202eb", "a\x00b"])
def test_what_a_workload_says_cannot_drive_the_terminal(text: str) -> None:
    line = Lines("text").said(told(event(detail={"message": text})))
    assert line.isprintable()
    assert line.split()[-1].endswith("b")


def test_a_message_of_another_type_is_shown_all_the_same() -> None:
    assert Lines("text").said(told(event(detail={"message": None, "reason": 5}))).endswith("5")
    assert Lines("text").said(told(event(detail={}))).endswith("podFailed")


def test_an_action_is_named() -> None:
    detail = {"action": "restartDeployment", "message": "It runs."}
    assert (
        Lines("text").said(told(event("web", "healingStarted", detail=detail))).endswith("restartDeployment: It runs.")
    )


def test_an_update_that_says_nothing_new_is_left_out_of_text_only() -> None:
    again = event("web-1", "podCrashLooping", phase="update", detail=dict(LOOPING.detail))
    again.severity = "error"
    for output, times in (("text", 1), ("json", 2)):
        lines = Lines(output)  # type: ignore[arg-type]
        assert sum(lines.one(told(one)) is not None for one in (LOOPING, again)) == times
    lines = Lines("text")
    worse = event("web-1", "podCrashLooping", phase="update", detail={"message": "It waits longer."})
    assert [lines.one(told(one)) is not None for one in (LOOPING, worse, worse)] == [True, True, False]
    over = event("web-1", "podRecovered", phase="end")
    assert [lines.one(told(one)) is not None for one in (over, LOOPING, LOOPING)] == [True, True, True]


def test_json_is_what_was_received() -> None:
    line = Lines("json").said(told(LOOPING))
    assert json.loads(line)["type"] == "podCrashLooping"
    assert line.encode() == told(LOOPING).encoded


def test_a_name_is_one_that_kubectl_takes() -> None:
    assert Lines("name").said(told(event("web", kind="StatefulSet"))) == "statefulset/web"
