#!/usr/bin/env bash
# Builds a fuzz target and runs it: tests/fuzz/run.sh workflow|safetensors|unpack|description [SECONDS]. Needs a nightly toolchain.
# What it finds lies in target/fuzz/found; a finding becomes a unit test, the corpus is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
name=${1:?which target}
seconds=${2:-600}
target=$PWD/../../target/fuzz
found=$target/found/$name
corpus=$target/corpus/$name
mkdir -p "$found" "$corpus"
export CARGO_TARGET_DIR=$target
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
cargo +nightly build --release --target "$host" --bin "$name"
seeds=("seeds/$name")
[ "$name" = workflow ] && seeds+=(../fixtures/workflows)
[ "$name" = workflow ] && [ -d ../fixtures/extraction ] && seeds+=(../fixtures/extraction)
exec "$target/$host/release/$name" "$corpus" "${seeds[@]}" -dict=json.dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=65536 -artifact_prefix="$found/" -print_final_stats=1
