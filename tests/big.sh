#!/usr/bin/env bash
# The big test: a real checkout of ComfyUI with the real torch, made into an environment and started.
#   bash tests/run.sh --big PATH_TO_COMFYUI_CHECKOUT    after all other tests
#   bash tests/big.sh PATH_TO_COMFYUI_CHECKOUT          alone
# Needs the network and 16 GB of disk; uv's cache stays in target/big, so that a second run downloads nothing.
# ComfyUI starts with --cpu --quick-test-for-ci, so that no graphics card is needed; it has to end with 0.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/quickstart/tools.sh
. deploy/quickstart/tools.sh

[ $# = 1 ] || stop "usage: bash tests/big.sh PATH_TO_COMFYUI_CHECKOUT"
checkout=$(cd "$from" && cd "$1" && git rev-parse --show-toplevel) || stop "\`$1\` is no checkout of ComfyUI"
commit=$(git -C "$checkout" rev-parse HEAD)
git -C "$checkout" cat-file -e "$commit:main.py" || stop "\`$checkout\` has no main.py: it is no checkout of ComfyUI"

trust_the_system
[ -n "${COMFYDOCK_UV:-}" ] || need_uv "$PWD/target/tools"
cargo build --quiet --bin comfydock
mkdir -p target/big
# On the file system of uv's cache: what cannot be linked from there is copied.
work=$(mktemp -d "$PWD/target/big/run-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/home" "$work/models"
export HOME="$work/home" COMFYDOCK_HOME="$work/workspace" UV_CACHE_DIR="$PWD/target/big/uv-cache"
export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Big GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=big@example.org
step() {
    say "+ comfydock $*"
    target/debug/comfydock --no-interactive "$@"
}

step init --models-dir "$work/models"
step create big --comfyui-url "$checkout" --comfyui-version "$commit"
step run --cpu --quick-test-for-ci
# Starting it changed nothing that is tracked, and what is there is whole.
step status
[ "$(git -C "$work/workspace/environments/big/ComfyUI" rev-parse HEAD)" = "$commit" ] || stop "ComfyUI is not at $commit"
[ -z "$(git -C "$work/workspace/environments/big/.cec" status --porcelain)" ] || stop "starting ComfyUI changed what is tracked"
# The packages again, offline, from the cache; and it still starts.
step --offline --yes repair --rebuild
step run --cpu --quick-test-for-ci
say "ComfyUI at $commit was created, started, rebuilt and started again"
# The form in which tests/run.sh counts.
printf 'test result: ok. 1 passed; 0 failed; 0 ignored\n'
