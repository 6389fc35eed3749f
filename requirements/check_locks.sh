#!/usr/bin/env bash
# Proves in new environments that both locks resolve under --require-hashes: with the pip that this
# Python bundles, with the oldest one that a supported Python bundles, and with the newest.
# Nothing is installed. PYTHON names another Python.
set -euo pipefail
cd "$(dirname "$0")"

python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

check() { # pip's requirement (empty: the bundled one), locks
    local pip=$1 bin="$place/$RANDOM"
    shift
    "$python" -m venv "$bin"
    [[ -z $pip ]] || "$bin/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$pip"
    for lock in "$@"; do
        "$bin/bin/python" -m pip install --quiet --disable-pip-version-check --dry-run \
            --require-hashes -r "$lock"
        echo "$lock resolves with $("$bin/bin/python" -m pip --version | cut -d' ' -f1,2)"
    done
}

check "" run.lock test.lock
# of Python 3.11.0; test.lock has all that run.lock has
check "pip==22.3" test.lock
check "pip" test.lock
