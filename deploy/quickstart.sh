#!/usr/bin/env bash
# One command from a fresh clone to a running hub: builds ComfyDock and walks the main job with it,
# machine A -> hub -> machine B, both on this computer. Everything it makes lies in .quickstart/.
#
#   bash deploy/quickstart.sh                  walk, report, and keep the hub up until Ctrl-C
#   bash deploy/quickstart.sh --once           walk, report, end; exit 0 only if B is complete
#   bash deploy/quickstart.sh --break-source   one model's source sends other bytes: must end with exit 1
#
# Needs Rust with a C compiler, Python 3.11 and git.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/quickstart/tools.sh
. deploy/quickstart/tools.sh

for argument in "$@"; do
    case $argument in
    --once | --break-source) ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        say "error: unknown argument \`$argument\`; see --help"
        exit 2
        ;;
    esac
done

TEMPLATES=comfyui-workflow-templates-json==0.1.123 # real workflows of ComfyUI's template browser, MIT

need cargo "to build"
need python3 "for the walk"
need git "by client and hub"
trust_the_system
need_uv "$PWD/.quickstart/tools"

templates=.quickstart/templates
wheel=$(find "$templates" -name "comfyui_workflow_templates_json-*.whl" -print -quit 2>/dev/null || true)
if [ -z "$wheel" ]; then
    say "fetching the workflow templates from PyPI"
    wheel=$(fetch_wheel "$TEMPLATES" "$templates")
fi

say "building comfydock and comfydock-hub in release (the first time takes some minutes)"
cargo build --release --quiet --package comfydock-cli --package comfydock-server
programs=$(cargo metadata --no-deps --format-version 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release

exec python3 -B deploy/quickstart/walk.py --programs "$programs" --templates "$wheel" "$@"
