#!/usr/bin/env bash
# run.sh FOLDER [GUEST…]: the programs fastpath, zerocopy and xdp_program of FOLDER in guests with real network drivers. Ends
# with `N passed, N failed`. A GUEST is a word of the table below, or its first two parts, such as 7.2:igb; default all.
# GUESTS_AT_ONCE run side by side (default 2: each mostly waits for links), and what one says is printed when it has ended.
set -euo pipefail
# Each guest is a process group, so that none is left behind.
set -m

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
shift
# kernel series : cards : cases
guests=(7.2:igb:igb 7.2:igb:igb-tuning 6.18:igb:igb-stall 7.2:virtio:virtio 6.12:igb:igb-copy 6.1:igb:igb-copy)

logs=$(mktemp -d)

clear_up() {
    local job
    for job in $(jobs -rp); do
        kill -- "-$job"
    done
    rm -rf "$logs"
}
trap clear_up EXIT

# Whether the emulated machine died, which tells nothing of fastpath. QEMU with several threads now and then aborts while the
# guest's kernel lays out PCI (iotlb_to_section: Assertion), traps on a breakpoint that this kernel has already taken back while it
# patches its own code (Oops: int3), or stands still. All of it comes in the first seconds, as a rule, before our programs run.
died_of_qemu() {
    local console=$1 status=$2
    if grep -qE '^guest: [0-9]|^  FAILED ' "$console"; then
        return 1
    fi
    ! grep -q '^guest: ready' "$console" || grep -q 'Oops: int3' "$console" ||
        { [ "$status" = 134 ] && ! grep -q '^  ok ' "$console"; }
}

# Boots a guest once, its console goes to a file. One that is not ready after SECONDS_PER_BOOT (default 180; 15 are usual) is ended.
boot() {
    local console=$1 emulator end=$((SECONDS + ${SECONDS_PER_BOOT:-180}))
    shift
    "$here/boot.sh" "$@" >"$console" 2>&1 &
    emulator=$!
    while kill -0 "$emulator" 2>/dev/null && ! grep -q '^guest: ready' "$console"; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "run.sh: the guest is not ready after ${SECONDS_PER_BOOT:-180} s" >>"$console"
            kill "$emulator"
            break
        fi
        sleep 1
    done
    wait "$emulator"
}

# Runs a guest; what it says, and how it went, goes to its log.
guest() {
    local series=$1 cards=$2 cases=$3 log=$logs/$1:$2:$3 console=$logs/console.$1.$2.$3 status=0 begin=$SECONDS attempt
    exec >"$log"
    echo
    echo "== kernel $series, $cards, cases $cases"
    if [ -e "$logs/missing-$series" ]; then
        echo "  FAILED  kernel $series is not to be had, so nothing is known of it"
        return
    fi
    for attempt in 1 2 3; do
        status=0
        boot "$console" "$series" "$cards" "$cases" "$folder" || status=$?
        sed -i 's/\r$//; /is not connected to host network/d' "$console"
        if [ "$attempt" = 3 ] || ! died_of_qemu "$console" "$status"; then
            cat "$console"
            break
        fi
        sed 's/^/   | /' "$console"
        echo "   the emulated machine died (QEMU ended with status $status); once more"
    done
    # 124: timeout(1) had to end it.
    grep -q '^guest: [0-9]* passed, [0-9]* failed$' "$log" ||
        echo "  FAILED  the guest did not come to its end (QEMU ended with status $status)"
    echo "   $((SECONDS - begin)) s"
}

chosen=()
for entry in "${guests[@]}"; do
    if [ $# = 0 ] || [[ " $* " == *" ${entry%:*} "* || " $* " == *" $entry "* ]]; then
        chosen+=("$entry")
    fi
done
# One after the other: they share the cache.
for series in $(printf '%s\n' "${chosen[@]%%:*}" | sort -u); do
    "$here/setup.sh" "$series" || touch "$logs/missing-$series"
done
for entry in "${chosen[@]}"; do
    IFS=: read -r series cards cases <<<"$entry"
    while [ "$(jobs -rp | wc -l)" -ge "${GUESTS_AT_ONCE:-2}" ]; do
        wait -n || true
    done
    {
        set +m
        (guest "$series" "$cards" "$cases")
        flock "$logs" cat "$logs/$entry"
    } &
done
wait
passed=$(cat "$logs"/*:* | grep -c '^  ok ' || true)
failed=$(cat "$logs"/*:* | grep -c '^  FAILED ' || true)
echo
echo "$passed passed, $failed failed ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
