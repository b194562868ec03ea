#!/usr/bin/env bash
# Gets what the tests need, runs all of them, and closes with their counts on a line of their own:
#   N passed, N failed[, N skipped]
# With --big PATH_TO_COMFYUI_CHECKOUT, which CI does not say, it ends with tests/big.sh: gigabytes, minutes.
# Needs Rust with a C compiler, Python 3.11 and git. Everything it fetches goes to target/tools.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/quickstart/tools.sh
. deploy/quickstart/tools.sh
# shellcheck source=tests/tools.sh
. tests/tools.sh

big=
if [ "${1:-}" = --big ]; then
    big=$([ -n "${2:-}" ] && cd "$from" && cd "$2" && pwd) || stop "usage: bash tests/run.sh [--big PATH_TO_COMFYUI_CHECKOUT]"
elif [ $# -gt 0 ]; then
    stop "usage: bash tests/run.sh [--big PATH_TO_COMFYUI_CHECKOUT]"
fi

need cargo "to build"
need python3 "for tools and fixtures"
need git "for the hub and the client"
if [ "${CI:-}" = true ]; then
    export CARGO_INCREMENTAL=0
fi
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
trust_the_system
[ -n "${COMFYDOCK_UV:-}" ] || need_uv "$PWD/target/tools"
need_registries "$PWD/target/tools"
need_verifiers "$PWD/target/tools"
if ! command -v strace >/dev/null 2>&1 && ! install_with_apt strace; then
    [ "${CI:-}" != true ] || stop "strace is needed for the crash tests; on Debian: apt install strace"
    say "WARNING: there is no strace, so the crash tests do not run. On Debian: apt install strace"
fi

# The end-to-end binary starts both programs, so it comes last, after everything smaller has spoken.
readarray -t binaries < <(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
targets = [target for package in json.load(sys.stdin)["packages"] for target in package["targets"]]
print("\n".join(sorted({target["name"] for target in targets if "test" in target["kind"]})))')
selected=()
end_to_end=()
for name in "${binaries[@]}"; do
    case $name in
    '') ;;
    e2e) end_to_end=(--test e2e) ;;
    *) selected+=(--test "$name") ;;
    esac
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
run() {
    say "+ cargo $*"
    cargo "$@" 2>&1 | tee -a "$log" || code=1
}

run test --workspace --no-fail-fast --lib --bins "${selected[@]}"
run test --workspace --no-fail-fast --doc
if [ ${#end_to_end[@]} -gt 0 ]; then
    run build --workspace --bins
    run test --workspace --no-fail-fast "${end_to_end[@]}"
fi

if [ -n "$big" ]; then
    say "+ tests/big.sh $big"
    bash tests/big.sh "$big" 2>&1 | tee -a "$log" || code=1
fi

# What could not run here is named once more, where it is seen. A binary that was killed leaves no counts behind: then the failure is counted as one.
python3 - "$log" "$code" <<'PYTHON' || code=1
import re, sys

log, code = open(sys.argv[1], encoding="utf-8", errors="replace").read(), int(sys.argv[2])
results = re.findall(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", log, re.M)
passed, failed, skipped = (sum(int(result[column]) for result in results) for column in range(3))
failed = max(failed, 1 if code or not passed else 0)
for line in sorted(set(re.findall(r"^SKIPPED .*", log, re.M))):
    print(line)
print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed else 0)
PYTHON
exit "$code"
