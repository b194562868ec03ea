# Sourced by deploy/quickstart.sh and tests/run.sh: tools that a fresh machine lacks, put into the project's own folder.
# shellcheck shell=bash

# The one version of uv that the quickstart and the tests use.
UV_VERSION=0.13.8

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "error: $*"
    exit 1
}

# need PROGRAM WHY: stops when a program is not there.
need() {
    command -v "$1" >/dev/null 2>&1 || stop "\`$1\` is needed ($2) and was not found on PATH"
}

# install_with_apt PACKAGE: only as root and only where there is apt-get; fails otherwise.
install_with_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $1 with apt-get"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$1" >/dev/null 2>&1 && return 0
    apt-get update -q >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$1" >/dev/null
}

need_pip() {
    python3 -m pip --version >/dev/null 2>&1 && return 0
    install_with_apt python3-pip || stop "Python has no pip (\`python3 -m pip\`); on Debian: apt install python3-pip"
}

# fetch_wheel REQUIREMENT FOLDER: downloads one wheel from PyPI and prints its path. Nothing is installed.
fetch_wheel() {
    need_pip
    mkdir -p "$2"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$2" "$1" >&2 ||
        stop "cannot download $1 from PyPI"
    find "$2" -name '*.whl' -print -quit
}

# uv brings certificates of its own; where the system has some (with the operator's additions), it shall trust what git trusts.
trust_the_system() {
    local bundle=/etc/ssl/certs/ca-certificates.crt
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -r "$bundle" ]; then
        export SSL_CERT_FILE=$bundle
    fi
}

# need_uv FOLDER: puts uv below FOLDER unless it is there, and sets COMFYDOCK_UV.
need_uv() {
    COMFYDOCK_UV="$1/uv-$UV_VERSION"
    export COMFYDOCK_UV
    [ -x "$COMFYDOCK_UV" ] && return 0
    say "fetching uv $UV_VERSION from PyPI"
    local work wheel
    mkdir -p "$1"
    work=$(mktemp -d "$1/.fetch-XXXXXX")
    wheel=$(fetch_wheel "uv==$UV_VERSION" "$work/wheel")
    python3 -m zipfile -e "$wheel" "$work/content"
    chmod +x "$work"/content/uv-*.data/scripts/uv
    mv "$work"/content/uv-*.data/scripts/uv "$COMFYDOCK_UV"
    rm -rf "$work"
}
