"""What is said at the start of what the cluster lacks: each a sentence that says who can do what about it."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_operator.admission_manifests import CANARY, POLICY
from kubedom_operator.cli.preflight import install

REGISTRATION = "/apis/admissionregistration.k8s.io"
JUDGED = AdmissionDenied(POLICY, f'{CANARY} may not patch deployments.apps "{CANARY}" in namespace default')
CANNOT = NotPermitted('User "kubedom" cannot patch resource "customresourcedefinitions"')


class Server:
    """An API server of some version, at which nothing may be installed.

    Args:
        kinds: The kubedom kinds that it has.
        versions: Those of admissionregistration, with the policies that each has.

    """

    def __init__(self, *kinds: str, versions: dict[str, list[str]]) -> None:
        self._kinds = kinds
        self._versions = versions

    def impersonating(self, user: str) -> Server:
        return self

    async def call(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        if method == "PATCH":
            raise CANNOT
        if path == "/apis/kubedom.dev/v1alpha1":
            if not self._kinds:
                raise ApiError(404, "NotFound", "the server could not find the requested resource")
            return {"resources": [{"name": name} for name in self._kinds]}
        if path == REGISTRATION:
            return {"versions": [{"version": each} for each in self._versions]}
        if path.startswith(REGISTRATION):
            version = path.rpartition("/")[2]
            resources = [{"name": name} for name in self._versions[version]]
            return {"groupVersion": f"admissionregistration.k8s.io/{version}", "resources": resources}
        if path.endswith("selfsubjectreviews"):
            return {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}}
        raise JUDGED


ALL = ("clusterhealingactions", "healingactions", "healingpolicies", "healingvetoes")
NEW = {"v1": ["validatingadmissionpolicies", "mutatingadmissionpolicies"]}
OLD = {"v1": ["validatingadmissionpolicies"]}


async def said(server: Server, version: str, caplog: pytest.LogCaptureFixture) -> tuple[str, list[str]]:
    """Why nothing is healed, and the warnings."""
    with caplog.at_level(logging.WARNING):
        proof = await install(cast(Api, server), None, version)
    return proof.why, [record.getMessage() for record in caplog.records]


async def test_a_cluster_that_has_all_is_started_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    assert await said(Server(*ALL, versions=NEW), "v1.36.3", caplog) == ("", [])


async def test_missing_kinds_that_may_not_be_installed(caplog: pytest.LogCaptureFixture) -> None:
    why, warnings = await said(Server(versions=NEW), "v1.36.3", caplog)
    assert why == (
        "Not healing because the API server does not know clusterhealingactions.kubedom.dev, "
        "healingactions.kubedom.dev, healingpolicies.kubedom.dev, healingvetoes.kubedom.dev, and this identity may not "
        "install them: apply the files of deploy/crds, or the chart, as an administrator."
    )
    assert warnings == [why]


async def test_a_kind_of_a_later_version_that_is_missing_does_not_end_healing(caplog: pytest.LogCaptureFixture) -> None:
    why, warnings = await said(Server(*ALL[:3], versions=NEW), "v1.36.3", caplog)
    assert why == ""
    (warning,) = warnings
    assert warning.startswith("Not all is healed because the API server does not know healingvetoes.kubedom.dev,")


async def test_each_feature_that_is_off_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    why, warnings = await said(Server(*ALL, versions=OLD), "v1.33.2", caplog)
    assert why == ""
    assert [warning.partition(":")[0] for warning in warnings] == [
        "Kubernetes v1.33.2 is older than 1.36 and has no MutatingAdmissionPolicy",
        "Kubernetes v1.33.2 is older than 1.36 and has no constrained impersonation",
    ]


async def test_an_api_server_without_policies(caplog: pytest.LogCaptureFixture) -> None:
    why, warnings = await said(Server(*ALL, versions={"v1": []}), "v1.29.8", caplog)
    assert why == "Not healing because the API server has no ValidatingAdmissionPolicy: that takes Kubernetes 1.30."
    assert "nothing is healed" in warnings[0]
    assert warnings[-1] == why
