"""What a user changes by a request: counted against their rate, written down, and given as themself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from kubedom_bridge import audit, protocol
from kubedom_bridge.actions import ActionGateway, ActionRef
from kubedom_bridge.authority import Authority
from kubedom_bridge.errors import CommandRefused, KubedomError, NotPermitted
from kubedom_bridge.identity import Identity
from kubedom_bridge.limits import Buckets
from kubedom_bridge.metrics import Metrics
from kubedom_bridge.protocol import Command


class Commands:
    """Gives commands to the gateway that pages' commands go to as well.

    Args:
        gateway: Makes HealingActions.
        authority: Gives the API server as each user.
        rate: How much a user may change, together with what they ask by sockets.
        asked: How much they may ask, likewise.
        metrics: Counts the commands.

    """

    def __init__(
        self, gateway: ActionGateway, authority: Authority, *, rate: Buckets, asked: Buckets, metrics: Metrics
    ) -> None:
        self._gateway = gateway
        self._authority = authority
        self._rate = rate
        self._asked = asked
        self._metrics = metrics

    async def start(self, command: Command, identity: Identity, source: str) -> ActionRef:
        """Create the action of a command.

        Args:
            command: What is to be done.
            identity: Who asks.
            source: The address that they ask from.

        Raises:
            CommandRefused: where the target is gone, or the user asks too much.
            NotPermitted: where the user may not create it.

        """
        target = command.target
        with self.change(identity, source, f"{command.name} {target.kind} {target.namespace}/{target.name}"):
            reference, outcome = await self._gateway.start(command, identity.user.name, self._authority.api(identity))
            outcome.cancel()
            return reference

    def ask(self, identity: Identity) -> None:
        """Count a question to the API server.

        Raises:
            CommandRefused: where the user asks too much.

        """
        if not self._asked.take(identity.user, asyncio.get_running_loop().time()):
            raise CommandRefused(
                "tooMany",
                "Too many requests at once.",
                remedy=f"Send at most {protocol.MESSAGES_PER_SECOND:g} a second.",
            )

    @contextmanager
    def change(self, identity: Identity, source: str, what: str) -> Iterator[None]:
        """Let a user change something, with a line in the audit trail of what came of it.

        Raises:
            CommandRefused: where the user asks too much.

        """
        user, what = identity.user.name, what[:600]
        outcome, reason = "created", ""
        try:
            if not self._rate.take(identity.user, asyncio.get_running_loop().time()):
                raise CommandRefused(
                    "tooMany",
                    "Too many commands at once.",
                    remedy=f"Send at most {protocol.COMMANDS_PER_SECOND:g} a second.",
                )
            yield
        except KubedomError as problem:
            outcome, reason = "forbidden" if isinstance(problem, NotPermitted) else "refused", str(problem)
            raise
        except BaseException:
            outcome = "failed"
            raise
        finally:
            self._metrics.commands.labels(outcome).inc()
            audit.record("command", user=user, source=source, target=what, outcome=outcome, reason=reason)
