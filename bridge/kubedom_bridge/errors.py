"""The errors that a user of kubedom sees: a sentence that names what is wrong and how to mend it.

Every error of either package derives from `KubedomError`. The command line prints it without a traceback and exits with
`exit_code`; the bridge sends it to the page as an `error` message with `code`.
"""

from __future__ import annotations


class KubedomError(Exception):
    """Something that a user can mend.

    Args:
        message: One sentence that names what is wrong.
        remedy: One sentence that says what to do about it.
        field: The setting, option or message field at fault, if there is one.

    """

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ConfigurationError(KubedomError):
    """An option, an environment variable or a file says something that cannot be used."""

    exit_code = 2
    code = "configuration"


class ClusterUnreachable(KubedomError):
    """The API server does not answer, or there is no cluster to ask."""

    exit_code = 3
    code = "clusterUnreachable"


class NotPermitted(KubedomError):
    """The API server refuses the user's identity or rights."""

    exit_code = 4
    code = "forbidden"


class AdmissionDenied(NotPermitted):
    """An admission policy of the cluster refuses the request; the message is the policy's own sentence.

    Args:
        policy: The policy's name.
        message: Its sentence.
        remedy: One sentence that says what to do about it.

    """

    def __init__(self, policy: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.policy = policy


class PortInUse(KubedomError):
    """Another process already listens where the bridge was told to."""

    exit_code = 5
    code = "portInUse"


class CommandRefused(KubedomError):
    """A command of a page cannot be carried out; `code` is its reason in the protocol."""

    def __init__(self, code: str, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.code = code
