"""What the containers are started with is what kubedom's command line takes."""

from __future__ import annotations

from typing import Any

import click
import pytest
from tests.deploy.charting import VALUES, templated
from tests.deploy.conftest import Run
from tests.deploy.rendering import OVERLAYS, Manifest, overlay, pods

from kubedom_operator.cli import kubedom

#: What stands for values that the cluster fills in.
FILLED_IN = "filledin"


def containers(objects: list[Manifest]) -> list[tuple[Manifest, Manifest]]:
    """Kubedom's own containers, each with its pod."""
    return [
        (pod, each) for pod in pods(objects, "x") for each in pod["spec"]["containers"] if "/kubedom:" in each["image"]
    ]


def environment(container: Manifest) -> dict[str, str]:
    """A container's variables, with references to others filled in as Kubernetes does."""
    found: dict[str, str] = {}
    for each in container.get("env", ()):
        value = each.get("value", FILLED_IN)
        for name, known in found.items():
            value = value.replace(f"$({name})", known)
        found[each["name"]] = value
    return found


def known_to(parsed: click.Context) -> set[str]:
    """Give the variables that a command takes its options from."""
    prefix = f"KUBEDOM_{parsed.command.name}".upper()
    return {f"{prefix}_{each.name.upper()}" for each in parsed.command.params if each.name}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_option_and_variable_is_one_that_the_command_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = containers(overlay(name))
    assert found
    for _, container in found:
        variables = environment(container)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        command, *arguments = container["args"]
        parsed = context(command, arguments)
        assert {each for each in variables if each.startswith("KUBEDOM_")} <= known_to(parsed)
        assert parsed.params["origin"] == ("https://kubedom.example.org",) if command != "operator" else True


@pytest.mark.parametrize("name", VALUES)
def test_the_chart_gives_options_that_the_command_has(run: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        each
        for pod in pods(templated(run, f"--values={VALUES[name]}"), "x")
        for each in pod["spec"]["containers"]
        if each["image"].startswith("ghcr.io/kubedom/kubedom") and "command" not in each
    ]
    assert found
    for container in found:
        variables = environment(container)
        with monkeypatch.context() as patched:
            for variable, value in variables.items():
                patched.setenv(variable, value)
            command, *arguments = container["args"]
            parsed = context(command, arguments)
        assert {each for each in variables if each.startswith("KUBEDOM_")} <= known_to(parsed)
        if command != "run":
            servers = parsed.params["nats"]
            assert servers
            assert all(each.partition("://")[0] in {"nats", "tls"} for each in servers)


def context(command: str, arguments: list[str]) -> click.Context:
    """Parse a command's options, and run nothing."""
    group = kubedom.make_context("kubedom", [command, *arguments])
    found = kubedom.get_command(group, command)
    assert found is not None, f"kubedom has no command {command}"
    return found.make_context(command, arguments, parent=group)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_ports_are_those_that_the_command_listens_on(name: str) -> None:
    for _, container in containers(overlay(name)):
        command, *arguments = container["args"]
        given: dict[str, Any] = context(command, arguments).params
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        listening = {"probes": given["probe_port"]} | ({"http": given["port"]} if "port" in given else {})
        assert ports == listening
        assert {given[each] for each in ("host", "probe_host") if each in given} == {"0.0.0.0"}


def test_a_pod_outlives_the_time_in_which_its_pages_are_told_to_come_back() -> None:
    for name in OVERLAYS:
        for pod, container in containers(overlay(name)):
            command, *arguments = container["args"]
            drain = context(command, arguments).params.get("drain_seconds", 0)
            before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert pod["spec"]["terminationGracePeriodSeconds"] > drain + before
