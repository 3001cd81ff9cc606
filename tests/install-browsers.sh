#!/bin/sh
# Installs Chromium and Firefox from the system's packages, for the tests in tests/browser. What is there already is left alone.
#
# It uses apt-get, as root or through sudo, and changes nothing else. Elsewhere, install them by the system's own means, or name
# existing ones in KUBEDOM_TEST_CHROMIUM and KUBEDOM_TEST_FIREFOX.
set -eu
. "$(dirname "$0")/apt.sh"

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

# shellcheck disable=SC2086 # several packages
install_packages "Install them, or name them in KUBEDOM_TEST_CHROMIUM and KUBEDOM_TEST_FIREFOX." $missing fonts-dejavu-core
