"""Writes deploy/crds/healingactions.yaml and clusterhealingactions.yaml: `python -m kubedom_operator.healing.crds`.

Both kinds have one shape. Which actions there are, on what and with which parameters comes from the table of the
actions, so that the API server refuses with a sentence what no operator could carry out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS, ActionKind
from kubedom_bridge.actions import CLUSTER_PLURAL, GROUP, PLURAL, VERSION

from .model import DEFAULT_DEADLINE_SECONDS, DEFAULT_TTL_SECONDS, LONGEST_MESSAGE, MOST_CHANGES

FOLDER = Path("deploy/crds")
PHASES = ("Pending", "AwaitingApproval", "Running", "Succeeded", "Failed", "Denied", "Expired")

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "maxLength": 1024}
_TIME: Schema = {"type": "string", "format": "date-time"}
_GENERATION: Schema = {"type": "integer", "format": "int64"}
_PARAMETERS: dict[str, Schema] = {
    "replicas": {"type": "integer", "format": "int32", "minimum": 0, "description": "How many pods there are to be."},
    "revision": {
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "description": "The revision to go back to; without it, the one before the current.",
    },
    "image": {"type": "string", "minLength": 1, "maxLength": 1024, "description": "The new image."},
    "container": {
        "type": "string",
        "minLength": 1,
        "maxLength": 63,
        "description": "Which container gets the image; may be left out where there is only one.",
    },
    "force": {"type": "boolean", "description": "Delete the pod without asking disruption budgets."},
}
_COLUMNS = {
    "Action": ("string", ".spec.action"),
    "Kind": ("string", ".spec.target.kind"),
    "Target": ("string", ".spec.target.name"),
    "Phase": ("string", ".status.phase"),
    "Requested by": ("string", ".spec.requestedBy"),
    "Message": ("string", ".status.message"),
    "Age": ("date", ".metadata.creationTimestamp"),
}


def actions_of(*, namespaced: bool) -> list[ActionKind]:
    """The actions on targets in a namespace, or on those without one."""
    return [each for each in ACTION_KINDS.values() if TARGETS[each.targets[0]].namespaced is namespaced]


def crd(*, namespaced: bool) -> Schema:
    """The CustomResourceDefinition of HealingAction, or of ClusterHealingAction."""
    kind, plural = ("HealingAction", PLURAL) if namespaced else ("ClusterHealingAction", CLUSTER_PLURAL)
    what = "One action on one object" if namespaced else "One action on one node"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": ["heal" if namespaced else "cheal"],
                "categories": ["kubedom"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": name, "type": type_, "jsonPath": path} for name, (type_, path) in _COLUMNS.items()
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": f"{what}, carried out once by kubedom's operator.",
                            "required": ["spec"],
                            "properties": {"spec": _spec(namespaced=namespaced), "status": _status()},
                        }
                    },
                }
            ],
        },
    }


def _spec(*, namespaced: bool) -> Schema:
    actions = actions_of(namespaced=namespaced)
    kinds = list(dict.fromkeys(kind for action in actions for kind in action.targets))
    taken = [name for name in _PARAMETERS if any(name in (*each.required, *each.optional) for each in actions)]
    fields: dict[str, Schema] = {
        "action": {
            "type": "string",
            "enum": [action.name for action in actions],
            "description": "What is done; docs/healing.md has each one's effect and parameters.",
        },
        "target": {
            "type": "object",
            "description": "An object in the action's own namespace." if namespaced else "A node.",
            "required": ["kind", "name"],
            "properties": {
                "kind": {"type": "string", "enum": kinds},
                "name": {"type": "string", "minLength": 1, "maxLength": 253},
                "uid": {
                    "type": "string",
                    "maxLength": 64,
                    "description": "Acts only on this very object; without it, on the one that has the name now.",
                },
            },
        },
        "parameters": {
            "type": "object",
            "description": "What the action needs beside its target.",
            "properties": {name: _PARAMETERS[name] for name in taken},
        },
        "dryRun": {
            "type": "boolean",
            "default": False,
            "description": "Change nothing: the API server judges the same requests, and status.changes tells of them.",
        },
        "reason": {**_TEXT, "description": "Why."},
        "requestedBy": {**_TEXT, "description": "Who asked; admission writes it."},
        "ttlSecondsAfterFinished": {
            "type": "integer",
            "format": "int32",
            "minimum": 0,
            "default": DEFAULT_TTL_SECONDS,
            "description": "How long a finished action is kept, in seconds.",
        },
        "activeDeadlineSeconds": {
            "type": "integer",
            "format": "int32",
            "minimum": 1,
            "default": DEFAULT_DEADLINE_SECONDS,
            "description": "How long it may take from its start, and before that wait for an approval, in seconds.",
        },
        "approvalRequired": {
            "type": "boolean",
            "default": False,
            "description": "Begin only when somebody else has approved it.",
        },
        "approval": {
            "type": "object",
            "description": "What somebody else decided; added once, to an action that waits for it.",
            "required": ["decision"],
            "properties": {
                "decision": {"type": "string", "enum": ["Approve", "Deny"]},
                "by": {**_TEXT, "description": "Who decided; admission writes it."},
                "reason": _TEXT,
            },
        },
        "policyRef": {
            "type": "object",
            "description": "The HealingPolicy that made it, and for which incident.",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 253},
                "uid": {"type": "string", "maxLength": 64},
                "incident": {"type": "string", "maxLength": 256},
            },
        },
    }
    if not taken:
        del fields["parameters"]
    return {
        "type": "object",
        "required": ["action", "target"],
        "x-kubernetes-validations": [*_rules(actions, taken), *_unchanging(fields)],
        "properties": fields,
    }


def _rules(actions: Iterable[ActionKind], taken: Iterable[str]) -> Iterable[Schema]:
    """Which kinds an action acts on, and which parameters it takes and needs."""
    actions = list(actions)
    for targets in dict.fromkeys(action.targets for action in actions):
        names = [action.name for action in actions if action.targets == targets]
        whole = f"{_and(names)} {'acts' if len(names) == 1 else 'act'} on a {' or '.join(targets)}."
        yield {
            "rule": f"!(self.action in {_list(names)}) || self.target.kind in {_list(targets)}",
            "message": whole,
            "fieldPath": ".target.kind",
        }
    for parameter in taken:
        names = [each.name for each in actions if parameter in (*each.required, *each.optional)]
        yield {
            "rule": f"!has(self.parameters) || !has(self.parameters.{parameter}) || self.action in {_list(names)}",
            "message": f"{parameter} is a parameter of {_and(names)} only.",
            "fieldPath": ".parameters",
        }
        needing = [each.name for each in actions if parameter in each.required]
        if needing:
            has = f"has(self.parameters) && has(self.parameters.{parameter})"
            yield {
                "rule": f"!(self.action in {_list(needing)}) || ({has})",
                "message": f"{_and(needing)} needs parameters.{parameter}.",
            }


def _unchanging(fields: Iterable[str]) -> Iterable[Schema]:
    """The spec stays as it was made, but for an approval that is added once where one is required."""
    # Compared as a whole, or by optional types, the API server takes it for too costly.
    for name in fields:
        if name != "approval":
            same = f"self.{name} == oldSelf.{name}"
            yield {
                "rule": f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})",
                "message": f"An action cannot be changed, and this changes its {name}; create another one.",
            }
    yield {
        "rule": "!has(oldSelf.approval) || (has(self.approval) && self.approval == oldSelf.approval)",
        "message": "This action was decided about already, and that stands.",
        "fieldPath": ".approval",
    }
    yield {
        "rule": "!has(self.approval) || (has(self.approvalRequired) && self.approvalRequired)",
        "message": "This action needs no approval.",
        "fieldPath": ".approval",
    }


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(repr(name) for name in names)}]"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _status() -> Schema:
    name = {"type": "string"}
    fields: dict[str, Schema] = {
        "phase": {"type": "string", "enum": list(PHASES)},
        "message": {**name, "maxLength": LONGEST_MESSAGE, "description": "What was reached, or what is missing."},
        "targetUID": {**name, "description": "The object that is meant, once that is fixed."},
        "targetGeneration": {**_GENERATION, "description": "The target's generation when work began."},
        "owner": {
            "type": "object",
            "description": "Of a pod that is to be replaced: whoever does that.",
            "properties": {"apiVersion": name, "kind": name, "name": name, "uid": name},
        },
        "startedAt": _TIME,
        "finishedAt": _TIME,
        "observedGeneration": _GENERATION,
        "changes": {
            "type": "array",
            "maxItems": MOST_CHANGES,
            "items": name,
            "description": "What was changed, or in a dry run would be.",
        },
        "rightsOf": {**name, "description": "On whose rights it ran: the API server has judged these."},
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status"],
                "properties": {
                    "type": name,
                    "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                    "reason": name,
                    "message": name,
                    "lastTransitionTime": _TIME,
                    "observedGeneration": _GENERATION,
                },
            },
        },
    }
    return {"type": "object", "properties": fields}


class _Plain(yaml.SafeDumper):
    """Writes a value that is used twice twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper asks for each value
        """No anchors."""
        return True


def render(*, namespaced: bool) -> str:
    """The file of a CRD."""
    head = "# Generated from the table of the actions by `python -m kubedom_operator.healing.crds`: do not edit it.\n"
    return head + yaml.dump(crd(namespaced=namespaced), Dumper=_Plain, sort_keys=False, width=120)


def main() -> None:
    """Write both."""
    for plural, namespaced in ((PLURAL, True), (CLUSTER_PLURAL, False)):
        (FOLDER / f"{plural}.yaml").write_text(render(namespaced=namespaced), encoding="utf-8")


if __name__ == "__main__":
    main()
