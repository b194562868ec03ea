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
