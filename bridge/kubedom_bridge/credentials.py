"""Which cluster is meant, and as whom: kubectl's rules for a kubeconfig, or a pod's service account.

In comes what a user chose, out come the address and the credentials. They are read anew whenever the API server does
not take them any more; a pod's token, which the kubelet renews, also once a minute.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import yaml
from kubernetes.aio import client, config
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from .errors import ConfigurationError

#: Where a pod finds its service account's token and the API server's authority.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"


class ClusterChoice(NamedTuple):
    """Which cluster is meant; None leaves the choice to kubectl's rules."""

    kubeconfig: str | None = None
    context: str | None = None


def in_cluster() -> bool:
    """Whether this process is in a pod."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def kubeconfig_path(choice: ClusterChoice) -> str | None:
    """Find the kubeconfig as kubectl does: the option, then KUBECONFIG, then the home folder's, else None.

    Raises:
        ConfigurationError: where a file that was named is not there.

    """
    named, field = choice.kubeconfig, "--kubeconfig"
    if named is None:
        named, field = os.environ.get("KUBECONFIG") or None, "KUBECONFIG"
    if named is not None:
        existing = [part for part in named.split(os.pathsep) if part and Path(part).expanduser().is_file()]
        if not existing:
            raise ConfigurationError(
                f"There is no kubeconfig at {named}.", remedy=f"Correct {field}, or leave it out.", field=field
            )
        return os.pathsep.join(existing)
    try:
        home = Path("~/.kube/config").expanduser()
    except RuntimeError:
        # In a container a user has often no home.
        return None
    return str(home) if home.is_file() else None


async def load_configuration(choice: ClusterChoice) -> tuple[client.Configuration, str]:
    """Read the credentials and name the cluster.

    Returns:
        The client's configuration, and the context's name (`in-cluster` in a pod).

    Raises:
        ConfigurationError: where there is no cluster to speak to, or the kubeconfig cannot be used.

    """
    configuration = client.Configuration()
    path = kubeconfig_path(choice)
    if path is None:
        if not in_cluster():
            raise ConfigurationError(
                "There is no cluster: no KUBECONFIG, no ~/.kube/config and no pod's service account.",
                remedy="Name one with --kubeconfig, or start a local one with `kubedom cluster up`.",
                field="--kubeconfig",
            )
        try:
            loader = InClusterConfigLoader(SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt")
            # From then on it reads the token anew once a minute, before it is used.
            loader.load_and_set(configuration)
        except (ConfigException, OSError) as error:
            raise ConfigurationError(
                f"The pod's service account in {SERVICE_ACCOUNT} cannot be used: {error}",
                remedy="Let the pod have one (automountServiceAccountToken), or name a cluster with --kubeconfig.",
                field="--kubeconfig",
            ) from None
        return configuration, IN_CLUSTER
    try:
        _, current = config.list_kube_config_contexts(path)
        await config.load_kube_config(
            config_file=path, context=choice.context, client_configuration=configuration, persist_config=False
        )
    except (ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise ConfigurationError(
            f"The kubeconfig {path} cannot be used: {' '.join(str(error).split())}.",
            remedy="Check it with `kubectl config view`, and the context with `kubectl config get-contexts`.",
            field="--context" if choice.context else "--kubeconfig",
        ) from None
    return configuration, choice.context or str(current["name"])
