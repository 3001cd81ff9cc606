"""What an API server is given follows from what it serves, and there is no healing without the canary's proof."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_operator.admission import Served, served, start_admission
from kubedom_operator.admission_manifests import CANARY, POLICY

_WEBHOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
_VALIDATING = (
    "validatingadmissionpolicies",
    "validatingadmissionpolicies/status",
    "validatingadmissionpolicybindings",
)
_MUTATING = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
#: What each minor version serves of admissionregistration.k8s.io; `+` where its alpha or beta is switched on.
SERVED: dict[str, dict[str, tuple[str, ...]]] = {
    "1.29": {"v1": _WEBHOOKS},
    "1.29+": {"v1": _WEBHOOKS, "v1beta1": _VALIDATING},
    "1.30": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.31": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.32": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.32+": {"v1": (*_WEBHOOKS, *_VALIDATING), "v1alpha1": _MUTATING},
    "1.33": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.34": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.34+": {"v1": (*_WEBHOOKS, *_VALIDATING), "v1beta1": _MUTATING, "v1alpha1": _MUTATING},
    "1.35": {"v1": (*_WEBHOOKS, *_VALIDATING)},
    "1.36": {"v1": (*_MUTATING, *_WEBHOOKS, *_VALIDATING)},
    "1.36+": {"v1": (*_MUTATING, *_WEBHOOKS, *_VALIDATING), "v1beta1": _MUTATING},
}


def discovery(version: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": "APIResourceList",
            "groupVersion": f"admissionregistration.k8s.io/{each}",
            "resources": [{"name": name, "namespaced": False} for name in names],
        }
        for each, names in SERVED[version].items()
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.29", Served(False, "")),
        ("1.29+", Served(False, "")),
        ("1.30", Served(True, "")),
        ("1.31", Served(True, "")),
        ("1.32", Served(True, "")),
        ("1.32+", Served(True, "v1alpha1")),
        ("1.33", Served(True, "")),
        ("1.34", Served(True, "")),
        ("1.34+", Served(True, "v1beta1")),
        ("1.35", Served(True, "")),
        ("1.36", Served(True, "v1")),
        ("1.36+", Served(True, "v1")),
    ],
)
def test_what_is_switched_on_follows_from_discovery(version: str, expected: Served) -> None:
    assert served(discovery(version)) == expected


@pytest.mark.parametrize("version", SERVED)
def test_users_may_be_stated_only_where_nothing_stamps(version: str) -> None:
    found = served(discovery(version))
    kinds = {(each["kind"], each["apiVersion"].partition("/")[2]) for each in found.manifests}
    if not found.validating:
        assert kinds == set()
        return
    assert ("ValidatingAdmissionPolicy", "v1") in kinds
    assert ("requestfor" in str(found.manifests)) is (found.mutating == "")
    stamps = {version for kind, version in kinds if kind.startswith("Mutating")}
    assert stamps == ({found.mutating} if found.mutating else set())


FORBIDDEN = NotPermitted("The API server says: forbidden.")
JUDGED = AdmissionDenied(POLICY, f'{CANARY} may not patch deployments.apps "{CANARY}" in namespace default, which …')
IN_FORCE = AdmissionDenied(POLICY, "ann cannot approve an action while creating it: leave spec.approval out.")
PASSED: dict[str, Any] = {}


class Server:
    """Answers what is asked at the start, and notes what was applied; `tries` are the answers to dry runs."""

    def __init__(self, *tries: Any, version: str = "1.36", may_install: bool = True) -> None:
        self.tries = list(tries)
        self.applied: list[str] = []
        self.asked: list[str] = []
        self._version = version
        self._may_install = may_install
        self._user = ""

    def impersonating(self, user: str) -> Server:
        acting = Server.__new__(Server)
        acting.__dict__.update(self.__dict__ | {"_user": user})
        return acting

    async def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        if method == "PATCH":
            if not self._may_install:
                raise FORBIDDEN
            self.applied.append(path)
            return {}
        if method == "GET":
            lists = {each["groupVersion"].partition("/")[2]: each for each in discovery(self._version)}
            return lists.get(path.rpartition("/")[2]) or {"versions": [{"version": each} for each in lists]}
        assert more["query"] == {"dryRun": "All"}
        self.asked.append(self._user)
        answer = self.tries.pop(0) if len(self.tries) > 1 else self.tries[0]
        if isinstance(answer, Exception):
            raise answer
        return cast(dict[str, Any], answer)


async def start(server: Server, *, namespace: str | None = None, deadline: float = 0.5) -> str:
    return await start_admission(cast(Api, server), namespace, deadline=deadline)


async def test_a_canary_that_is_refused_for_its_rights_is_the_proof() -> None:
    server = Server(JUDGED)
    assert await start(server) == ""
    assert server.asked == [CANARY]
    assert [path.rpartition("/")[2] for path in server.applied[-2:]] == [CANARY, CANARY]
    assert (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/healingactions.kubedom.dev" in server.applied
    )
    assert "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/kubedom-canary" in server.applied


async def test_a_policy_may_take_its_time() -> None:
    assert await start(Server(ApiError(404, "NotFound", "not yet"), FORBIDDEN, PASSED, JUDGED), deadline=30) == ""


async def test_a_canary_that_passes_switches_healing_off() -> None:
    why = await start(Server(PASSED))
    assert why.startswith("Not healing because the API server let an action pass")


async def test_a_refusal_for_another_reason_is_no_proof() -> None:
    broken = AdmissionDenied(POLICY, "expression 'x' resulted in error: no such key")
    assert "no such key" in await start(Server(broken))
    somebody_elses = AdmissionDenied("no-restarts", JUDGED.message)
    assert "no-restarts" in await start(Server(somebody_elses))
    assert "quota" in await start(Server(ApiError(422, "Invalid", "quota")))


async def test_without_the_right_to_impersonate_the_policy_is_seen_to_be_in_force() -> None:
    cannot = NotPermitted('users "kubedom-canary" is forbidden: User "ann" cannot impersonate resource "users"')
    server = Server(cannot, IN_FORCE)
    assert await start(server) == ""
    assert server.asked == [CANARY, ""]


async def test_who_can_show_nothing_heals_nothing() -> None:
    why = await start(Server(FORBIDDEN, may_install=False))
    assert why.startswith(
        f"Not healing because it cannot be shown that the API server judges actions: {FORBIDDEN.message}"
    )
    assert why.endswith("apply the files of deploy/admission, or the chart, as an administrator.")


async def test_what_others_installed_is_taken_as_it_is() -> None:
    server = Server(JUDGED, may_install=False)
    assert await start(server, namespace="shop") == ""
    assert server.applied == []


async def test_an_api_server_without_policies_gets_no_healing() -> None:
    server = Server(PASSED, version="1.29")
    assert "1.30" in await start(server)
    assert server.applied == server.asked == []
