"""The programs that check deploy/, from pinned Go modules: helm and its unit tests, kubeconform, kube-score, promtool.

Beside them oauth2-proxy, with which the sign-on is tested.

In: deploy/checks, a Go module for each group. Out: a folder with every program, in a cache outside the checkout that is
keyed by what is pinned. `python -m tests.deploy.tools` builds what is not there yet, and says where each one is.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from kubedom_bridge.errors import KubedomError
from kubedom_operator.local import Binaries, ensure_binaries
from kubedom_operator.local.pins import Part, Pins

ROOT = Path(__file__).resolve().parents[2]

# The cheapest first: whoever needs only that one does not wait for the others.
PARTS = (
    Part(
        name="kubeconform",
        group="kubeconform",
        module="github.com/yannh/kubeconform",
        package="github.com/yannh/kubeconform/cmd/kubeconform",
    ),
    Part(
        name="kube-score",
        group="kube-score",
        module="github.com/zegl/kube-score",
        package="github.com/zegl/kube-score/cmd/kube-score",
    ),
    Part(name="helm", group="helm", module="helm.sh/helm/v4", package="helm.sh/helm/v4/cmd/helm"),
    # In helm's module: they share most of what is compiled.
    Part(
        name="helm-unittest",
        group="helm",
        module="github.com/helm-unittest/helm-unittest",
        package="github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
    ),
    Part(
        name="promtool",
        group="promtool",
        module="github.com/prometheus/prometheus",
        package="github.com/prometheus/prometheus/cmd/promtool",
        # Rules are tested without any service discovery, and the clouds' clients take most of the build.
        tags="remove_all_sd",
    ),
)
PINS = Pins(ROOT / "deploy" / "checks", PARTS, title="the programs that check deploy/")
PROXY = Part(
    name="oauth2-proxy",
    group="oauth2-proxy",
    module="github.com/oauth2-proxy/oauth2-proxy/v7",
    package="github.com/oauth2-proxy/oauth2-proxy/v7",
)
#: By itself, so that a test of the sign-on does not wait for the others, nor they for a new version of it.
SIGN_ON = Pins(PINS.folder, (PROXY,), title="the proxy that signs users on")


def ensure_proxy(progress: Callable[[str], None]) -> Path:
    """Return oauth2-proxy, and build it first if it is not in the cache.

    Raises:
        BinariesUnavailable: It does not build, or there is no Go that could build it.

    """
    found = ensure_binaries(SIGN_ON, way="build", progress=progress, cache=user_cache_path("kubedom") / "checks")
    return found.path(PROXY.name)


def ensure_tools(progress: Callable[[str], None]) -> Binaries:
    """Return the programs, and build those first that are not in the cache.

    Raises:
        BinariesUnavailable: One does not build, or there is no Go that could build it.

    """
    return ensure_binaries(PINS, way="build", progress=progress, cache=user_cache_path("kubedom") / "checks")


def main() -> int:
    """Build what is missing, and print a line for each program."""
    # Ends with an exception, so that no compiler is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        tools = ensure_tools(tell)
        proxy = ensure_proxy(tell)
    except KubedomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for part in PARTS:
        print(f"{part.name} {PINS.version(part)} {tools.path(part.name)}")
    print(f"{PROXY.name} {SIGN_ON.version(PROXY)} {proxy}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
