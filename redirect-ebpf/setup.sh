#!/usr/bin/env bash
# Installs what build.sh and compare.sh need, as far as it is missing. Only who changes the XDP program needs it.
#   Debian packages: a rustc with core for bpfel-unknown-none, LLVM 22 (linked by bpf-linker), bpftool
#   bpf-linker: into target/tools of the project, where a cache may keep it
# Needs cargo and, when a package is missing, root (or sudo) and a Debian with these packages.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/tools
llvm=22
linker_version=0.13.0
packages=(rustc-web libstd-rust-web-dev-bpf "llvm-$llvm-dev" "llvm-$llvm" binutils bpftool)

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

command -v cargo >/dev/null || fail "cargo is missing: install Rust first"

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null ||
        fail "${missing[*]} are Debian packages and there is no apt-get; build.sh also takes a rustup nightly" \
            "with rust-src, and bpf-linker $linker_version on the PATH"
    as_root apt-get update -qq
    for package in "${missing[@]}"; do
        [ -n "$(apt-cache madison "$package")" ] ||
            fail "apt knows no package $package: it comes with Debian's stable and security suites; enable them," \
                "or use a rustup nightly with rust-src (see build.sh)"
    done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

if [ ! -x "$tools/bin/bpf-linker" ]; then
    # bpf-linker's build looks for LLVM by these; without the prefix it does not find -lLLVM.
    LLVM_SYS_221_PREFIX=/usr/lib/llvm-$llvm LLVM_PREFIX=/usr/lib/llvm-$llvm PATH=/usr/lib/llvm-$llvm/bin:$PATH \
        cargo install bpf-linker --version "$linker_version" --locked --root "$tools" \
        --no-default-features --features "llvm-$llvm"
fi
"$tools/bin/bpf-linker" --version
