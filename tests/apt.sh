# Installs packages of the system with apt-get, as root or through sudo; sourced by the scripts beside it.

# install_packages WITHOUT PACKAGE...: WITHOUT says what to do where there is no apt-get.
install_packages() {
    without=$1
    shift
    if ! command -v apt-get >/dev/null; then
        echo "Missing: $*, and this system has no apt-get. $without" >&2
        exit 1
    fi
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "Missing: $*, and installing needs root. Run: sudo apt-get install $*" >&2
        exit 1
    fi

    echo "Installing with apt-get: $*"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! $as_root apt-get install --yes --no-install-recommends "$@" >"$log" 2>&1; then
        # The package lists of a fresh machine may be missing or too old.
        { $as_root apt-get update && $as_root apt-get install --yes --no-install-recommends "$@"; } >>"$log" 2>&1 || {
            echo "apt-get could not install them; its last words (all of them are in $log):" >&2
            tail -n 5 "$log" >&2
            exit 1
        }
    fi
    rm -f "$log"
}
