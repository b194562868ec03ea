# Sourced by tests/run.sh, behind deploy/quickstart/tools.sh: what only tests need, put into the project's own folder.
# shellcheck shell=bash

# need_registries FOLDER: puts Debian's docker-registry and skopeo, and oras from PyPI, below FOLDER unless they are there. Nothing is
# installed. Sets COMFYDOCK_DOCKER_REGISTRY, COMFYDOCK_SKOPEO and COMFYDOCK_ORAS for what there is, and says what there is not.
need_registries() {
    local folder=$1/registries work package library
    if [ ! -x "$folder/docker-registry" ] && command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
        say "fetching docker-registry and skopeo from Debian"
        mkdir -p "$folder/lib"
        work=$(mktemp -d "$1/.fetch-XXXXXX")
        # The libraries are those skopeo is linked with, under the names that releases of Debian give them.
        if ! (cd "$work" && apt-get download -q docker-registry >/dev/null 2>&1) && [ "$(id -u)" = 0 ]; then
            apt-get update -q >/dev/null 2>&1 || true
        fi
        for package in docker-registry skopeo libgpgme11 libgpgme11t64 libassuan0 libassuan9 libgpg-error0 libdevmapper1.02.1; do
            (cd "$work" && apt-get download -q "$package" >/dev/null 2>&1) || true
        done
        for package in "$work"/*.deb; do
            [ -e "$package" ] && dpkg-deb -x "$package" "$work/content"
        done
        while IFS= read -r library; do
            cp -P "$library" "$folder/lib/"
        done < <(find "$work/content" -name 'lib*.so*' 2>/dev/null)
        if [ -x "$work/content/usr/bin/skopeo" ]; then
            cp "$work/content/usr/bin/skopeo" "$folder/lib/skopeo"
            # shellcheck disable=SC2016
            printf '#!/bin/sh\nhere=$(dirname "$0")/lib\nLD_LIBRARY_PATH=$here exec "$here/skopeo" "$@"\n' >"$folder/skopeo"
            chmod +x "$folder/skopeo"
            "$folder/skopeo" --version >/dev/null 2>&1 || rm -f "$folder/skopeo"
        fi
        [ ! -x "$work/content/usr/bin/docker-registry" ] || cp "$work/content/usr/bin/docker-registry" "$folder/docker-registry"
        rm -rf "$work"
    fi
    if [ ! -d "$folder/oras" ] && [ -x "$folder/docker-registry" ]; then
        need_pip
        python3 -m pip install --quiet --disable-pip-version-check --target "$folder/.oras" oras==0.2.43 >&2 2>/dev/null &&
            mv "$folder/.oras" "$folder/oras" || rm -rf "$folder/.oras"
    fi
    if [ -x "$folder/docker-registry" ]; then export COMFYDOCK_DOCKER_REGISTRY=$folder/docker-registry; fi
    if [ -x "$folder/skopeo" ]; then export COMFYDOCK_SKOPEO=$folder/skopeo; fi
    if [ -d "$folder/oras" ]; then export COMFYDOCK_ORAS=$folder/oras; fi
    [ -n "${COMFYDOCK_DOCKER_REGISTRY:-}" ] ||
        say "WARNING: there is no docker-registry, so nothing is tested against a real registry: SKIPPED. On Debian: apt install docker-registry"
    [ -n "${COMFYDOCK_SKOPEO:-}" ] || say "WARNING: there is no skopeo that runs here, so it reads nothing of ours: SKIPPED"
    [ -n "${COMFYDOCK_ORAS:-}" ] || say "WARNING: there is no oras from PyPI, so it reads nothing of ours: SKIPPED"
}

# Other people's verifiers of signatures. Each is optional: where one cannot be had it is said, and the tests that want it say SKIPPED.
SIGSTORE_VERIFY="@sigstore/verify@3.1.1"
SECURESYSTEMSLIB="securesystemslib==1.6.0"

# need_verifiers FOLDER: all of them below FOLDER, as far as they can be had.
need_verifiers() {
    need_cosign "$1" trixie cosign-2
    need_cosign "$1" sid cosign-3
    into "$1" sigstore-verify fetch_sigstore_verify "$SIGSTORE_VERIFY from npm"
    into "$1" securesystemslib fetch_securesystemslib "$SECURESYSTEMSLIB from PyPI"
}

# into FOLDER NAME FUNCTION WHAT: has FUNCTION fill FOLDER/NAME, which is there whole or not at all.
into() {
    [ -e "$1/$2" ] && return 0
    say "fetching $4"
    local work
    mkdir -p "$1"
    work=$(mktemp -d "$1/.fetch-XXXXXX")
    if "$3" "$work" >&2 && mv "$work" "$1/$2"; then
        return 0
    fi
    rm -rf "$work"
    say "WARNING: $4 cannot be had here; the tests with it are SKIPPED"
}

fetch_sigstore_verify() {
    command -v npm >/dev/null 2>&1 && npm install --silent --no-audit --no-fund --prefix "$1" "$SIGSTORE_VERIFY"
}

fetch_securesystemslib() {
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$1" "$SECURESYSTEMSLIB" cryptography
}

# need_cosign FOLDER SUITE NAME: cosign from another suite of Debian, from the archive this machine uses already. Its binary needs
# nothing but libc, so the package is only unpacked: nothing of the system changes.
need_cosign() {
    into "$1" "$3" "fetch_cosign_of_$2" "cosign from Debian's $2"
}

fetch_cosign_of_trixie() { fetch_cosign "$1" trixie; }
fetch_cosign_of_sid() { fetch_cosign "$1" sid; }

fetch_cosign() {
    local site root=$1/apt
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m 1 '/debian/\?$') || return 1
    mkdir -p "$root/lists/partial" "$root/archives/partial"
    : >"$root/status"
    # A suite that is no longer moved on has a date in the past.
    printf 'deb [check-valid-until=no%s] %s %s main\n' "$(archive_keyring)" "$site" "$2" >"$root/sources.list"
    local options=(
        -o "Dir::State=$root" -o "Dir::State::status=$root/status" -o "Dir::State::lists=$root/lists"
        -o "Dir::Cache=$root" -o "Dir::Cache::archives=$root/archives" -o "Dir::Etc::sourcelist=$root/sources.list"
        -o Dir::Etc::sourceparts=- -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::GzipIndexes=true
    )
    apt-get -qq "${options[@]}" update >/dev/null 2>&1 || return 1
    (cd "$root/archives" && apt-get -qq "${options[@]}" download cosign >/dev/null 2>&1) || return 1
    dpkg-deb -x "$root"/archives/cosign_*.deb "$root/content" || return 1
    mv "$root/content/usr/bin/cosign" "$1/cosign" && rm -rf "$root" && "$1/cosign" version >/dev/null 2>&1
}

archive_keyring() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ ! -r "$keyring" ] || printf ' signed-by=%s' "$keyring"
}
