#!/usr/bin/env bash
# suricata.sh: makes Suricata of Debian 12's backports ready under target/parity, and prints the folder that it is unpacked in. Nothing is
# installed: it and the libraries that this machine lacks are downloaded by a private apt configuration, from the mirror that this
# machine's apt uses, and unpacked.
#   target/parity/apt        sources, lists and packages
#   target/parity/suricata   the unpacked packages; the file `version` there is Suricata's
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(cd "$here/../../.." && pwd)/target/parity
root=$cache/suricata
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
release=bookworm

fail() {
    echo "parity: $*" >&2
    exit 1
}

# The Debian mirror among this machine's apt sources.
mirror() {
    apt-get indextargets --format "\$(ORIGIN) \$(LABEL) \$(REPO_URI)" 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# An apt command with its own sources, lists and packages. It knows what is installed here, and takes no lock, because it changes
# nothing of that.
private() {
    "$1" -o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$cache/apt/lists" \
        -o Dir::Cache="$cache/apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Debug::NoLocking=1 "${@:2}"
}

if [ -s "$root/version" ]; then
    echo "$root"
    exit
fi
grep -q "^VERSION_CODENAME=$release\$" /etc/os-release ||
    fail "Suricata is taken from $release-backports, whose libraries fit Debian 12 only; this is no Debian 12"
uri=$(mirror)
[ -n "$uri" ] || fail "apt has no Debian mirror (run apt-get update first); Suricata is taken from one"
[ -e "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
mkdir -p "$cache"/apt/{lists,cache/archives}/partial
for suite in $release $release-updates $release-backports; do
    echo "deb [signed-by=$keyring] $uri $suite main"
done >"$cache/apt/sources.list"
private apt-get update -qq >&2
private apt-get install --download-only -y -qq --no-install-recommends -t $release-backports suricata >&2 ||
    fail "Suricata cannot be downloaded from $release-backports"
rm -rf "$root.new"
mkdir -p "$root.new"
for package in "$cache"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$root.new"
done
dpkg-deb -f "$cache"/apt/cache/archives/suricata_*.deb Version >"$root.new/version" ||
    fail "the mirror's apt gave no package of Suricata"
rm -rf "$root"
mv "$root.new" "$root"
echo "$root"
