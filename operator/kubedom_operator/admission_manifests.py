"""The admission policies of HealingActions, made from the catalogue of actions.

In comes `action_catalogue`, the one table of what an action needs; out come Kubernetes objects as plain dictionaries:

- the ValidatingAdmissionPolicy that asks the API server's `authorizer` for every right, with its binding;
- the MutatingAdmissionPolicy that stamps who asked and who approved, with its binding; where none can, one more that
  holds whoever creates a HealingVeto to their own name;
- the one that lets only those name a service account in a HealingPolicy who may act as it by hand, with its binding;
- the rights of the canary, which may create actions and nothing else.

A pair of action and target that the table does not have is refused, whatever the CustomResourceDefinitions say. Each
right has a validation of its own, for a `messageExpression` cannot ask the authorizer which one was missing.

`manifest_files` writes them into deploy/admission; the operator applies the same at its start.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from kubedom_bridge import vetoes
from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS, Right
from kubedom_bridge.actions import CLUSTER_PLURAL, GROUP, PLURAL

#: The validating policy's name, by which its refusals are known.
POLICY = f"healingactions.{GROUP}"
STAMP = f"healingactions.{GROUP}-stamp"
VETOES_POLICY = f"healingvetoes.{GROUP}"
POLICIES_POLICY = f"healingpolicies.{GROUP}"
#: The names of all policies, which their bindings have as well.
NAMES = (POLICY, STAMP, VETOES_POLICY, POLICIES_POLICY)
#: Who tries, at the operator's start, whether the policy is in force.
CANARY = "kubedom-canary"
BY_FORCE = " with force"
ACTIONS, CLUSTER_ACTIONS = PLURAL, CLUSTER_PLURAL
POLICIES, VETOES = "healingpolicies", vetoes.PLURAL
#: The verb of whoever may decide over somebody else's action.
APPROVE = "approve"
#: The verb of a bridge that has reviewed a user's rights itself, where no policy can stamp.
REQUEST_FOR = "requestfor"

Manifest = dict[str, Any]
_BY_PLURAL = {(kind.group, kind.plural): kind for kind in TARGETS.values()}


class Asked(NamedTuple):
    """A right, and whether it is asked for in the action's own namespace; where not, in the whole cluster."""

    right: Right
    within: bool


def asked_rights() -> dict[Asked, list[str]]:
    """Say what each right is needed for: `action kind`, with ` with force` behind it where force asks for it."""
    needed: dict[Asked, list[str]] = {}
    for kind in ACTION_KINDS.values():
        for target in kind.targets:
            for force in (False, True) if kind.forced else (False,):
                for right in kind.rights(target, force=force):
                    what = f"{kind.name} {target}{BY_FORCE if force else ''}"
                    needed.setdefault(Asked(right, TARGETS[target].namespaced), []).append(what)
    return needed


def known(*, namespaced: bool) -> list[str]:
    """All that an action of this scope can ask for, as in `asked_rights`."""
    return sorted({what for asked, each in asked_rights().items() if asked.within is namespaced for what in each})


def validating(*, stamped: bool) -> list[Manifest]:
    """The ValidatingAdmissionPolicies and their bindings.

    Args:
        stamped: Whether a policy stamps who asked. Where none does, the user writes it, and is held to it; then whoever
            has the verb `requestfor` may state another user, whose rights they have reviewed.

    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _matched([ACTIONS, CLUSTER_ACTIONS]),
        "variables": _variables(stamped=stamped),
        "validations": [*_who(stamped=stamped), _is_known(), *_rights(), *_approval(stamped=stamped)],
    }
    others = [] if stamped else _enforced(VETOES_POLICY, _vetoes())
    return [*_enforced(POLICY, spec), *others, *_enforced(POLICIES_POLICY, _policies())]


def mutating(version: str = "v1") -> list[Manifest]:
    """The MutatingAdmissionPolicy and its binding, in the version of admissionregistration.k8s.io that is served."""
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": _matched([ACTIONS, CLUSTER_ACTIONS, VETOES]),
        "variables": [_APPROVES],
        "mutations": [
            {
                "patchType": "JSONPatch",
                "jsonPatch": {
                    "expression": _joined(
                        "request.operation == 'CREATE' ?",
                        "[JSONPatch{op: 'add', path: '/spec/requestedBy', value: request.userInfo.username}] :",
                        "variables.approves ?",
                        "[JSONPatch{op: 'add', path: '/spec/approval/by', value: request.userInfo.username}] : []",
                    )
                },
            }
        ],
    }
    return [
        _object("MutatingAdmissionPolicy", STAMP, spec, version),
        _object("MutatingAdmissionPolicyBinding", STAMP, {"policyName": STAMP}, version),
    ]


def canary_rights(namespace: str) -> list[Manifest]:
    """What lets the canary create actions in this namespace, and do nothing else."""
    metadata = {"name": CANARY, "namespace": namespace}
    rules = [{"apiGroups": [GROUP], "resources": [ACTIONS], "verbs": ["create"]}]
    return [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": CANARY},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": CANARY}],
        },
    ]


_APPROVES = {
    "name": "approves",
    "expression": "request.operation == 'UPDATE' && has(object.spec.approval) && !has(oldObject.spec.approval)",
}


def _enforced(name: str, spec: Manifest) -> list[Manifest]:
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        _object("ValidatingAdmissionPolicy", name, spec),
        _object("ValidatingAdmissionPolicyBinding", name, binding),
    ]


def _vetoes() -> Manifest:
    """Who asked for a veto is whoever creates it, or whose rights the bridge has reviewed."""
    stated = "object.spec.?requestedBy.orValue('')"
    own = f"authorizer.group('{GROUP}').resource('{VETOES}').namespace(request.namespace)"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": _matched([VETOES], ["CREATE"]),
        "validations": [
            _validation(
                f"{stated} == request.userInfo.username || ({stated} != '' && {_check(own, REQUEST_FOR)})",
                _joined(
                    "'This was done by ' + request.userInfo.username",
                    "+ ', so spec.requestedBy must say that, and not \"'",
                    f"+ {stated} + '\".'",
                ),
                "A veto says who asked for it, and this one names another.",
            )
        ],
    }


def _policies() -> Manifest:
    """What a policy does is done as its service account, so whoever writes one must be allowed to act as that."""
    account = "object.spec.?serviceAccountName.orValue('')"
    asked = f"authorizer.group('').resource('serviceaccounts').namespace(request.namespace).name({account})"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": _matched([POLICIES]),
        "matchConditions": [
            {
                "name": "names-an-account",
                "expression": _joined(
                    f"{account} != '' &&",
                    "(request.operation == 'CREATE' || object.spec != oldObject.spec)",
                ),
            }
        ],
        "validations": [
            _validation(
                _check(asked, "impersonate"),
                _joined(
                    "request.userInfo.username + ' may not impersonate serviceaccounts \"'",
                    f"+ {account} + '\" in namespace ' + request.namespace + ', as which this policy would act.'",
                ),
                "You may not impersonate the service account as which this policy would act.",
                reason="Forbidden",
            )
        ],
    }


def _matched(plurals: list[str], operations: Iterable[str] = ("CREATE", "UPDATE")) -> Manifest:
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": ["*"],
        "operations": list(operations),
        "resources": plurals,
        "scope": "*",
    }
    return {"matchPolicy": "Equivalent", "resourceRules": [rule]}


def _variables(*, stamped: bool) -> list[Manifest]:
    """What the validations speak of.

    `stated` is who the action says that acts, `asks` is what its creator needs rights for, in the table's words; empty
    where nothing is to be judged here.
    """
    judged = "request.operation == 'CREATE'" + ("" if stamped else " && variables.stated == request.userInfo.username")
    named = {
        "where": "request.?namespace.orValue('')",
        "who": "request.userInfo.username",
        "stated": _joined(
            "request.operation == 'CREATE' ? object.spec.?requestedBy.orValue('') :",
            "variables.approves ? object.spec.approval.?by.orValue('') : variables.who",
        ),
        "what": _joined(
            "object.spec.action + ' ' + object.spec.target.kind +",
            f"(object.spec.?parameters.?force.orValue(false) ? {_text(BY_FORCE)} : '')",
        ),
        "asks": f"{judged} ? variables.what : ''",
    }
    return [_APPROVES, *({"name": name, "expression": expression} for name, expression in named.items())]


def _who(*, stamped: bool) -> list[Manifest]:
    """The user who acts is the one whom the action names, and nobody approves what they create."""
    allowed = "variables.stated == variables.who"
    if not stamped:
        for_another = f"variables.stated != '' && {_check(_own(), REQUEST_FOR)}"
        allowed = f"{allowed} || ({for_another})"
    return [
        _validation(
            "request.operation != 'CREATE' || !has(object.spec.approval)",
            "variables.who + ' cannot approve an action while creating it: leave spec.approval out.'",
            "Nobody approves an action while creating it.",
        ),
        _validation(
            allowed,
            _joined(
                "'This was done by ' + variables.who + ', so '",
                "+ (request.operation == 'CREATE' ? 'spec.requestedBy' : 'spec.approval.by')",
                "+ ' must say that, and not \"' + variables.stated + '\".'",
            ),
            "An action says who asked and who approved, and this one names another.",
        ),
        _validation(
            _joined(
                "request.operation != 'CREATE' || !has(object.spec.policyRef) ||",
                "variables.stated.startsWith('system:serviceaccount:' + variables.where + ':')",
            ),
            "variables.who + ' is no HealingPolicy: leave spec.policyRef out.'",
            "Only a HealingPolicy names itself in an action.",
        ),
    ]


def _is_known() -> Manifest:
    return _validation(
        _joined(
            "request.operation != 'CREATE' || variables.what in",
            f"(request.resource.resource == '{CLUSTER_ACTIONS}' ?",
            f"{_list(known(namespaced=False))} :",
            f"{_list(known(namespaced=True))})",
        ),
        "'No ' + request.kind.kind + ' does this: ' + variables.what + '.'",
        "No action does this to a target of this kind.",
    )


def _rights() -> Iterable[Manifest]:
    for asked, needed_for in asked_rights().items():
        right = asked.right
        kind = _BY_PLURAL[right.group, right.resource]
        steps = [f"authorizer.group({_text(right.group)})", f"resource({_text(right.resource)})"]
        what = f"{right.verb} {right.resource}{f'.{right.group}' if right.group else ''}"
        said = ""
        if right.subresource:
            steps.append(f"subresource({_text(right.subresource)})")
            what += f"/{right.subresource}"
        if asked.within:
            steps.append("namespace(variables.where)")
        if not right.any_name:
            steps.append("name(object.spec.target.name)")
            said = " \"' + object.spec.target.name + '\""
        if asked.within:
            said += " in namespace ' + variables.where + '"
        elif kind.namespaced:
            said += " in any namespace"
        yield _validation(
            f"!(variables.asks in {_list(needed_for)}) ||\n{_check('.'.join(steps), right.verb)}",
            f"variables.who + ' may not {what}{said}, which ' + object.spec.action + ' would do.'",
            f"You may not {what}, which this action would do.",
            reason="Forbidden",
        )


def _approval(*, stamped: bool) -> list[Manifest]:
    judged = "variables.approves" + ("" if stamped else " && variables.stated == variables.who")
    own = f"{_own()}.name(object.metadata.name)"
    return [
        _validation(
            f"!({judged}) || {_check(own, APPROVE)}",
            _joined(
                f"variables.who + ' may not {APPROVE} ' + request.resource.resource + '.{GROUP} \"'",
                "+ object.metadata.name + '\"'",
                "+ (variables.where == '' ? '' : ' in namespace ' + variables.where) + '.'",
            ),
            f"You may not {APPROVE} this action.",
            reason="Forbidden",
        ),
        _validation(
            "!variables.approves || variables.stated != oldObject.spec.?requestedBy.orValue('')",
            "variables.stated + ' asked for this action, so another person has to decide over it.'",
            "Another person than who asked has to decide.",
            reason="Forbidden",
        ),
    ]


def _own() -> str:
    return f"authorizer.group('{GROUP}').resource(request.resource.resource).namespace(variables.where)"


def _check(resource: str, verb: str) -> str:
    return f"{resource}.check({_text(verb)}).allowed()"


def _validation(expression: str, message_expression: str, message: str, *, reason: str = "Invalid") -> Manifest:
    # The plain message is for a name so odd that the sentence with it is refused, such as one with a line break.
    return {
        "expression": expression,
        "messageExpression": message_expression,
        "message": message,
        "reason": reason,
    }


def _text(value: str) -> str:
    return f"'{value}'"


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _joined(*lines: str) -> str:
    return "\n".join(lines)


def _object(kind: str, name: str, spec: Manifest, version: str = "v1") -> Manifest:
    api_version = f"admissionregistration.k8s.io/{version}"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
