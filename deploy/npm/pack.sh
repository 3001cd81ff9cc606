#!/bin/sh
# Makes the npm package as `npm publish` would, into the folder that is given.
set -eu
mkdir -p "$1"
packed=$(cd "$1" && pwd)
. "$(dirname "$0")/../../tests/browser/web-tools.sh"

# The package's own scripts say `node`.
PATH="$node_home/bin:$PATH"
export PATH
(cd web && "$node" "$npm" pack --loglevel=error --pack-destination "$packed" >/dev/null)
