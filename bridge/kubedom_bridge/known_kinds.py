"""Where the kinds that kubedom reads and applies for its users are in the API.

Pure data, so that no question to the API server and no right to ask it is needed for what is in every cluster. Kinds
that are not here are asked for (rest/applying.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from .action_catalogue import TARGETS, TargetKind

_HEALING = ("kubedom.dev", "v1alpha1")
_RBAC = ("rbac.authorization.k8s.io", "v1")

#: What is shown as YAML. Secrets are not among them.
SHOWN: Mapping[str, TargetKind] = {
    **TARGETS,
    "ConfigMap": TargetKind("", "v1", "configmaps"),
    "Endpoints": TargetKind("", "v1", "endpoints"),
    "Event": TargetKind("", "v1", "events"),
    "LimitRange": TargetKind("", "v1", "limitranges"),
    "Namespace": TargetKind("", "v1", "namespaces", namespaced=False),
    "PersistentVolume": TargetKind("", "v1", "persistentvolumes", namespaced=False),
    "PersistentVolumeClaim": TargetKind("", "v1", "persistentvolumeclaims"),
    "ReplicationController": TargetKind("", "v1", "replicationcontrollers"),
    "ResourceQuota": TargetKind("", "v1", "resourcequotas"),
    "Service": TargetKind("", "v1", "services"),
    "ServiceAccount": TargetKind("", "v1", "serviceaccounts"),
    "ControllerRevision": TargetKind("apps", "v1", "controllerrevisions"),
    "HorizontalPodAutoscaler": TargetKind("autoscaling", "v2", "horizontalpodautoscalers"),
    "EndpointSlice": TargetKind("discovery.k8s.io", "v1", "endpointslices"),
    "Ingress": TargetKind("networking.k8s.io", "v1", "ingresses"),
    "NetworkPolicy": TargetKind("networking.k8s.io", "v1", "networkpolicies"),
    "PodDisruptionBudget": TargetKind("policy", "v1", "poddisruptionbudgets"),
    "ClusterRole": TargetKind(*_RBAC, "clusterroles", namespaced=False),
    "ClusterRoleBinding": TargetKind(*_RBAC, "clusterrolebindings", namespaced=False),
    "Role": TargetKind(*_RBAC, "roles"),
    "RoleBinding": TargetKind(*_RBAC, "rolebindings"),
    "StorageClass": TargetKind("storage.k8s.io", "v1", "storageclasses", namespaced=False),
    "ClusterHealingAction": TargetKind(*_HEALING, "clusterhealingactions", namespaced=False),
    "HealingAction": TargetKind(*_HEALING, "healingactions"),
    "HealingPolicy": TargetKind(*_HEALING, "healingpolicies"),
    "HealingVeto": TargetKind(*_HEALING, "healingvetoes"),
}
#: What the bridge applies for users whom it impersonates; whoever has a token of their own applies what they may.
APPLIED: Mapping[str, TargetKind] = {
    "Secret": TargetKind("", "v1", "secrets"),
    **{
        kind: SHOWN[kind]
        for kind in (
            "ConfigMap",
            "PersistentVolumeClaim",
            "Service",
            "ServiceAccount",
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "HorizontalPodAutoscaler",
            "Job",
            "CronJob",
            "Ingress",
            "NetworkPolicy",
            "PodDisruptionBudget",
        )
    },
}


def by_version(api_version: str, kind: str) -> TargetKind | None:
    """Find a kind that is known, as `apiVersion` and `kind` name it."""
    found = SHOWN.get(kind) or APPLIED.get(kind)
    return found if found is not None and found.api_version == api_version else None
