"""Users of a test: service accounts with a namespace each, and the rights that they are given in it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from tests.conftest import Cluster


@dataclass
class Someone:
    """A service account that may read one namespace, and a mark that stands in everything of that namespace."""

    cluster: Cluster
    mark: str = field(default_factory=lambda: f"m{uuid.uuid4().hex[:12]}")

    @property
    def namespace(self) -> str:
        return f"kubedom-test-{self.mark}"

    def prepare(self) -> None:
        self.cluster.kubectl("create", "namespace", self.namespace)
        self.cluster.kubectl("create", "serviceaccount", "reader", f"--namespace={self.namespace}")
        self.allow()
        self.pod(f"pod-{self.mark}")

    def allow(self) -> None:
        account = f"--serviceaccount={self.namespace}:reader"
        self.cluster.kubectl(
            "create", "rolebinding", "reader", "--clusterrole=view", account, f"--namespace={self.namespace}"
        )

    def forbid(self) -> None:
        self.cluster.kubectl("delete", "rolebinding", "reader", f"--namespace={self.namespace}")

    def token(self) -> str:
        return self.cluster.kubectl("create", "token", "reader", f"--namespace={self.namespace}").strip()

    def pod(self, name: str) -> None:
        container = {"name": "main", "image": f"registry.example/{self.mark}"}
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": {"mark": self.mark}},
                "spec": {"containers": [container], "automountServiceAccountToken": False},
            },
            namespace=self.namespace,
        )
