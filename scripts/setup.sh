#!/usr/bin/env bash
# Prepare a work tree: `scripts/setup.sh [python|demo|tests|bench|fuzz]`.
#
#   python  .venv with the locked dependencies and Doorward itself, compiled (every other mode does this first)
#   demo    and psql, which the demo's tour is for
#   tests   and the PostgreSQL server and Chromium that the tests drive
#   bench   the PostgreSQL server, and the relays that Doorward is compared with
#   fuzz    and the engine that mutates inputs
#
# Does only what is missing, so a second run returns at once. Debian packages are installed when run as root; otherwise the
# command to run is printed and the exit code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MODE="${1:-python}"
readonly VENV=.venv
readonly LOCKED="$VENV/.locked-stamp"
readonly BUILT="$VENV/.built-stamp"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Run a command without its output, unless it fails: then its last lines and the reason given.
quietly() {
    local reason="$1" log
    shift
    log="$(mktemp)"
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        fail "$reason"
    fi
    rm -f "$log"
}

apt_install() { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"; }

# Install Debian packages, or say how.
need_packages() {
    command -v apt-get >/dev/null || fail "missing: $* (names as on Debian); install them and run this again"
    [ "$(id -u)" -eq 0 ] || fail "missing: $*. Run: sudo apt-get update && sudo apt-get install $*"
    say "installing $*"
    # A server package would otherwise create and start a cluster of its own; the tests make theirs.
    local no_cluster=/etc/postgresql-common/createcluster.d/doorward-setup.conf
    if [[ " $* " == *" postgresql "* ]]; then
        trap "rm -f '$no_cluster'" EXIT
        mkdir -p "$(dirname "$no_cluster")"
        echo "create_main_cluster = false" >"$no_cluster"
    fi
    quietly "apt-get could not install: $*" apt_install "$@"
}

# Print the path of a Python that can be used. A pyenv shim is asked for the interpreter behind it: a venv must not point
# at a shim, whose meaning changes with the folder.
find_python() {
    local name path
    for name in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13; do
        path="$("$name" -c 'import sys; sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null)" || continue
        if [ -n "$path" ]; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

has_header() { "$1" -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(os.path.join(s.get_path("include"), "Python.h")))'; }

is_debians() { case "$1" in /usr/bin/*) return 0 ;; *) return 1 ;; esac; }

check_tools() {
    local python="$1" missing=()
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        is_debians "$python" || fail "$python has no venv and ensurepip modules; use a complete Python (set PYTHON=...)"
        missing+=(python3-venv)
    fi
    if ! has_header "$python"; then
        is_debians "$python" || fail "$python comes without Python.h, which compiling needs (set PYTHON=...)"
        missing+=(python3-dev)
    fi
    [ "${#missing[@]}" -eq 0 ] || need_packages "${missing[@]}"
}

compiled_sources() { find src -name '*_cy.py' -o -name '*_cy.pxd' | LC_ALL=C sort; }

# Whether beside each source there is a compiled module that is younger.
all_compiled() {
    local source built found
    for source in $(find src -name '*_cy.py'); do
        found=no
        for built in "${source%.py}".*.so; do
            [ "$built" -nt "$source" ] && found=yes
        done
        [ "$found" = yes ] || return 1
    done
}

# A venv names its folder in its scripts, so the folder is part of what the stamps stand for.
locked_digest() { { pwd -P; cat requirements.lock; } | sha256sum; }
built_digest() { { pwd -P; cat requirements.lock pyproject.toml setup.py; compiled_sources | xargs -r cat; } | sha256sum; }

is_current() { [ -x "$VENV/bin/python" ] && [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

# A venv that was moved has scripts that point to where it was.
is_usable() {
    "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
        && grep -qF "$(pwd -P)/$VENV/" "$VENV/bin/pip" 2>/dev/null
}

create_venv() {
    local python
    python="$(find_python)" || fail "Python 3.11 or later is needed, and none was found (set PYTHON=... if it has another name)"
    check_tools "$python"
    say "creating $VENV with $("$python" --version)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
}

pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"; }

setup_python() {
    local locked built
    locked="$(locked_digest)"
    built="$(built_digest)"
    if is_current "$LOCKED" "$locked" && is_current "$BUILT" "$built" && all_compiled; then
        return
    fi
    if ! is_current "$LOCKED" "$locked"; then
        is_usable || create_venv
        # The lock is whole: pip need not work it out again, and would refuse extras that a pin leaves unsaid.
        say "installing the locked dependencies (about a minute)"
        quietly "pip could not install what requirements.lock names" pip_install --require-hashes --no-deps -r requirements.lock
        printf '%s\n' "$locked" >"$LOCKED"
    fi
    say "building Doorward's compiled modules"
    quietly "the build failed; what the compiler said is above" pip_install --no-deps --no-build-isolation -e .
    all_compiled || fail "the build left modules uncompiled"
    printf '%s\n' "$built" >"$BUILT"
    say "ready: $VENV/bin/doorward"
}

setup_packages() {
    local missing=()
    command -v psql >/dev/null || missing+=(postgresql-client)
    if [ "$MODE" != demo ]; then
        compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || missing+=(postgresql)
    fi
    if [ "$MODE" = tests ]; then
        command -v chromium >/dev/null || missing+=(chromium)
        command -v npm >/dev/null || missing+=(nodejs npm)
    fi
    if [ "$MODE" = bench ]; then
        command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
        command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
    fi
    [ "${#missing[@]}" -eq 0 ] || need_packages "${missing[@]}"
}

# The identity provider that the tests sign in with.
setup_identity_provider() {
    local folder=tests/identity_provider
    [ "$MODE" = tests ] || return 0
    cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock" && return 0
    say "installing the identity provider of the tests"
    quietly "npm could not install $folder" npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
    cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock"
}

setup_engine() {
    "$VENV/bin/python" -c 'import atheris' 2>/dev/null && return
    say "installing the fuzzing engine"
    quietly "tests/fuzz/requirements.lock has no engine for this machine" pip_install --require-hashes --no-deps \
        --only-binary :all: -r tests/fuzz/requirements.lock
}

case "$MODE" in
    python) setup_python ;;
    fuzz)
        setup_python
        setup_engine
        ;;
    demo | tests | bench)
        setup_python
        setup_packages
        setup_identity_provider
        ;;
    *) fail "unknown mode '$MODE'; one of python, demo, tests, bench, fuzz" ;;
esac
