# What else can be the case: options, profiles, drivers that lack or refuse something.

load machine.bash

setup() {
    make_machine "$BATS_TEST_TMPDIR"
    ONE=(--interface eth1 --queues 0 --cores 4)
}

@test "wrong use says what is wrong, with status 2, and changes nothing" {
    local before said
    before=$(snapshot)
    while IFS='|' read -r options said; do
        run "$TUNING/apply" $options
        echo "$options: $output"
        [ "$status" = 2 ]
        [[ $output == *"$said"* ]]
    done <<'END'
--queues 0|--interface is missing
--interface eth1|--queues is missing
--interface eth9 --queues 0|no interface 'eth9'
--interface ../eth1 --queues 0|no interface
--interface eth1 --peer eth1 --queues 0|same port
--interface eth1 --queues 3-1|--queues 3-1
--interface eth1 --queues x|--queues x
--interface eth1 --queues 0 --cores x|--cores x
--interface eth1 --queues 0 --cores 99|no CPU 99
--interface eth1 --queues 0 --profile fast|--profile fast
--interface eth1 --queues 0 --huge-pages many|--huge-pages many
--interface eth1 --queues 0 --steer|needs a value
--interface eth1 --queues 0 --steer-peer=tcp4|needs --peer
--interface eth1 --queues 0 --steer=$(reboot)|not ethtool's words
--interface eth1 --queues 0 --frobnicate|unknown option '--frobnicate'
--interface eth1 --queues 0 --frobnicate=1|unknown option '--frobnicate'
--interface eth1 --queues 0 --dry-run=yes|--dry-run takes no value
--interface eth1 --queues 0-256|queue 256 in --queues is too high: fastpath inspects queues 0-255
END
    run "$TUNING/apply" "${ONE[@]}" --steer 'tcp4 dst-port 443 action 2'
    [ "$status" = 2 ]
    [[ $output == *"queue 2 is not among --queues"* ]]
    assert_same "$before" "$(snapshot)"
}

@test "shared-host touches the chosen queues and cores only, never the queue count" {
    local before mine='queue-2\.|irq/42/|tx-2/|cpu5/|rules/1'
    set_values "$NICS/eth1" feature.ntuple-filters on
    snapshot >"$BATS_TEST_TMPDIR/before"
    "$TUNING/apply" --interface eth1 --queues 2 --cores 5 --profile shared-host --steer 'tcp4 dst-port 443' >"$BATS_TEST_TMPDIR/said"
    snapshot >"$BATS_TEST_TMPDIR/after"
    cd "$BATS_TEST_TMPDIR"
    diff <(grep -vE "$mine" before) <(grep -vE "$mine|run/systemd" after)
    assert_line after './nics/eth1/combined:6'
    assert_line after './nics/eth1/queue-2.rx-usecs:50'
    assert_line after './nics/eth1/queue-2.adaptive-rx:off'
    assert_line after './nics/eth1/rules/1:flow-type tcp4 dst-port 443 action 2 loc 1'
    assert_line after './proc/irq/42/smp_affinity_list:5'
    assert_line after './sys/class/net/eth1/queues/tx-2/xps_cpus:00000000,00000020'
    assert_line after './sys/devices/system/cpu/cpu5/cpufreq/scaling_governor:performance'
    assert_line said "advice        eth1 rssadvice table: RSS brings the host's frames to queue 2"
    [ "$(grep -cE '^-(L|G|K|A|X|C) ' "$NICS/log")" = 0 ]
    "$TUNING/restore"
    snapshot | diff before -
}

@test "the mask of one queue, however high" {
    . "$TUNING/lib/coalesce.bash"
    local queue PLACE masks=''
    for queue in 0 3 4 63 64 255; do
        coalesce_place "eth1/queue-$queue/rx-usecs" -c --show-coalesce
        masks+=" ${PLACE[3]}"
    done
    # ethtool reads any number of digits.
    [ "${masks% *}" = " 0x1 0x8 0x10 0x8000000000000000 0x10000000000000000" ]
    [ "${masks##* }" = "0x8$(printf '0%.0s' {1..63})" ]
}

@test "shared-host does not switch ntuple on for the whole port: it fails and says how" {
    run "$TUNING/apply" --interface eth1 --queues 2 --cores 5 --profile shared-host --steer 'tcp4 dst-port 443'
    [ "$status" = 1 ]
    [[ $output == *"ethtool -K eth1 ntuple on"* ]]
    [ "$(<"$NICS/eth1/feature.ntuple-filters")" = off ]
}

@test "steering by a driver without filters: said, no failure" {
    local profile
    echo 'off [fixed]' >"$NICS/eth1/feature.ntuple-filters"
    for profile in throughput shared-host; do
        "$TUNING/apply" "${ONE[@]}" --profile "$profile" --steer tcp4 >"$BATS_TEST_TMPDIR/said"
        assert_line "$BATS_TEST_TMPDIR/said" 'not there     eth1 ntuple rule tcp4 action 0: not supported by the driver'
        "$TUNING/restore"
    done
}

@test "latency: short rings, short waits, busy polling" {
    "$TUNING/apply" "${ONE[@]}" --profile latency
    [ "$(<"$NICS/eth1/ring_rx")" = 1024 ]
    [ "$(<"$NICS/eth1/rx-usecs")" = 10 ]
    [ "$(<"$FASTPATH_ROOT/sys/class/net/eth1/gro_flush_timeout")" = 20000 ]
    [ "$(<"$FASTPATH_ROOT/proc/sys/net/core/busy_poll")" = 50 ]
    [ "$(<"$FASTPATH_ROOT/sys/devices/system/cpu/cpu4/cpuidle/state1/disable")" = 1 ]
}

@test "threaded NAPI instead of deferred interrupts" {
    "$TUNING/apply" "${ONE[@]}" --threaded-napi
    [ "$(<"$FASTPATH_ROOT/sys/class/net/eth1/threaded")" = 1 ]
    [ "$(<"$FASTPATH_ROOT/sys/class/net/eth1/napi_defer_hard_irqs")" = 0 ]
}

@test "what the driver and the machine lack is said, and is no failure" {
    local before family
    printf '%s\n' -l -g -c -k -a -n -x >"$NICS/eth1/lacks"
    rm -r "$NICS/irqbalance" "$FASTPATH_ROOT"/sys/class/net/eth1/{queues,napi_defer_hard_irqs,gro_flush_timeout} \
        "$FASTPATH_ROOT"/sys/devices/system/{node,cpu/cpu4/cpufreq,cpu/cpu4/cpuidle} "$FASTPATH_ROOT/proc/sys/net"
    before=$(snapshot)
    "$TUNING/apply" "${ONE[@]}" --steer tcp4 >"$BATS_TEST_TMPDIR/said"
    for family in channels rings offload pause rss flowhash ntuple coalesce napi xps governor cstates sysctl irqbalance hugepages; do
        grep -E "^not there +(eth1|host) $family .+: .{10,}" "$BATS_TEST_TMPDIR/said"
    done
    assert_line "$BATS_TEST_TMPDIR/said" 'Operation not supported'
    "$TUNING/restore"
    assert_same "$before" "$(snapshot)"
}

@test "a knob that fails is reported, the others go on, and the status tells" {
    local before
    printf '%s\n' -G -A >"$NICS/eth1/refuses"
    before=$(snapshot)
    run "$TUNING/apply" "${ONE[@]}"
    [ "$status" = 1 ]
    [[ $output == *"FAILED        eth1 rings size: rx 256 tx 512 -> rx 4096 tx 4096: netlink error: Device or resource busy"* ]]
    [[ $output == *"FAILED        eth1 pause frames"* ]]
    [[ $output == *"changed       eth1 napi"* ]]
    "$TUNING/restore"
    assert_same "$before" "$(snapshot)"
}

@test "what cannot be looked at is a failure, not a driver that lacks it" {
    echo -g >"$NICS/eth1/forbids"
    run "$TUNING/check" "${ONE[@]}"
    [ "$status" = 1 ]
    [[ $output == *"FAILED        eth1 rings size: cannot be looked at: netlink error: Operation not permitted"* ]]
    run "$TUNING/apply" "${ONE[@]}"
    [ "$status" = 1 ]
    [[ $output == *"FAILED        eth1 rings size: cannot be looked at"* ]]
}

@test "a check of a tuned wire says so with status 0" {
    run "$TUNING/check" "${ONE[@]}"
    [ "$status" = 1 ]
    "$TUNING/apply" "${ONE[@]}"
    "$TUNING/check" "${ONE[@]}"
}

@test "restore reports what fails, keeps its record, and a later one finishes" {
    local before
    before=$(snapshot)
    "$TUNING/apply" "${ONE[@]}"
    echo -A >"$NICS/eth1/refuses"
    run "$TUNING/restore"
    [ "$status" = 1 ]
    [[ $output == *"FAILED        eth1 pause frames"*"before: autoneg on rx on tx off"* ]]
    mv "$NICS/eth1/refuses" "$NICS/eth1/forbids"
    echo -a >"$NICS/eth1/forbids"
    run "$TUNING/restore"
    [ "$status" = 1 ]
    [[ $output == *"FAILED        eth1 pause frames: cannot be looked at"*"Before: autoneg on rx on tx off"* ]]
    rm "$NICS/eth1/forbids"
    "$TUNING/restore"
    assert_same "$before" "$(snapshot)"
}

@test "a port that is gone does not stop restore" {
    "$TUNING/apply" "${ONE[@]}"
    rm -r "$NICS/eth1" "$FASTPATH_ROOT/sys/class/net/eth1"
    "$TUNING/restore" >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'gone          eth1 rings size'
    [ "$(<"$FASTPATH_ROOT/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor")" = schedutil ]
}

@test "two wires share a machine: restore returns to before the first" {
    local before
    before=$(snapshot)
    "$TUNING/apply" --interface eth1 --queues 0 --cores 4
    "$TUNING/apply" --interface eth2 --queues 0 --cores 4 --profile latency >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'excluded: 40 -> 40 50 ('
    "$TUNING/restore"
    assert_same "$before" "$(snapshot)"
}

@test "a value that the driver rounds is said, and not set again" {
    echo 8 >"$NICS/eth1/usecs_step"
    "$TUNING/apply" "${ONE[@]}" >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'rx-usecs: 3 -> 48 ('
    : >"$NICS/log"
    "$TUNING/apply" "${ONE[@]}"
    [ ! -s "$NICS/log" ]
}

@test "queues with a gap: a table of weights" {
    local before
    before=$(snapshot)
    "$TUNING/apply" --interface eth1 --queues 0,2 --cores 4,5
    [ "$(<"$NICS/eth1/table")" = '0 0 0 0 0 0 0 0 2 2 2 2 2 2 2 2' ]
    "$TUNING/restore"
    [ "$(<"$NICS/eth1/table")" = '0 1 2 3 4 5 0 1 2 3 4 5 0 1 2 3' ]
    assert_same "$before" "$(snapshot)"
}

@test "queues that do not begin at 0" {
    "$TUNING/apply" --interface eth1 --queues 2-3 --cores 4,5
    [ "$(<"$NICS/eth1/table")" = '2 3 2 3 2 3 2 3 2 3 2 3 2 3 2 3' ]
    [ "$(<"$NICS/eth1/combined")" = 4 ]
}

@test "a table that ethtool cannot write is left alone" {
    set_values "$NICS/eth1" combined 4 table '3 1 2 0 3 3 1 2 0 0 0 0 1 1 1 1' table_configured ''
    "$TUNING/apply" --interface eth1 --queues 0-3 >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'eth1 rss table: left alone'
    [ "$(<"$NICS/eth1/table")" = '3 1 2 0 3 3 1 2 0 0 0 0 1 1 1 1' ]
}

@test "a table that ethtool cannot write back survives: the queue count, with which it may be lost, is not changed" {
    local table='3 1 2 0 5 3 1 2 0 0 0 0 1 1 1 1' refuses
    set_values "$NICS/eth1" table "$table" table_configured ''
    # Whether the kernel refuses to take its queues away, or takes them and the driver makes the table anew.
    for refuses in yes no; do
        run "$TUNING/apply" --interface eth1 --queues 0-3
        echo "$output"
        [ "$status" = 1 ]
        [[ $output == *"FAILED        eth1 channels count: combined 6 -> combined 4: the RSS table may be lost with it"*"ethtool -X eth1 default"* ]]
        [ "$(<"$NICS/eth1/table")" = "$table" ]
        [ "$(<"$NICS/eth1/combined")" = 6 ]
        "$TUNING/restore"
        [ "$(<"$NICS/eth1/table")" = "$table" ]
        rm -f "$NICS/eth1/table_configured"
    done
}

@test "an even table of the chosen queues stays, in whatever order" {
    set_values "$NICS/eth1" combined 4 table '0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3'
    "$TUNING/apply" --interface eth1 --queues 0-3 >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'ok            eth1 rss table: 0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3'
    [ "$(grep -c '^-X eth1 \(equal\|weight\|default\)' "$NICS/log")" = 0 ]
    # An uneven one does not.
    set_values "$NICS/eth1" table '0 0 0 0 0 0 1 1 2 2 2 2 3 3 3 3'
    "$TUNING/apply" --interface eth1 --queues 0-3
    [ "$(<"$NICS/eth1/table")" = '0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3' ]
    # Nor one that misses a chosen queue.
    set_values "$NICS/eth1" table '0 0 0 0 0 1 1 1 1 1 2 2 2 2 2 2'
    "$TUNING/apply" --interface eth1 --queues 0-3
    [ "$(<"$NICS/eth1/table")" = '0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3' ]
}

@test "a queue count that could not be put back keeps the records of the queues that are missing" {
    local before
    before=$(snapshot)
    "$TUNING/apply" --interface eth1 --queues 0-3
    echo -L >"$NICS/eth1/refuses"
    run "$TUNING/restore"
    [ "$status" = 1 ]
    rm "$NICS/eth1/refuses"
    "$TUNING/restore"
    assert_same "$before" "$(snapshot)"
}

@test "no readable key: symmetric-xor, and off again" {
    rm "$NICS/eth1/hkey"
    "$TUNING/apply" "${ONE[@]}"
    [ "$(<"$NICS/eth1/xfrm")" = on ]
    "$TUNING/restore"
    [ "$(<"$NICS/eth1/xfrm")" = off ]
}

@test "neither key nor symmetric-xor (igb): said, no failure, and a check of the tuned wire is content" {
    rm "$NICS/eth1/hkey" "$NICS/eth1/xfrm"
    "$TUNING/apply" "${ONE[@]}" >"$BATS_TEST_TMPDIR/said"
    grep -E '^not there +eth1 rss hash: .*no key' "$BATS_TEST_TMPDIR/said"
    "$TUNING/check" "${ONE[@]}"
}

@test "what the driver refuses as unsupported is no difference afterwards" {
    # A newer ethtool shows the switch for every driver.
    rm "$NICS/eth1/hkey"
    echo -X >"$NICS/eth1/cannot"
    run "$TUNING/check" "${ONE[@]}"
    [[ $output == *"differs       eth1 rss hash: asymmetric -> xfrm symmetric-xor"* ]]
    "$TUNING/apply" "${ONE[@]}"
    "$TUNING/check" "${ONE[@]}" >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'not there     eth1 rss hash: xfrm symmetric-xor: refused when apply asked for it'
    # A driver that has learnt it is asked again.
    rm "$NICS/eth1/cannot"
    "$TUNING/apply" "${ONE[@]}" >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       eth1 rss hash'
    "$TUNING/restore"
    [ "$(find "$FASTPATH_ROOT/run/fastpath" -type f -printf '%f\n')" = lock ]
}

@test "interrupts are found by the port's whole name where the kernel lists none" {
    rm -r "$FASTPATH_ROOT/sys/class/net/eth1/device"
    printf '  90:  1  0  PCI-MSI 1-edge  eth11-TxRx-0\n' >>"$FASTPATH_ROOT/proc/interrupts"
    mkdir -p "$FASTPATH_ROOT/proc/irq/90"
    echo 0-7 >"$FASTPATH_ROOT/proc/irq/90/smp_affinity_list"
    "$TUNING/apply" "${ONE[@]}"
    [ "$(<"$FASTPATH_ROOT/proc/irq/40/smp_affinity_list")" = 4 ]
    [ "$(<"$FASTPATH_ROOT/proc/irq/90/smp_affinity_list")" = 0-7 ]
}

@test "interrupt names of virtio, mlx5 and ice" {
    local name
    for name in virtio0-input.0 mlx5_comp0@pci:0000:01:00.0 ice-eth1-TxRx-0; do
        sed -i -E "s/^( *40: .* )[^ ]+$/\1$name/" "$FASTPATH_ROOT/proc/interrupts"
        echo 0-7 >"$FASTPATH_ROOT/proc/irq/40/smp_affinity_list"
        "$TUNING/apply" --interface eth1 --queues 0 --cores 4 --profile shared-host
        [ "$(<"$FASTPATH_ROOT/proc/irq/40/smp_affinity_list")" = 4 ]
        [ "$(<"$FASTPATH_ROOT/proc/irq/41/smp_affinity_list")" = 1-6 ]
    done
}

@test "huge pages are never taken away" {
    echo 500 >"$FASTPATH_ROOT/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    "$TUNING/apply" "${ONE[@]}" --huge-pages 20 >"$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'ok            host hugepages node1: 500'
}

# Doctor's JSON with that packet memory.
doctor_says() {
    printf '{\n  "checks": [\n    {\n      "name": "workers",\n      "bytes": 1\n    }\n  ],\n  "packet_memory": {\n    "workers": %s,\n    "bytes": %s,\n    "huge_pages": %s\n  }\n}\n' \
        "$@" >"$NICS/doctor"
}

@test "huge pages: as many as fastpath doctor says that packets take, on the nodes of the workers' cores" {
    local said=$BATS_TEST_TMPDIR/said
    export FASTPATH=$BATS_TEST_DIRNAME/bin/fastpath
    # 4 UMEMs of 100 MiB; one byte more takes a page more.
    doctor_says 4 419430400 true
    "$TUNING/check" --interface eth1 --peer eth2 --queues 0-3 --cores 2-5 >"$said" || true
    assert_line "$said" 'host hugepages node0: 0 -> 100 (50 for each worker, as fastpath doctor says;'
    assert_line "$said" 'host hugepages node1: 3 -> 100 ('
    [ "$(<"$NICS/doctor.log")" = 'fastpath doctor --interface eth1 --peer eth2 --queues 0-3 --json' ]
    doctor_says 4 419430404 true
    "$TUNING/check" --interface eth1 --queues 0-3 --cores 2-5 >"$said" || true
    assert_line "$said" 'host hugepages node0: 0 -> 102 ('
    # Of its own choice none.
    doctor_says 4 419430400 false
    "$TUNING/check" --interface eth1 --queues 0-3 --cores 2-5 >"$said" || true
    assert_line "$said" 'ok            host hugepages node1: 3'
    # The operator goes first; shared-host needs none of it.
    rm "$NICS/doctor.log"
    "$TUNING/check" "${ONE[@]}" --huge-pages 7 >"$said" || true
    assert_line "$said" 'host hugepages node1: 3 -> 7 ('
    "$TUNING/check" "${ONE[@]}" --huge-pages 08 >"$said" || true
    assert_line "$said" 'host hugepages node1: 3 -> 8 ('
    "$TUNING/check" "${ONE[@]}" --profile shared-host >"$said" || true
    [ ! -e "$NICS/doctor.log" ]
}

@test "huge pages: fastpath's default rings where its doctor says nothing, or is not there" {
    local said=$BATS_TEST_TMPDIR/said
    "$TUNING/check" --interface eth1 --queues 0-3 --cores 4-7 >"$said" || true
    assert_line "$said" "node1: 3 -> 68 (17 for each worker, for fastpath's default rings: it is not installed;"
    export FASTPATH=$BATS_TEST_DIRNAME/bin/fastpath
    echo 'error: no such subcommand' >"$NICS/doctor"
    "$TUNING/check" --interface eth1 --peer eth2 --queues 0-3 --cores 4-7 >"$said" || true
    assert_line "$said" "node1: 3 -> 120 (30 for each worker, for fastpath's default rings: its doctor gave no figure;"
}

@test "LRO where the driver has it" {
    echo on >"$NICS/eth1/feature.large-receive-offload"
    "$TUNING/apply" "${ONE[@]}"
    [ "$(<"$NICS/eth1/feature.large-receive-offload")" = off ]
    "$TUNING/restore"
    [ "$(<"$NICS/eth1/feature.large-receive-offload")" = on ]
}

@test "cores of another node: said" {
    "$TUNING/check" --interface eth1 --queues 0 --cores 1 >"$BATS_TEST_TMPDIR/said" || true
    assert_line "$BATS_TEST_TMPDIR/said" 'advice        eth1 numa cores: core 1 is on another node -> near (memory of another node costs every frame; near are: 4-7)'
}

@test "the boot line is written when asked, once, and taken away when asked" {
    local file=$FASTPATH_ROOT/etc/default/grub.d/fastpath-tuning.cfg
    "$TUNING/apply" "${ONE[@]}"
    [ ! -e "$file" ]
    "$TUNING/apply" "${ONE[@]}" --write-boot-line
    "$TUNING/apply" "${ONE[@]}" --write-boot-line
    [ "$(grep -c update-grub "$NICS/log")" = 1 ]
    [ "$(GRUB_CMDLINE_LINUX_DEFAULT=quiet && . "$file" && echo "$GRUB_CMDLINE_LINUX_DEFAULT")" = 'quiet isolcpus=managed_irq,domain,4 nohz_full=4 rcu_nocbs=4' ]
    "$TUNING/restore"
    [ -e "$file" ]
    "$TUNING/restore" --boot-line
    [ ! -e "$file" ]
}

@test "a boot file of somebody else is left alone" {
    local file=$FASTPATH_ROOT/etc/default/grub.d/fastpath-tuning.cfg
    echo mine >"$file"
    run "$TUNING/apply" "${ONE[@]}" --write-boot-line
    [ "$status" = 1 ]
    [ "$(<"$file")" = mine ]
}

@test "a table, key and names as other ethtools print them" {
    . "$TUNING/lib/ethtool.bash"
    . "$TUNING/lib/channels.bash"
    . "$TUNING/lib/rss.bash"
    ethtool() { cat "$BATS_TEST_TMPDIR/answer"; }
    # 5.x and older: no n/a, a 0.
    printf 'Channel parameters for a:\nPre-set maximums:\nRX:\t\t0\nTX:\t\t0\nOther:\t\t1\nCombined:\t63\nCurrent hardware settings:\nRX:\t\t0\nTX:\t\t0\nOther:\t\t1\nCombined:\t8\n' >"$BATS_TEST_TMPDIR/answer"
    [ "$(channels_look a/count)" = 'combined 8' ]
    printf 'Channel parameters for a:\nPre-set maximums:\nRX:\t\t4\nTX:\t\t4\nOther:\t\tn/a\nCombined:\tn/a\nCurrent hardware settings:\nRX:\t\t2\nTX:\t\t3\nOther:\t\tn/a\nCombined:\tn/a\n' >"$BATS_TEST_TMPDIR/answer"
    [ "$(channels_look a/count)" = 'rx 2 tx 3' ]
    printf 'RX flow hash indirection table for a with 2 RX ring(s):\n    0:      0     1     0     1\nRSS hash key:\n6d:5a\nRSS hash function:\n    toeplitz: on\nRSS input transformation:\n    symmetric-xor: off\n    symmetric-or-xor: on\n' >"$BATS_TEST_TMPDIR/answer"
    [ "$(rss_look a/table)" = '0 1 0 1' ]
    [ "$(rss_look a/hash)" = 'xfrm symmetric-or-xor' ]
}
