# Installs the Debian packages of a list, only those that are missing. Sourced by deploy/run and tests/run.
# shellcheck shell=bash

# Reads lists of packages: one a line, # starts a comment.
read_packages() {
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@"
}

# A package that another one provides is there too: vendors' nodejs brings npm and conflicts with Debian's.
missing_packages() {
    local package
    for package in $(read_packages "$@"); do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            dpkg-query -W -f '${db:Status-Status} ${Provides},\n' |
            grep -E "^installed (.*[, ])?${package//./\\.}[, ]" >/dev/null || echo "$package"
    done
}

# Runs a command as root: directly, or by sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n true 2>/dev/null || echo "sudo is needed to install packages" >&2
        sudo "$@"
    else
        echo "neither root nor sudo: cannot run: $*" >&2
        return 1
    fi
}

# Debian's packages start their services when installed. Ours are private ones, so /usr/sbin/policy-rc.d says no while
# apt runs; the marker lets a later run remove one that an interrupted run left behind.
POLICY=/usr/sbin/policy-rc.d
POLICY_MARK='# made by patchbay while it installs packages'

forbid_services() {
    [ -e "$POLICY" ] && ! grep -qsF "$POLICY_MARK" "$POLICY" && return 0
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | as_root sh -c "cat >$POLICY && chmod 755 $POLICY"
}

allow_services() {
    if grep -qsF "$POLICY_MARK" "$POLICY"; then
        as_root rm -f "$POLICY"
    fi
}

# install_packages LIST...: quiet when nothing is missing; on failure shows what apt said.
install_packages() {
    local missing log status=0
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -z "$missing" ] && return 0
    echo "installing: $missing"
    log=$(mktemp)
    forbid_services || return 1
    # The lists may be stale or absent: update only when the packages as known cannot be fetched.
    # shellcheck disable=SC2086
    apt_install "$log" $missing || {
        as_root apt-get -qq update >>"$log" 2>&1 </dev/null && apt_install "$log" $missing || status=1
    }
    # A machine that had no such servers gets none that starts with it.
    if [ "$status" = 0 ] && [ -d /run/systemd/system ]; then
        case " $missing" in
        *" postgresql-15 "*) as_root systemctl disable -q postgresql 2>>"$log" || true ;;
        esac
        case " $missing" in
        *" redis-server "*) as_root systemctl disable -q redis-server 2>>"$log" || true ;;
        esac
    fi
    allow_services
    if [ "$status" != 0 ]; then
        cat "$log" >&2
        echo "could not install: $missing" >&2
    fi
    rm -f "$log"
    return "$status"
}

apt_install() {
    local log=$1
    shift
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=300 install "$@" >>"$log" 2>&1 </dev/null
}
