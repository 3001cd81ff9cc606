"""Options: a command is given values that are checked, from its arguments or its environment, or says one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from kubedom_bridge.errors import ConfigurationError, KubedomError
from kubedom_operator import cli
from kubedom_operator.cli import options
from kubedom_operator.cli.probes import ProbeAddress

PROCESSES = ("run", "operator", "bridge")
Given = Callable[..., dict[str, Any]]


@pytest.fixture
def given() -> Given:
    """Run a command that has all groups of options, and give what it was given."""

    def run(*arguments: str, **environment: str) -> dict[str, Any]:
        got: dict[str, Any] = {}

        @click.command()
        @options.cluster_options()
        @options.watching_options()
        @options.serving_options(host="127.0.0.1")
        @options.probe_options(host="0.0.0.0", port=8081)
        @options.log_options()
        def command(**values: Any) -> None:
            got.update(values)

        done = CliRunner().invoke(command, arguments, env=environment, auto_envvar_prefix="KUBEDOM_BRIDGE")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return got

    return run


def test_what_is_not_given_has_a_default(given: Given) -> None:
    got = given()
    assert got["choice"] == (None, None)
    assert (got["watching"].namespace, got["watching"].mode) == (None, "auto")
    assert (got["settings"].host, got["settings"].port, got["settings"].drain_seconds) == ("127.0.0.1", 8384, 20.0)
    assert got["probes"] == ProbeAddress("0.0.0.0", 8081)
    assert got["logs"] == ("text", False)
    assert set(got) == {"choice", "watching", "settings", "probes", "logs"}


def test_arguments(given: Given) -> None:
    got = given(
        "--context=prod", "-n", "shop", "--hold=NodeNotReady=5", "--hold", "ContainerOOMKilled=7", "--sign-in=token",
        "--host=0.0.0.0", "--origin=https://a.example.org", "--origin=https://b.example.org", "--probe-port=0",
        "--trusted-proxy=10.0.0.0/8", "--log-format=json", "-v", "--drain-seconds=3.5",
    )  # fmt: skip
    assert got["choice"].context == "prod"
    assert got["watching"].namespace == "shop"
    assert got["watching"].diagnosis.holds == {"NodeNotReady": 5.0, "ContainerOOMKilled": 7.0}
    assert got["settings"].tokens
    assert got["settings"].origins == ("https://a.example.org", "https://b.example.org")
    assert str(got["settings"].proxies.networks[0]) == "10.0.0.0/8"
    assert got["settings"].drain_seconds == 3.5
    assert got["probes"].port == 0
    assert got["logs"] == ("json", True)


def test_the_environment_has_the_same_names(given: Given) -> None:
    got = given(
        KUBEDOM_BRIDGE_SIGN_IN="token",
        KUBEDOM_BRIDGE_HOST="::",
        KUBEDOM_BRIDGE_ORIGIN="https://a.example.org https://b.example.org",
        KUBEDOM_BRIDGE_TRUSTED_PROXY="10.0.0.0/8 fd00::/8",
        KUBEDOM_BRIDGE_HOLD="NodeNotReady=5",
        KUBEDOM_BRIDGE_LOG_FORMAT="json",
        KUBEDOM_BRIDGE_COMPRESS="1",
        KUBEDOM_BRIDGE_PORT="9000",
    )
    assert (got["settings"].host, got["settings"].port, got["settings"].compress) == ("::", 9000, True)
    assert got["settings"].origins == ("https://a.example.org", "https://b.example.org")
    assert len(got["settings"].proxies.networks) == 2
    assert got["watching"].diagnosis.holds == {"NodeNotReady": 5.0}
    assert got["logs"].format == "json"
    assert given("--port=1", KUBEDOM_BRIDGE_PORT="9000")["settings"].port == 1


def test_every_option_can_be_given_in_the_environment_by_its_own_name() -> None:
    for command in (cli.kubedom.commands[name] for name in PROCESSES if name in cli.kubedom.commands):
        for option in command.params:
            assert isinstance(option, click.Option)
            own = max(option.opts, key=len).removeprefix("--").replace("-", "_")
            assert own == option.name or option.envvar == f"KUBEDOM_{command.name}_{own}".upper(), option.opts


def test_what_kubernetes_says_of_a_service_of_that_name_is_no_port(given: Given) -> None:
    assert given(KUBEDOM_BRIDGE_PORT="tcp://10.96.0.7:8384")["settings"].port == 8384


def test_settings_are_checked(given: Given) -> None:
    with pytest.raises(ConfigurationError, match="without authentication"):
        given("--host=0.0.0.0")
    with pytest.raises(ConfigurationError, match="no failure kind Nothing"):
        given("--hold=Nothing=1")


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command line, and give its exit code and what it says on standard error."""
    monkeypatch.setattr(sys, "argv", ["kubedom", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert isinstance(ended.value.code, int)
    return ended.value.code, captured.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("run", "--port=many"), "Invalid value for '--port': 'many'"),
        (("run", "--port=70000"), "70000 is not in the range"),
        (("run", "--watch=maybe"), "'maybe' is not one of 'auto', 'kopf', 'stream'"),
        (("run", "--log-format=xml"), "'xml' is not one of 'text', 'json'"),
        (("run", "--nonsense"), "No such option"),
        (("run", "more"), "Got unexpected extra argument (more)"),
        (("nonsense",), "No such command 'nonsense'"),
        (("run", "--host=0.0.0.0"), "does not listen on 0.0.0.0 without authentication"),
        (("run", "--probe-host=192.0.2.1", "--probe-port=x"), "Invalid value for '--probe-port'"),
    ],
)
def test_a_bad_value_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    code, text = said(monkeypatch, capsys, *arguments)
    assert code == 2
    assert text.startswith("kubedom: ")
    assert complaint in text
    assert text.count("\n") == 1


def test_a_bad_value_of_the_environment_is_said_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBEDOM_RUN_PROBE_PORT", "many")
    code, text = said(monkeypatch, capsys, "run")
    assert code == 2
    assert "It comes from KUBEDOM_RUN_PROBE_PORT." in text


def test_each_kind_of_problem_has_an_exit_code_of_its_own() -> None:
    codes = [each.exit_code for each in (KubedomError, *KubedomError.__subclasses__()) if "exit_code" in vars(each)]
    assert len(set(codes)) == len(codes)
