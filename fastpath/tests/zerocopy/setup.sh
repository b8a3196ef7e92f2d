#!/usr/bin/env bash
# setup.sh SERIES: makes ready what the guests need, under target/zerocopy. Installed on this machine are only QEMU and
# small tools; kernels and busybox are taken from packages that are unpacked, never installed.
#   target/zerocopy/packages           the downloaded packages, worth keeping between runs
#   target/zerocopy/kernel-SERIES      an unpacked kernel, with initrd.img for the rig
# Packages come by a private apt configuration from the mirror that this machine's apt uses, so that its own sources and
# lists stay as they are. Without network it goes on with what is there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(cd "$here/../../.." && pwd)/target/zerocopy
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# 6.1 is Debian 12's kernel, 6.12 that of Debian 13; backports have the newer ones, as long as they are new.
kernel_suites='bookworm bookworm-backports trixie trixie-backports'
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
    echo "zerocopy: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The Debian mirror among this machine's apt sources.
mirror() {
    apt-get indextargets --format "\$(ORIGIN) \$(LABEL) \$(REPO_URI)" 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# private NAME SUITES COMMAND…: an apt command that sees only these suites of the mirror.
private() {
    local suites=$2 folder=$cache/apt/$1 uri suite
    shift 2
    if [ ! -s "$folder/sources.list" ]; then
        uri=$(mirror)
        [ -n "$uri" ] || fail "apt has no Debian mirror (run apt-get update first); kernels are taken from one"
        [ -e "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
        mkdir -p "$folder"/{lists,cache/archives}/partial
        for suite in $suites; do
            echo "deb [arch=amd64 signed-by=$keyring] $uri $suite main"
        done >"$folder/sources.list"
    fi
    "$1" -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$folder/lists" \
        -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "${@:2}"
}

install() {
    echo "zerocopy: installing ${*: -1}"
    as_root env DEBIAN_FRONTEND=noninteractive "${@:1:$#-1}" install -y -qq --no-install-recommends --no-remove "${@: -1}"
}

has_igb() {
    qemu-system-x86_64 -device igb,help >/dev/null 2>&1
}

install_qemu() {
    local release candidate
    has_igb && return
    as_root apt-get update -qq
    candidate=$(LC_ALL=C apt-cache policy qemu-system-x86 | awk '$1 == "Candidate:" { print $2 }')
    if dpkg --compare-versions "$candidate" ge 1:8; then
        install apt-get qemu-system-x86
    else
        # Debian 12 has 7.2, which has no igb, and a newer one in its backports.
        release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
        [ "$release" = bookworm ] || fail "QEMU 8 or newer is needed (for its igb), and apt has ${candidate:-none}"
        private host "$release $release-updates $release-backports" apt-get update -qq
        install apt-get -o Dir::Etc::SourceList="$cache/apt/host/sources.list" -o Dir::Etc::SourceParts=- \
            -o Dir::State::Lists="$cache/apt/host/lists" -t "$release-backports" qemu-system-x86
    fi
    has_igb || fail "$(qemu-system-x86_64 --version | head -n 1) has no igb"
}

install_tools() {
    local entry
    for entry in kmod:modprobe cpio:cpio xz-utils:xz ethtool:ethtool; do
        command -v "${entry#*:}" >/dev/null || install apt-get "${entry%%:*}"
    done
}

read_lists() {
    private kernels "$kernel_suites" apt-get update -qq
}

# Once an hour will do.
update() {
    [ -n "$(find "$cache/apt/kernels/lists" -name '*Packages*' -mmin -60 2>/dev/null | head -n 1)" ] || read_lists
}

# download PACKAGE: its newest version, into the cache.
download() {
    compgen -G "$cache/packages/$1_*.deb" >/dev/null && return
    update
    echo "zerocopy: downloading $1"
    mkdir -p "$cache/packages/partial"
    (cd "$cache/packages/partial" && private kernels "$kernel_suites" apt-get download -qq "$1") || return
    mv "$cache/packages/partial/$1"_*.deb "$cache/packages"
}

unpack_busybox() {
    [ -x "$cache/busybox/bin/busybox" ] || [ -x "$cache/busybox/usr/bin/busybox" ] && return
    download busybox-static
    dpkg-deb -x "$cache"/packages/busybox-static_*.deb "$cache/busybox"
}

# The packages of the newest kernel of a series, which is downloaded. Up to 6.18 it is one, linux-image; later that only
# names the two with the kernel and with its modules.
kernel_packages() {
    local series=${1//./\\.} names release
    # Such as linux-image-6.1.0-51-amd64 and linux-binary-7.2.12+deb13-amd64.
    names=$(private kernels "$kernel_suites" apt-cache pkgnames linux- |
        grep -E "^linux-(image|binary)-$series(\.|\+|-)[^ ]*amd64$" | grep -vE 'cloud|rt-|dbg|unsigned') ||
        fail "there is no kernel $1 in $kernel_suites of the mirror any more: name another series in run.sh," \
            "or unpack the packages of one that somebody kept into $cache/kernel-$1 (dpkg-deb -x), with their names in" \
            "$cache/kernel-$1/packages"
    release=$(cut -d - -f 3- <<<"$names" | sort -V | tail -n 1)
    case $names in
    *"linux-binary-$release"*) echo "linux-binary-$release linux-modules-$release" ;;
    *) echo "linux-image-$release" ;;
    esac
}

download_all() {
    local package
    for package; do
        download "$package" || return
    done
}

unpack_kernel() {
    local series=$1 folder=$cache/kernel-$1 packages package
    if [ ! -e "$folder/packages" ]; then
        update
        packages=$(kernel_packages "$series")
        # shellcheck disable=SC2086 # Names, one or two.
        if ! download_all $packages; then
            echo "zerocopy: $packages: not on the mirror any more; its lists are read again, and the newest of $series is taken"
            read_lists
            packages=$(kernel_packages "$series")
            download_all $packages || fail "$packages: the newest of $series, and cannot be downloaded"
        fi
        rm -rf "$folder"
        mkdir -p "$folder"
        for package in $packages; do
            dpkg-deb -x "$cache/packages/${package}"_*.deb "$folder"
        done
        echo "$packages" >"$folder/packages"
    fi
    # Cheap, and so never stale.
    "$here/image.sh" "$(find "$cache/busybox" -name busybox -type f -perm -u+x | head -n 1)" "$folder" "$folder/initrd.img"
}

mkdir -p "$cache"
install_qemu
install_tools
unpack_busybox
unpack_kernel "$1"
