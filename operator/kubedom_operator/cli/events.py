"""`kubedom events`: what happens in a cluster, from a bridge or from the cluster itself, for terminals and CI."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import click
import msgspec
from click.core import ParameterSource

from kubedom_bridge.audit import Redaction
from kubedom_bridge.errors import ConfigurationError, KubedomError
from kubedom_bridge.identity import SignInRefused, checked_token
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_bridge.protocol import Filter
from kubedom_operator.events.asked import (
    DEFAULT_URL,
    Until,
    read_address,
    read_filter,
    read_timeout,
    read_until,
)
from kubedom_operator.events.direct import Direct
from kubedom_operator.events.items import Item
from kubedom_operator.events.lines import OUTPUTS, Lines, Output
from kubedom_operator.events.remote import Remote
from kubedom_operator.events.show import show

from .preflight import check_rights, server_version

Source = AbstractAsyncContextManager[AsyncGenerator[Item]]


class TimedOut(KubedomError):
    """What was waited for did not come in time."""


@click.command()
@click.option("--url", help=f"A bridge's page, as {DEFAULT_URL}, or a sign-in link; else the kubeconfig's cluster.")
@click.option(
    "--token", envvar="KUBEDOM_TOKEN", help="The bearer token for the bridge. Better in KUBEDOM_TOKEN or a file."
)
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with the token, read again when it ends.")
@click.option("--kubeconfig", help="The kubeconfig of the cluster to watch; else KUBECONFIG, else ~/.kube/config.")
@click.option("--context", help="The kubeconfig's context to use; else its current one.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, after what is open.")
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Only of this namespace. May be given again.")
@click.option("--kind", "kinds", multiple=True, help="Only of this kind, as Pod. May be given again.")
@click.option("--type", "types", multiple=True, help="Only this event, as podFailed. May be given again.")
@click.option("--selector", "-l", default="", help="Only of objects with these labels, as kubectl's --selector.")
@click.option("--output", "-o", type=click.Choice(OUTPUTS), default="text", show_default=True, help="What a line is.")
@click.option(
    "--until",
    metavar="TYPE[/NAME]",
    help="Follow until this event comes, as 'podRecovered/web-*', and end with 0; 1 if --timeout is over before.",
)
@click.option("--timeout", type=float, metavar="SECONDS", help="End after so long.")
@click.option("--verbose", "-v", is_flag=True, help="Also say what to do about a failure.")
def events(
    url: str | None,
    token: str | None,
    token_file: Path | None,
    kubeconfig: str | None,
    context: str | None,
    follow: bool,
    namespaces: tuple[str, ...],
    kinds: tuple[str, ...],
    types: tuple[str, ...],
    selector: str,
    output: Output,
    until: str | None,
    timeout: float | None,
    verbose: bool,
) -> None:
    """Print what is wrong in a cluster, and with --follow what happens."""
    _log()
    awaited = read_until(until, types) if until is not None else None
    seconds = read_timeout(timeout)
    wanted = read_filter(namespaces, kinds, types, selector)
    lines = Lines(output, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"), verbose=verbose)
    following = follow or awaited is not None
    # Who lists wants what is open, and who follows everything that happens; nobody wants the states.
    wanted = msgspec.structs.replace(wanted, open_incidents=not following, events_only=following)
    if _asks_a_bridge(url, token, token_file, kubeconfig or context):
        source = _bridge(Remote(read_address(url or DEFAULT_URL), wanted, token=_reader(token, token_file), note=_note))
    else:
        source = _cluster(ClusterChoice(kubeconfig, context), namespaces, wanted)
    try:
        came = asyncio.run(_events(source, lines, follow=following, until=awaited, seconds=seconds))
    except KeyboardInterrupt:
        # The ordinary end of what has none; but what was waited for has not come.
        sys.exit(130 if awaited is not None else 0)
    if awaited is not None and not came:
        raise TimedOut(f"{awaited} did not come within {seconds:g} s.")


async def _events(source: Source, lines: Lines, *, follow: bool, until: Until | None, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds) as deadline, source as items:
            return await show(items, lines, follow=follow, until=until, write=click.echo, note=_note)
    except TimeoutError:
        if not deadline.expired():
            raise
        if follow:
            return False
        raise TimedOut(
            f"What is open was not known within {seconds:g} s.", remedy="Give it longer with --timeout."
        ) from None


@asynccontextmanager
async def _bridge(remote: Remote) -> AsyncIterator[AsyncGenerator[Item]]:
    yield remote.items()


@asynccontextmanager
async def _cluster(
    choice: ClusterChoice, namespaces: tuple[str, ...], wanted: Filter
) -> AsyncIterator[AsyncGenerator[Item]]:
    api = await Api.connect(choice)
    try:
        await server_version(api)
        for namespace in namespaces or (None,):
            await check_rights(api, namespace)
        yield Direct(api, wanted, namespaces=namespaces, note=_note).items()
    finally:
        await api.close()


def _asks_a_bridge(url: str | None, token: str | None, token_file: Path | None, cluster: str | None) -> bool:
    """Whether a bridge is meant, not a cluster; a token of the environment alone means one, unless a cluster is named.

    Raises:
        ConfigurationError: where both are.

    """
    by_option = click.get_current_context().get_parameter_source("token") is ParameterSource.COMMANDLINE
    named = url is not None or token_file is not None or (token is not None and by_option)
    if named and cluster is not None:
        raise ConfigurationError(
            "A bridge is asked by its --url and a token, a cluster by its --kubeconfig and --context.",
            remedy="Leave the one or the other out.",
            field="--kubeconfig",
        )
    if by_option and token_file is not None:
        raise ConfigurationError(
            "--token and --token-file both give a token.", remedy="Leave one of them out.", field="--token"
        )
    return named or (token is not None and cluster is None)


def _reader(token: str | None, file: Path | None) -> Callable[[], str]:
    """Make what reads the token, each time anew.

    Raises:
        ConfigurationError: from what is made, where the file cannot be read or what it has is no token.

    """

    def read() -> str:
        if file is None:
            return _checked(token or "", "--token")
        try:
            return _checked(file.read_text(), "--token-file")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"--token-file {file} cannot be read: {error}.", remedy="Correct it.", field="--token-file"
            ) from None

    return read


def _checked(token: str, field: str) -> str:
    token = token.strip()
    try:
        return checked_token(token)
    except SignInRefused as problem:
        raise ConfigurationError(
            f"{field}: {problem.message}", remedy="Give one as `kubectl create token NAME` makes it.", field=field
        ) from None


def _log() -> None:
    logging.basicConfig(level=logging.WARNING, format="kubedom: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(Redaction())
    for chatty in ("aiohttp", "websockets"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _note(sentence: str) -> None:
    click.echo(f"kubedom: {sentence}", err=True)
