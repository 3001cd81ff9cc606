"""What is asked for is read, and each mistake is a sentence that names the option and the remedy."""

from __future__ import annotations

import pytest
from tests.unit.bridge.entries import event

from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.protocol import Filter
from kubedom_operator.events.asked import read_address, read_filter, read_timeout, read_until

from .told import told


@pytest.mark.parametrize(
    ("text", "event_type", "name", "met"),
    [
        ("podRecovered", "podRecovered", "web-1", True),
        ("podRecovered/web-*", "podRecovered", "web-1", True),
        ("podRecovered/web-*", "podRecovered", "db-1", False),
        ("pod*/web-1", "podFailed", "web-1", True),
        ("podRemoved", "podRemoved", "web-1", True),
        ("podRecovered", "podFailed", "web-1", False),
    ],
)
def test_what_is_waited_for_is_known_when_it_comes(text: str, event_type: str, name: str, met: bool) -> None:
    assert read_until(text, ()).met_by(told(event(name, event_type)).entry) is met


@pytest.mark.parametrize(
    ("text", "types", "said"),
    [
        ("podRecoverd", (), "--until podRecoverd: there is no such type of event. Did you mean podRecovered?"),
        ("", (), "--until : there is no such type of event."),
        ("podRecovered", ("podFailed",), "which --type leaves out. Add --type podRecovered"),
    ],
)
def test_what_can_never_come_is_not_waited_for(text: str, types: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_until(text, types)
    assert said in str(refused.value)
    assert refused.value.field == "--until"


def test_kinds_are_taken_as_kubectl_takes_them() -> None:
    assert read_filter(["shop"], ["pods", "Node", "deployment"], ["podFailed"], "app=web") == Filter(
        namespaces=frozenset({"shop"}),
        kinds=frozenset({"Pod", "Node", "Deployment"}),
        types=frozenset({"podFailed"}),
        label_selector="app=web",
    )


@pytest.mark.parametrize(
    ("kinds", "types", "selector", "field"),
    [(["Pot"], [], "", "--kind"), ([], ["podfailed"], "", "--type"), ([], [], "a=(", "--selector")],
)
def test_a_filter_that_cannot_be(kinds: list[str], types: list[str], selector: str, field: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_filter([], kinds, types, selector)
    assert refused.value.field == field
    assert str(refused.value).startswith(field)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_none(seconds: float) -> None:
    with pytest.raises(ConfigurationError):
        read_timeout(seconds)


@pytest.mark.parametrize(
    ("url", "socket", "code"),
    [
        ("http://127.0.0.1:8384", "ws://127.0.0.1:8384/api/socket", ""),
        ("https://kubedom.example.org/?view=pods", "wss://kubedom.example.org/api/socket", ""),
        ("http://[::1]:8384/", "ws://[::1]:8384/api/socket", ""),
        ("ws://localhost:1", "ws://localhost:1/api/socket", ""),
        ("http://127.0.0.1:8384/signin?code=abc", "ws://127.0.0.1:8384/api/socket", "abc"),
    ],
)
def test_a_pages_address_leads_to_its_socket(url: str, socket: str, code: str) -> None:
    address = read_address(url)
    assert (address.socket, address.code) == (socket, code)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8384",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://[::1",
        "http://u:p@a",
        "http://a/pods",
        "http://a/signin",
    ],
)
def test_an_address_of_no_bridge(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_address(url)
    assert refused.value.field == "--url"
