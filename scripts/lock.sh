#!/usr/bin/env bash
# Pin every dependency, with hashes, for the oldest Python that is supported: rewrites requirements.lock from pyproject.toml.
# Needs uv. Pins that still fit are kept; `scripts/lock.sh --upgrade` moves all of them, `--upgrade-package NAME` one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v uv >/dev/null || { echo "lock: uv is needed (https://docs.astral.sh/uv)" >&2; exit 1; }
uv pip compile pyproject.toml --quiet --python-version 3.11 --extra demo --extra dev \
    --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
    --output-file requirements.lock "$@"
echo "lock: requirements.lock pins $(grep -c '==' requirements.lock) packages"
