#!/bin/sh
# Installs what builds and starts the image, from the system's packages, for the tests in tests/image. What is there already is
# left alone.
#
# It uses apt-get and changes nothing else. Whoever is not root needs none of it: these tests are skipped then.
set -eu
. "$(dirname "$0")/apt.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "The tests of the image need root; they are skipped."
    exit 0
fi

missing=
# mmdebstrap looks with gpg whose signatures are trusted.
for tool in mmdebstrap gpg buildah runc; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || missing="$missing $tool"
done
# Packages of Debian are looked for on other systems too, which do not know who signs them.
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -n "$missing" ] || exit 0

# shellcheck disable=SC2086 # several packages
install_packages "Install them by its own means." $missing
