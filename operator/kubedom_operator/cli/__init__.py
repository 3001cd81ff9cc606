"""The command line: `kubedom run`, `kubedom events` and `kubedom cluster`."""

from __future__ import annotations

import sys

import click

from kubedom_bridge.errors import KubedomError

from .cluster import cluster
from .events import events
from .run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kubedom")
def kubedom() -> None:
    """Your Kubernetes cluster as a live document."""


kubedom.add_command(cluster)
kubedom.add_command(events)
kubedom.add_command(run)


def main() -> None:
    """Run the command line; what a user can mend is one sentence on standard error, never a traceback."""
    try:
        kubedom()
    except KubedomError as problem:
        click.echo(f"kubedom: {problem}", err=True)
        sys.exit(problem.exit_code)
