"""The two logs that a bridge can be asked of: its own process's, and its copy of the one on NATS, here without NATS."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubedom_bridge.jetstream.copy import Copy, Message
from kubedom_bridge.jetstream.naming import Names
from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import Entry
from kubedom_operator.jetstream.outbox import Outbox, Sent

NAMES = Names("kubedom")
_epochs = iter(range(10**9))


class Copied(Copy):
    """A copy that is sent each message which a writer makes, as soon as it is made."""

    def __init__(self, **more: float) -> None:
        super().__init__(f"epoch{next(_epochs)}", clock=more.pop("clock", lambda: 0.0), **more)  # type: ignore[arg-type]
        self.caught_up()
        self.outbox = Outbox(NAMES, self.epoch, 0)
        self.sent: list[Sent] = []

    def publish(self, entries: Iterable[Entry]) -> None:
        made = [sent for entry in entries for sent in self.outbox.tell(entry)]
        self.sent += made
        if made:
            self.take(map(message, made))


def message(sent: Sent, age: float = 0.0) -> Message:
    """A message as the stream gives it."""
    return Message(sent.sequence, sent.subject.removeprefix("kubedom.")[:1], age, sent.content)


def left(made: Iterable[Sent]) -> list[Sent]:
    """What the stream has of these: of each subject the last."""
    return sorted({sent.subject: sent for sent in made}.values())


Make = Callable[..., Journal | Copied]
LOGS: list[Make] = [lambda **more: Journal(**({"clock": lambda: 0.0} | more)), lambda **more: Copied(**more)]  # type: ignore[arg-type]
