#!/usr/bin/env bash
# Builds the XDP program from source: build.sh [OUTPUT [BUILD_FOLDER]], by default the committed redirect.o, in target.
#
# Needs bpf-linker (setup.sh installs it) and one of
#   - Debian's rustc with core for bpfel-unknown-none (setup.sh installs it): what the committed object is built with;
#   - a rustup nightly with rust-src: builds core itself.
# The object keeps BTF (types, line information) and loses DWARF; no path of the building machine stays in it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
output=${1:-$here/redirect.o}
target=bpfel-unknown-none
target_dir=${2:-$here/target}
export PATH=$root/target/tools/bin:$PATH

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

# The first of the arguments that is a program.
find_program() {
    local candidate
    for candidate in "$@"; do
        if command -v "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

command -v bpf-linker >/dev/null || fail "bpf-linker is missing: run redirect-ebpf/setup.sh"

cargo_flags=(--release --locked --target "$target" --target-dir "$target_dir" --manifest-path "$here/Cargo.toml")
if [ -x /usr/bin/rustc ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    export RUSTC=/usr/bin/rustc
    # The bpf target's features are unstable; Debian's compiler is a stable release.
    export RUSTC_BOOTSTRAP=1
elif [ -d "$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/core" ]; then
    export RUSTUP_TOOLCHAIN=nightly
    RUSTC=$(rustup which --toolchain nightly rustc)
    export RUSTC
    cargo_flags+=(-Z build-std=core)
else
    fail "no Rust compiler for $target: run redirect-ebpf/setup.sh, or 'rustup toolchain install nightly --component rust-src'"
fi
sysroot=$("$RUSTC" --print sysroot)
objcopy=$(find_program /usr/lib/llvm-22/bin/llvm-objcopy llvm-objcopy rust-objcopy \
    "$sysroot"/lib/rustlib/*/bin/llvm-objcopy) ||
    fail "llvm-objcopy is missing: run redirect-ebpf/setup.sh, or install an llvm package"

# Where two prefixes match, the last one counts.
flags=(-Cdebuginfo=2 -Clink-arg=--btf
    "--remap-path-prefix=$root=fastpath" "--remap-path-prefix=$target_dir=target" "--remap-path-prefix=$sysroot=rust")
cargo fetch --quiet --locked --manifest-path "$here/Cargo.toml"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags+=("--remap-path-prefix=$registry=registry")
done
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
# aya-ebpf's bindings of one architecture on every machine: the program uses nothing that differs between them.
export AYA_BPF_TARGET_ARCH=x86_64

cargo build --quiet "${cargo_flags[@]}"
"$objcopy" --strip-debug "$target_dir/$target/release/redirect" "$output"

if strings -a "$output" | grep -F -e "$HOME/" -e "$root/" -e "$sysroot/lib/rustlib" >&2; then
    fail "$output names paths of this machine (above)"
fi
