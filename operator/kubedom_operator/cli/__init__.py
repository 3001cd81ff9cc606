"""The command line: `kubedom run`, `operator` and `bridge` apart, `events` and `cluster`."""

from __future__ import annotations

import sys

import click
from click.core import ParameterSource

from kubedom_bridge.errors import KubedomError

from .apart import bridge, operator
from .cluster import cluster
from .events import events
from .run import run


@click.group(
    # So that a container is told by its environment what its command is told by options.
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "KUBEDOM"},
    invoke_without_command=True,
)
@click.version_option(package_name="kubedom")
@click.pass_context
def kubedom(context: click.Context) -> None:
    """Your Kubernetes cluster as a live document."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (run, operator, bridge, events, cluster):
    kubedom.add_command(command)


def main() -> None:
    """Run the command line; what a user can mend is one sentence on standard error, never a traceback."""
    try:
        sys.exit(kubedom(standalone_mode=False))
    except KubedomError as problem:
        click.echo(f"kubedom: {problem}", err=True)
        sys.exit(problem.exit_code)
    except click.ClickException as problem:
        click.echo(f"kubedom: {_sentence(problem)}", err=True)
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _sentence(problem: click.ClickException) -> str:
    """What is wrong with the options, and where to read on; with the variable's name where it came from one."""
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    sentence = " ".join(problem.format_message().split())
    if context is None:
        return sentence
    option = problem.param if isinstance(problem, click.BadParameter) else None
    if option is not None and context.get_parameter_source(option.name or "") is ParameterSource.ENVIRONMENT:
        sentence += f" It comes from {context.auto_envvar_prefix}_{(option.name or '').upper()}."
    return f"{sentence} `{context.command_path} --help` has what can be given."
