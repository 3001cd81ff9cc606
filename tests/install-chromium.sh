#!/bin/sh
# Installs Chromium from the system's packages, for the tests in tests/browser. It does nothing where one is there already.
#
# It uses apt-get, as root or through sudo, and changes nothing else. Elsewhere, install Chromium by the system's own means, or
# name an existing one in KUBEDOM_TEST_CHROMIUM.
set -eu

if [ -n "${KUBEDOM_TEST_CHROMIUM:-}" ]; then
    if [ -x "$KUBEDOM_TEST_CHROMIUM" ]; then
        echo "Chromium: $KUBEDOM_TEST_CHROMIUM, as KUBEDOM_TEST_CHROMIUM says."
        exit 0
    fi
    echo "KUBEDOM_TEST_CHROMIUM names $KUBEDOM_TEST_CHROMIUM, which cannot be run. Correct or unset it." >&2
    exit 1
fi
if found=$(command -v chromium); then
    echo "Chromium: $found is there already."
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "Chromium is missing and this system has no apt-get. Install Chromium, or name one in KUBEDOM_TEST_CHROMIUM." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Chromium is missing and installing it needs root. Run: sudo apt-get install chromium" >&2
    exit 1
fi

echo "Chromium: installing the system's package with apt-get."
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
install() {
    $as_root apt-get install --yes --no-install-recommends chromium fonts-dejavu-core >"$log" 2>&1
}
if ! install; then
    # The package lists of a fresh machine may be missing or too old.
    { $as_root apt-get update && install; } >>"$log" 2>&1 || {
        echo "apt-get could not install Chromium; its last words (all of them are in $log):" >&2
        tail -n 5 "$log" >&2
        exit 1
    }
fi
rm -f "$log"
echo "Chromium: installed $(command -v chromium)."
