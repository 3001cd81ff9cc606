#!/usr/bin/env bash
# Removes the kind cluster that up.sh made, and all that is in it. KUBEDOM_KIND_NAME is its name.
set -euo pipefail

name=${KUBEDOM_KIND_NAME:-kubedom}
if ! command -v kind >/dev/null; then
  printf 'down.sh: %s\n' "kind is not on the PATH. docs/kind.md says where it is from." >&2
  exit 2
fi
if ! command -v docker >/dev/null && command -v podman >/dev/null; then
  export KIND_EXPERIMENTAL_PROVIDER=podman
fi
kind delete cluster --name "$name"
