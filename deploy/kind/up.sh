#!/usr/bin/env bash
# A kind cluster with kubedom in it, from this checkout: builds the image, loads it, installs the chart, opens the page.
#
#   deploy/kind/up.sh                one process (nats.mode=none)
#   deploy/kind/up.sh --scaled-out   an operator, two bridges and NATS
#   deploy/kind/up.sh --no-page      ends when kubedom runs, without forwarding a port
#
# It can be run again: what is there already is taken, and kubedom is upgraded. down.sh removes the cluster.
# KUBEDOM_KIND_NAME, KUBEDOM_IMAGE and KUBEDOM_PORT change the cluster's name, the image's and the page's port.
set -euo pipefail

script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
here=$(cd "${script%/*}" && pwd)
root=$(cd "$here/../.." && pwd)
name=${KUBEDOM_KIND_NAME:-kubedom}
image=${KUBEDOM_IMAGE:-localhost/kubedom:kind}
port=${KUBEDOM_PORT:-8384}
context=kind-$name
deployment=kubedom
mode=none
page=true

fail() {
  printf 'up.sh: %s\n' "$1" >&2
  exit 2
}

while (($#)); do
  case $1 in
    --scaled-out) mode=bundled deployment=kubedom-bridge ;;
    --no-page) page=false ;;
    *) fail "There is no option $1. Use --scaled-out, --no-page, or none." ;;
  esac
  shift
done
[[ $port =~ ^[0-9]+$ ]] || fail "KUBEDOM_PORT is $port, which is no port. Write a number, as 8384."
[[ ${image##*/} == ?*:?* ]] || fail "KUBEDOM_IMAGE is $image. Write it with a tag, as localhost/kubedom:kind."

for tool in kind kubectl helm; do
  command -v "$tool" >/dev/null || fail "$tool is not on the PATH. docs/kind.md says where it is from."
done
if command -v docker >/dev/null; then
  engine=docker
elif command -v podman >/dev/null; then
  engine=podman
  export KIND_EXPERIMENTAL_PROVIDER=podman
else
  fail "Neither docker nor podman is on the PATH. Without them \`kubedom cluster up\` starts a cluster of another kind."
fi
"$engine" info >/dev/null 2>&1 || fail "$engine does not answer. Start it, or see \`$engine info\`."

file=
for candidate in Dockerfile Containerfile; do
  [[ -f $root/deploy/image/$candidate ]] && file=$root/deploy/image/$candidate
done
[[ -n $file ]] || fail "There is no Dockerfile in $root/deploy/image. Run this in a checkout of kubedom."

if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
  kind create cluster --name "$name" --config "$here/cluster.yaml" --wait 180s
fi

"$engine" build --file "$file" --tag "$image" "$root"
# An archive is what kind takes from docker and from podman alike.
archive=$(mktemp -d)
trap 'rm -rf "$archive"' EXIT
"$engine" save --output "$archive/image.tar" "$image"
kind load image-archive "$archive/image.tar" --name "$name"
rm -rf "$archive"

helm upgrade --install kubedom "$root/deploy/helm/kubedom" \
  --kube-context "$context" --namespace kubedom --create-namespace \
  --set image.repository="${image%:*}" --set image.tag="${image##*:}" --set image.pullPolicy=Never \
  --set nats.mode="$mode" --set bridge.replicas=2 \
  --set signIn.token=true --set "origins[0]=http://127.0.0.1:$port" \
  --wait --timeout 5m
# The image may have the tag that it had before.
kubectl --context "$context" --namespace kubedom rollout restart deployment
kubectl --context "$context" --namespace kubedom rollout status "deployment/$deployment" --timeout 3m

# Somebody to sign in as. This cluster is thrown away again, so they may do everything in it.
kubectl --context "$context" --namespace kubedom create serviceaccount visitor --dry-run=client --output yaml |
  kubectl --context "$context" apply --filename -
kubectl --context "$context" create clusterrolebinding kubedom-visitor --clusterrole cluster-admin \
  --serviceaccount kubedom:visitor --dry-run=client --output yaml |
  kubectl --context "$context" apply --filename -

cat <<END

kubedom runs in the cluster $context. The page asks for a token:

    kubectl --context $context --namespace kubedom create token visitor

What happens, in a terminal (deploy/kind/scenarios has workloads that fail):

    KUBEDOM_TOKEN=\$(kubectl --context $context -n kubedom create token visitor) \\
      kubedom events --url http://127.0.0.1:$port --follow

END
"$page" || exit 0

echo "The page is at http://127.0.0.1:$port/ as long as this runs; Ctrl-C ends it, and leaves the cluster."
(
  # Only an open page is worth a window.
  for _ in {1..50}; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      if command -v xdg-open >/dev/null; then
        xdg-open "http://127.0.0.1:$port/" >/dev/null 2>&1
      elif command -v open >/dev/null; then
        open "http://127.0.0.1:$port/"
      fi
      break
    fi
    sleep 0.2
  done
) &
exec kubectl --context "$context" --namespace kubedom port-forward "deployment/$deployment" "$port:8384"
