#!/usr/bin/env bash
# run.sh FOLDER [GUEST…]: the programs fastpath, zerocopy and xdp_program of FOLDER in guests with real network drivers. Ends with
# `N passed, N failed`. A GUEST is a word of the table below, or its first two parts, such as 7.2:igb; default all.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
shift
# kernel series : cards : cases
guests=(7.2:igb:igb 7.2:igb:igb-tuning 7.2:virtio:virtio 6.18:igb:igb-stall 6.12:igb:igb-copy 6.1:igb:igb-copy)

passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

guest() {
    local series=$1 cards=$2 cases=$3 status=0 begin=$SECONDS summary
    echo
    echo "== kernel $series, $cards"
    if ! "$here/setup.sh" "$series"; then
        echo "  FAILED  kernel $series is not to be had, so nothing is known of it"
        failed=$((failed + 1))
        return
    fi
    "$here/boot.sh" "$series" "$cards" "$cases" "$folder" 2>&1 |
        sed --unbuffered 's/\r$//; /is not connected to host network/d' | tee "$log" || status=$?
    summary=$(sed -n 's/^guest: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
    if [ -n "$summary" ]; then
        passed=$((passed + ${summary% *})) failed=$((failed + ${summary#* }))
    else
        # 124: timeout(1) had to end it.
        echo "  FAILED  the guest did not come to its end (QEMU ended with status $status after $((SECONDS - begin)) s)"
        failed=$((failed + $(grep -c '^  FAILED' "$log" || true) + 1)) passed=$((passed + $(grep -c '^  ok' "$log" || true)))
    fi
    echo "   $((SECONDS - begin)) s"
}

for entry in "${guests[@]}"; do
    IFS=: read -r series cards cases <<<"$entry"
    if [ $# = 0 ] || [[ " $* " == *" $series:$cards "* || " $* " == *" $entry "* ]]; then
        guest "$series" "$cards" "$cases"
    fi
done
echo
echo "$passed passed, $failed failed ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
