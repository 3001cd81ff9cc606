"""`kubedom cluster`: the local control plane from the command line."""

from __future__ import annotations

import click

from kubedom_operator import local

_name = click.option(
    "--name", default=local.DEFAULT_NAME, show_default=True, metavar="NAME", help="The cluster's name."
)
_binaries = click.option(
    "--binaries",
    type=click.Choice(local.WAYS),
    envvar=local.VARIABLE,
    default="auto",
    show_default=True,
    help="The way to get the control plane's binaries.",
)


@click.group(invoke_without_command=True)
@click.pass_context
def cluster(context: click.Context) -> None:
    """Run a Kubernetes control plane on this machine, without Docker, on loopback only."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cluster.command()
@_name
@_binaries
@click.option("--nodes", type=click.IntRange(1, 1000), default=3, show_default=True, help="Nodes to simulate.")
def up(name: str, binaries: str, nodes: int) -> None:
    """Start the cluster, and make it first where needed."""
    made = local.ensure_cluster(name, binaries=binaries, nodes=nodes, progress=_say)
    kubectl = local.find_kubectl()
    _say(f"kubectl: {kubectl.path} ({kubectl.origin}).")
    click.echo(f"export KUBECONFIG={made.kubeconfig}")
    click.echo("kubectl get nodes")


@cluster.command()
@_name
@click.option("--keep", is_flag=True, help="Keep what is in it; `kubedom cluster up` starts it again.")
def down(name: str, keep: bool) -> None:
    """Stop the cluster and remove it."""
    found = local.find_cluster(name)
    if found.status().state == "absent":
        _say(f"There is no cluster {name!r}.")
    elif keep:
        found.stop()
        _say(f"The cluster {name!r} is stopped.")
    else:
        found.delete()
        _say(f"The cluster {name!r} is removed.")


@cluster.command()
@_name
def status(name: str) -> None:
    """Say what runs. The exit code is 0 only if all of it does."""
    found = local.status(name)
    click.echo(f"{name}: {found.state}")
    for component, running in found.components.items():
        click.echo(f"  {component}: {'running' if running else 'down'}")
    if found.kubeconfig is not None:
        click.echo(f"  server: {found.server}")
        click.echo(f"  kubeconfig: {found.kubeconfig}")
    if found.state != "running":
        raise SystemExit(1)


@cluster.command()
@_name
def kubeconfig(name: str) -> None:
    """Print the path of the cluster's kubeconfig."""
    found = local.find_cluster(name)
    if not found.kubeconfig.is_file():
        raise local.NoSuchCluster(name)
    click.echo(found.kubeconfig)


@cluster.command()
@_binaries
def binaries(binaries: str) -> None:
    """Put the control plane's binaries into the cache, and print where they are."""
    click.echo(local.ensure_binaries(local.find_pins(), way=binaries, progress=_say).folder)


def _say(line: str) -> None:
    click.echo(line, err=True)
