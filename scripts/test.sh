#!/usr/bin/env bash
# All checks, in the order in which they are cheapest to fail. Every stage runs even after one failed; the exit code is 1 if
# any did. The last line is pytest's own summary: of the compiled run, or of the interpreted one if only that failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BIN=.venv/bin
# What also runs compiled is run interpreted as well: one source, one behaviour.
readonly PURE_TESTS=(tests/wire tests/masking tests/audit tests/architecture)
# One file's tests stay together: its servers are started once. More than four would mostly start servers.
cores="$(nproc)"
readonly SIDE_BY_SIDE=(-n "$((cores < 4 ? cores : 4))" --dist loadfile)
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
failed=()
table=()

stage() {
    local name="$1" started="$SECONDS" verdict=ok
    shift
    printf -- '--- %s\n' "$name"
    if ! "$@" 2>&1 | tee "$scratch/$name"; then
        verdict=FAILED
        failed+=("$name")
    fi
    table+=("$(printf '%-14s %-7s %4d s' "$name" "$verdict" "$((SECONDS - started))")")
}

summary_of() { grep -E '^=+ .*(passed|failed|error|no tests ran).* =+$' "$scratch/$1" | tail -n 1; }

existing_pure_tests=()
for folder in "${PURE_TESTS[@]}"; do
    [ -d "$folder" ] && existing_pure_tests+=("$folder")
done

stage lint "$BIN/ruff" check .
stage format "$BIN/ruff" format --check .
stage types "$BIN/mypy" --no-error-summary
stage imports "$BIN/lint-imports" --no-logo
stage interpreted env DOORWARD_PURE=1 "$BIN/pytest" "${SIDE_BY_SIDE[@]}" "${existing_pure_tests[@]}"
stage compiled env DOORWARD_PURE=0 "$BIN/pytest" "${SIDE_BY_SIDE[@]}" "$@"

printf -- '--- stages\n'
printf '%s\n' "${table[@]}"
printf 'all of it      %s %4d s\n' "$([ "${#failed[@]}" -eq 0 ] && echo 'ok     ' || echo 'FAILED ')" "$SECONDS"
decisive=compiled
if [[ " ${failed[*]} " == *" interpreted "* && " ${failed[*]} " != *" compiled "* ]]; then
    decisive=interpreted
fi
summary_of "$decisive"
[ "${#failed[@]}" -eq 0 ]
