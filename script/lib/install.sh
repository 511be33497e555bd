# shellcheck shell=bash
# Brings a Debian or Ubuntu machine to where triaged can be built and tested.
# Sourced by the scripts beside it; only defines functions and lists.
#
#   install_for_build    what `cargo build` needs
#   install_for_tests    that, and the servers that the tests start for themselves
#   require_cargo        fails with a word on rustup where cargo is missing or too old
#
# Installs only what is missing, with sudo where we are not root, and leaves
# the services of this machine as they were.

OLDEST_CARGO=1.95

# A compiler and linker for the bundled SQLite; OpenSSL, which SQLCipher and the
# OpenPGP library share; libclang, with which the latter reads OpenSSL's headers.
BUILD_PACKAGES=(build-essential pkg-config libssl-dev libclang-dev)

# The mail servers, the reporter's GnuPG and sequoia's sq, the certificates of the tests, a clock that runs ahead, and
# a browser with letters to show the digest in.
TEST_PACKAGES=(dovecot-imapd postfix gnupg sq openssl ca-certificates faketime chromium fonts-dejavu-core)

# Services that come with the packages above.
TEST_SERVICES=(dovecot postfix)

POLICY_FILE=/usr/sbin/policy-rc.d

install_for_build() {
    install_packages "to build triaged" "${BUILD_PACKAGES[@]}"
}

install_for_tests() {
    install_packages "to build and test triaged" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
}

# install_packages WHY PACKAGE…
install_packages() {
    local why=$1 package missing=()
    shift
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "Installing ${missing[*]} ($why)."
    if ! command -v apt-get >/dev/null; then
        echo "error: no apt-get here; install what corresponds to ${missing[*]} by hand" >&2
        return 1
    fi
    as_root apt-get update -q
    without_starting_services install_quietly "${missing[@]}"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_quietly() {
    if command -v debconf-set-selections >/dev/null; then
        # Postfix asks what kind of site this is; the tests bring their own configuration.
        echo "postfix postfix/main_mailer_type select No configuration" |
            as_root debconf-set-selections
    fi
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@"
}

# Runs a command while packages may not start their services (invoke-rc.d(8)),
# and takes services that are new here out of the next boot too.
without_starting_services() {
    local service new=() ours=no status=0
    for service in "${TEST_SERVICES[@]}"; do
        has_service "$service" || new+=("$service")
    done
    if [ ! -e "$POLICY_FILE" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY_FILE" >/dev/null
        as_root chmod 755 "$POLICY_FILE"
    fi
    "$@" || status=$?
    [ "$ours" = no ] || as_root rm -f "$POLICY_FILE"
    for service in "${new[@]}"; do
        keep_down "$service"
    done
    return "$status"
}

has_service() {
    [ -e "/lib/systemd/system/$1.service" ] || [ -e "/etc/init.d/$1" ]
}

keep_down() {
    has_service "$1" && [ -d /run/systemd/system ] || return 0
    echo "The service $1 came with its package; it is stopped and disabled: the tests start their own."
    as_root systemctl disable --now --quiet "$1" || echo "warning: systemctl disable $1 failed" >&2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "error: root's rights are needed for: $*; run this as root or install sudo" >&2
        return 1
    fi
}

require_cargo() {
    # Where rustup has just been installed, the shell may not know its folder yet.
    [ ! -d "$HOME/.cargo/bin" ] || PATH=$PATH:$HOME/.cargo/bin
    local version
    if ! version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) || [ -z "$version" ]; then
        echo "error: cargo is missing; install Rust $OLDEST_CARGO or newer with rustup: https://rustup.rs" >&2
        return 1
    fi
    if [ "$(printf '%s\n' "$OLDEST_CARGO" "$version" | sort -V | head -n 1)" != "$OLDEST_CARGO" ]; then
        echo "error: cargo $version is older than $OLDEST_CARGO; run: rustup update stable" >&2
        return 1
    fi
}
