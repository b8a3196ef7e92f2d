#!/usr/bin/env bash
# Proves that the committed redirect.o and its source agree: rebuilds it elsewhere and compares what the kernel
# and the loaders see of it (code with relocations, symbols and map definitions, BTF), not bytes: line
# information names source files of whichever toolchain built it. Prints what differs and fails.
# Another compiler than the one of setup.sh may generate other code from the same source.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=/usr/lib/llvm-22/bin:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for program in llvm-objdump bpftool diff; do
    command -v "$program" >/dev/null || {
        echo "compare.sh: $program is missing: run redirect-ebpf/setup.sh" >&2
        exit 2
    }
done

# Writes what is compared of the object $1 into the folder $2. The objects' names are kept out.
describe() {
    mkdir "$2"
    llvm-objdump --disassemble --reloc --no-show-raw-insn - <"$1" >"$2/code"
    llvm-objdump --syms - <"$1" >"$2/symbols"
    llvm-objdump --full-contents --section=.maps --section=license - <"$1" >"$2/maps"
    bpftool btf dump file "$1" format raw >"$2/btf"
}

# In an empty folder: nothing an earlier build left behind can stand in for the source.
"$here/build.sh" "$scratch/rebuilt.o" "$scratch/target"
describe "$here/redirect.o" "$scratch/committed"
describe "$scratch/rebuilt.o" "$scratch/rebuilt"

if ! (cd "$scratch" && diff -ru committed rebuilt); then
    echo "compare.sh: redirect.o does not come from this source (above): run redirect-ebpf/build.sh and commit it" >&2
    exit 1
fi
echo "redirect.o agrees with its source: code, symbols, maps, BTF"
