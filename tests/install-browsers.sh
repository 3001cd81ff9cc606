#!/bin/sh
# Installs Chromium and Firefox from the system's packages, for the tests in tests/browser. What is there already is left alone.
#
# It uses apt-get, as root or through sudo, and changes nothing else. Elsewhere, install them by the system's own means, or name
# existing ones in KUBEDOM_TEST_CHROMIUM and KUBEDOM_TEST_FIREFOX.
set -eu

# look_for COMMAND VARIABLE VALUE: says where a browser is; 1 where it has to be installed.
look_for() {
    if [ -n "$3" ]; then
        if [ -x "$3" ]; then
            echo "$1: $3, as $2 says."
            return
        fi
        echo "$2 names $3, which cannot be run. Correct or unset it." >&2
        exit 1
    fi
    found=$(command -v "$1") || return 1
    echo "$1: $found is there already."
}

missing=
look_for chromium KUBEDOM_TEST_CHROMIUM "${KUBEDOM_TEST_CHROMIUM:-}" || missing="chromium"
look_for firefox-esr KUBEDOM_TEST_FIREFOX "${KUBEDOM_TEST_FIREFOX:-}" || missing="$missing firefox-esr"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing: $missing, and this system has no apt-get. Install them, or name them in KUBEDOM_TEST_CHROMIUM and" \
        "KUBEDOM_TEST_FIREFOX." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Missing: $missing, and installing needs root. Run: sudo apt-get install $missing" >&2
    exit 1
fi

echo "Installing with apt-get: $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
install() {
    # shellcheck disable=SC2086 # several packages
    $as_root apt-get install --yes --no-install-recommends $missing fonts-dejavu-core >"$log" 2>&1
}
if ! install; then
    # The package lists of a fresh machine may be missing or too old.
    { $as_root apt-get update && install; } >>"$log" 2>&1 || {
        echo "apt-get could not install them; its last words (all of them are in $log):" >&2
        tail -n 5 "$log" >&2
        exit 1
    }
fi
rm -f "$log"
