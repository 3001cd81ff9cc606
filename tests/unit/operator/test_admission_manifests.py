"""The policies ask for just the rights that the table of actions has; that they work is shown on a real API server."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS, Right
from kubedom_operator.admission_manifests import (
    BY_FORCE,
    NAMES,
    POLICIES_POLICY,
    POLICY,
    VETOES_POLICY,
    asked_rights,
    canary_rights,
    known,
    mutating,
    validating,
)
from kubedom_operator.manifest_files import CHART, files

DEPLOY = Path(__file__).parents[3] / "deploy"
ROWS = [
    (kind.name, target, force)
    for kind in ACTION_KINDS.values()
    for target, force in product(kind.targets, (False, True) if kind.forced else (False,))
]


@pytest.mark.parametrize("name", files())
def test_the_files_are_what_the_tables_make(name: str) -> None:
    remedy = "run `python -m kubedom_operator.manifest_files`"
    assert (DEPLOY / name).read_text(encoding="utf-8") == files()[name], remedy


def test_no_other_files_lie_beside_them() -> None:
    for folder in ("admission/", CHART):
        written = {path.relative_to(DEPLOY).as_posix() for path in DEPLOY.joinpath(folder).glob("**/*.yaml")}
        assert written == {name for name in files() if name.startswith(folder)}


@pytest.mark.parametrize(("action", "target", "force"), ROWS)
def test_every_row_asks_for_its_rights_and_for_no_other(action: str, target: str, force: bool) -> None:
    what = f"{action} {target}{BY_FORCE if force else ''}"
    asked = {each.right for each, needed_for in asked_rights().items() if what in needed_for}
    assert asked == set(ACTION_KINDS[action].rights(target, force=force))
    assert what in known(namespaced=TARGETS[target].namespaced)
    assert what not in known(namespaced=not TARGETS[target].namespaced)


def test_each_right_is_asked_once_and_by_name_unless_it_is_for_any() -> None:
    policy, *_ = validating(stamped=True)
    expressions = [
        each["expression"] for each in policy["spec"]["validations"] if "variables.asks" in each["expression"]
    ]
    assert len(expressions) == len(asked_rights())
    for expression, asked in zip(expressions, asked_rights(), strict=True):
        assert f"check('{asked.right.verb}')" in expression
        assert (".name(object.spec.target.name)" in expression) is not asked.right.any_name
        assert (".namespace(variables.where)" in expression) is asked.within


def test_an_expression_asks_at_most_twice_for_that_is_what_cel_allows() -> None:
    for stamped in (True, False):
        for policy in validating(stamped=stamped)[::2]:
            for each in policy["spec"]["validations"]:
                assert each["expression"].count("authorizer") <= 2
                # A message cannot ask: it would be dropped, and the user would read the expression.
                assert "authorizer" not in each["messageExpression"]


def test_variables_are_defined_before_they_are_used() -> None:
    for stamped in (True, False):
        policy, *_ = validating(stamped=stamped)
        defined: set[str] = set()
        for variable in policy["spec"]["variables"]:
            assert set(re.findall(r"variables\.(\w+)", variable["expression"])) <= defined
            defined.add(variable["name"])


def test_nothing_is_let_pass_where_the_policy_cannot_be_evaluated() -> None:
    stamp, _ = mutating("v1beta1")
    assert stamp["spec"]["failurePolicy"] == "Fail"
    assert stamp["apiVersion"] == "admissionregistration.k8s.io/v1beta1"
    for stamped, names in ((True, [POLICY, POLICIES_POLICY]), (False, [POLICY, VETOES_POLICY, POLICIES_POLICY])):
        made = validating(stamped=stamped)
        assert [each["metadata"]["name"] for each in made[::2]] == names
        for policy, binding in zip(made[::2], made[1::2], strict=True):
            assert policy["spec"]["failurePolicy"] == "Fail"
            named = policy["metadata"]["name"]
            assert binding["spec"] == {"policyName": named, "validationActions": ["Deny"]}
            assert named in NAMES


def test_only_without_a_stamp_may_somebody_ask_for_another() -> None:
    texts = {stamped: str(validating(stamped=stamped)) for stamped in (True, False)}
    assert "requestfor" in texts[False]
    assert "requestfor" not in texts[True]


def test_the_canary_may_create_actions_in_one_namespace_and_nothing_else() -> None:
    role, binding = canary_rights("shop")
    assert role["kind"] == "Role"
    assert role["rules"] == [{"apiGroups": ["kubedom.dev"], "resources": ["healingactions"], "verbs": ["create"]}]
    assert binding["subjects"][0]["kind"] == "User"
    assert {each["metadata"]["namespace"] for each in (role, binding)} == {"shop"}


def test_a_drain_takes_the_right_to_evict_everywhere() -> None:
    evict = Right("create", "", "pods", "eviction", any_name=True)
    (asked,) = [each for each in asked_rights() if each.right == evict]
    assert not asked.within
