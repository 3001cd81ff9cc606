"""Namespaces."""

from __future__ import annotations

from kubedom_operator.projection import Namespace, seconds

from .model import Diagnosis, FailureKind, Related, Settings, Verdict

NAMESPACE_STUCK = FailureKind(
    name="NamespaceStuck",
    resource="Namespace",
    family="namespace",
    event="namespaceStuck",
    recovery_event="namespaceRecovered",
    severity="warning",
    rule="status.phase is Terminating for 60 s and a condition NamespaceDeletionDiscoveryFailure,"
    " NamespaceDeletionGroupVersionParsingFailure, NamespaceDeletionContentFailure, NamespaceContentRemaining or"
    " NamespaceFinalizersRemaining is True.",
    next_step="See which objects remain and which finalizer's controller does not run any more.",
    hold=60.0,
    detail_fields=("reason", "statusMessage", "conditions"),
)
KINDS = (NAMESPACE_STUCK,)


def _tells(type_: str) -> bool:
    return (type_.startswith("NamespaceDeletion") and type_.endswith("Failure")) or type_ in (
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    )


def diagnose_namespace(namespace: Namespace, related: Related, now: float, settings: Settings) -> Diagnosis:  # noqa: ARG001
    """Say what keeps a namespace from going."""
    verdict = Verdict(now, settings)
    status = namespace.status
    if status is None or status.phase != "Terminating":
        return verdict.diagnosis()
    found = [one for one in status.conditions or () if one.status == "True" and _tells(one.type or "")]
    if found:
        # A failure says more than what is left because of it.
        first = next((one for one in found if (one.type or "").endswith("Failure")), found[0])
        verdict.add(
            NAMESPACE_STUCK,
            "The namespace is being deleted but does not go.",
            since=seconds(namespace.metadata.deletion_timestamp),
            reason=first.reason or first.type,
            detail={
                "reason": first.reason or first.type,
                "statusMessage": " ".join(one.message for one in found if one.message),
                "conditions": [one.type or "" for one in found],
            },
        )
    return verdict.diagnosis()
