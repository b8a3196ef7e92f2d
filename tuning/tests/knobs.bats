# Every knob, through check, apply --dry-run, apply, apply again, and restore.

load machine.bash

WIRE="--interface eth1 --peer eth2 --queues 0-3 --steer tcp4"

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    make_machine "$BATS_FILE_TMPDIR"
    # An operator's own table, which names queues that will be gone.
    set_values "$NICS/eth2" table '0 0 0 0 0 0 1 1 1 1 5 5 5 5 5 5' table_configured ''
    snapshot >before
    "$TUNING/check" $WIRE >check && return 1
    snapshot >checked
    "$TUNING/apply" $WIRE --dry-run >dry
    snapshot >dried
    "$TUNING/apply" $WIRE >apply
    snapshot >applied
    : >"$NICS/log"
    "$TUNING/apply" $WIRE >again
    cp "$NICS/log" again.log
    snapshot >applied-again
    "$TUNING/restore" --dry-run >dry-restore
    snapshot >dry-restored
    "$TUNING/restore" >restore
    snapshot >restored
    find "$FASTPATH_ROOT/run/fastpath" -type f >left
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

# knob NAME FILE BEFORE WANTED SHOWN_BEFORE SHOWN_WANTED: by its way through the commands and by the file's bytes.
knob() {
    local name=$1 file=$2 before=$3 wanted=$4 shown="${5:-$3} -> ${6:-$4}"
    assert_line before "$file:$before"
    assert_line check "differs       $name: $shown ("
    assert_line dry "would change  $name: $shown ("
    # What it was just before may be another knob's work: a driver that made its queues anew.
    grep -E "^changed +$name: .* -> ${6:-$4} \(.{15,}\)$" apply
    assert_line applied "$file:$wanted"
    assert_line again "ok            $name: ${6:-$4}"
    assert_line dry-restore "would restore $name: ${6:-$4} -> ${5:-$3}"
    assert_line restored "$file:$before"
}

@test "check changes nothing" {
    diff before checked
}

@test "apply --dry-run changes nothing and keeps no record" {
    diff before dried
}

@test "a second apply changes nothing and calls nothing" {
    diff applied applied-again
    [ "$(grep -c ^changed again)" = 0 ]
    [ ! -s again.log ]
}

@test "restore --dry-run changes nothing" {
    diff applied dry-restored
}

@test "restore returns every byte and leaves no record" {
    diff before restored
    [ "$(xargs -n 1 basename <left)" = lock ]
}

@test "the port, the queues and the cores that were not chosen keep every value" {
    local mine='nics/eth3|net/eth3|irq/6|rps_cpus|queue-|cpu[0-3]/|node0|rules/0'
    # Those of queues 4 and 5 are gone for as long.
    diff <(grep -E "$mine" before | grep -vE 'eth[12]/queues/[rt]x-[45]/') <(grep -E "$mine" applied)
}

@test "queue count" {
    knob 'eth1 channels count' ./nics/eth1/combined 6 4 'combined 6' 'combined 4'
    knob 'eth2 channels count' ./nics/eth2/combined 6 4 'combined 6' 'combined 4'
}

@test "ring sizes" {
    knob 'eth1 rings size' ./nics/eth1/ring_rx 256 4096 'rx 256 tx 512' 'rx 4096 tx 4096'
    knob 'eth1 rings size' ./nics/eth1/ring_tx 512 4096 'rx 256 tx 512' 'rx 4096 tx 4096'
}

@test "offloads, each transmit checksum apart" {
    local pair
    for pair in gro:generic-receive-offload rx-gro-hw:rx-gro-hw rx:rx-checksumming rxvlan:rx-vlan-offload \
        rx-vlan-stag-hw-parse:rx-vlan-stag-hw-parse rx-vlan-filter:rx-vlan-filter txvlan:tx-vlan-offload tx-checksum-ip-generic:tx-checksum-ip-generic; do
        knob "eth1 offload ${pair%:*}" "./nics/eth1/feature.${pair#*:}" on off
    done
    assert_line apply 'ok            eth1 offload lro: off'
    assert_line applied './nics/eth1/feature.tx-checksum-sctp:off'
}

@test "flow control" {
    knob 'eth1 pause frames' ./nics/eth1/pause_rx on off 'autoneg on rx on tx off' 'autoneg off rx off tx off'
    knob 'eth1 pause frames' ./nics/eth1/pause_autoneg on off 'autoneg on rx on tx off' 'autoneg off rx off tx off'
}

@test "RSS: a symmetric key" {
    knob 'eth1 rss hash' ./nics/eth1/hkey be:ac:01:fa:6a:42:b7:3b 6d:5a:6d:5a:6d:5a:6d:5a \
        'hkey be:ac:01:fa:6a:42:b7:3b' 'hkey 6d:5a:6d:5a:6d:5a:6d:5a'
}

@test "RSS: the chosen queues only, and an operator's table comes back" {
    # The driver's own followed the queue count.
    assert_line check 'differs       eth1 rss table: 0 1 2 3 4 5 0 1 2 3 4 5 0 1 2 3 -> 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 ('
    assert_line apply 'ok            eth1 rss table: 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3'
    assert_line check 'differs       eth2 rss table: 0 0 0 0 0 0 1 1 1 1 5 5 5 5 5 5 -> 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 ('
    assert_line applied './nics/eth2/table:0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3'
    assert_line restored './nics/eth2/table:0 0 0 0 0 0 1 1 1 1 5 5 5 5 5 5'
    assert_line restore '-> 0 0 0 0 0 0 1 1 1 1 5 5 5 5 5 5'
    # The table that was the driver's own is the driver's own again.
    [ ! -e "$FASTPATH_ROOT/nics/eth1/table_configured" ]
}

@test "UDP hash fields" {
    knob 'eth1 flowhash udp4' ./nics/eth1/flow_udp4 sd sdfn
    knob 'eth1 flowhash udp6' ./nics/eth1/flow_udp6 sd sdfn
}

@test "ntuple steering, at a free location" {
    knob 'eth1 ntuple feature' ./nics/eth1/feature.ntuple-filters off on
    assert_line check 'differs       eth1 ntuple rule tcp4 action 0: none -> in place ('
    assert_line applied './nics/eth1/rules/1:flow-type tcp4 action 0 loc 1'
    assert_line applied './nics/eth1/rules/0:foreign'
    assert_line restored './nics/eth1/rules/0:foreign'
    assert_line restore 'restored      eth1 ntuple rule tcp4 action 0: in place -> none'
    assert_no_line applied './nics/eth2/rules/1'
}

@test "coalescing" {
    knob 'eth1 coalesce adaptive-rx' ./nics/eth1/adaptive-rx on off
    knob 'eth1 coalesce rx-usecs' ./nics/eth1/rx-usecs 7 50
}

@test "NAPI" {
    knob 'eth1 napi napi_defer_hard_irqs' ./sys/class/net/eth1/napi_defer_hard_irqs 0 2
    knob 'eth1 napi gro_flush_timeout' ./sys/class/net/eth1/gro_flush_timeout 0 200000
}

@test "interrupts on the workers' cores" {
    knob 'eth1 irq eth1-TxRx-0' ./proc/irq/40/smp_affinity_list 1-6 4
    knob 'eth2 irq eth2-TxRx-3' ./proc/irq/53/smp_affinity_list 1-6 7
}

@test "all values are recorded before the first change: what the driver forgets with its queues comes back" {
    # -L: interrupts of all queues, and the files of those that go; -G: moderation.
    assert_line restore 'restored      eth1 irq eth1-TxRx-0: 0-7 -> 1-6'
    assert_line restore 'restored      eth1 irq eth1-TxRx-5: 0-7 -> 1-6'
    assert_line restore 'restored      eth1 irq eth1: 0-7 -> 2'
    assert_line restore 'restored      eth1 queuefiles tx-5/xps_cpus: 00000000,00000000 -> 00000000,000000ff'
    assert_line restore 'restored      eth1 queuefiles rx-4/rps_cpus: 00000000,00000000 -> 00000000,0000000c'
    assert_line restore 'restored      eth1 queuefiles rx-4/rps_flow_cnt: 0 -> 4096'
    assert_line restore 'restored      eth1 coalesce rx-usecs: 3 -> 7'
    # They are nobody's knobs, so nothing is said of them.
    assert_no_line check queuefiles
    assert_no_line apply eth1-TxRx-5
}

@test "irqbalance" {
    assert_line apply 'changed       host irqbalance excluded: none -> 40 41 42 43 50 51 52 53 ('
    assert_line applied run/systemd/system/irqbalance.service.d/fastpath-tuning.conf
    assert_no_line restored run/systemd
    assert_line restore 'restored      host irqbalance excluded: 40 41 42 43 50 51 52 53 -> none'
}

@test "XPS" {
    knob 'eth1 xps tx-0' ./sys/class/net/eth1/queues/tx-0/xps_cpus 00000000,000000ff 00000000,00000010
    knob 'eth2 xps tx-3' ./sys/class/net/eth2/queues/tx-3/xps_cpus 00000000,000000ff 00000000,00000080
}

@test "huge pages, on the node of the ports" {
    knob 'host hugepages node1' ./sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages 3 120
}

@test "governor" {
    knob 'host governor cpu4' ./sys/devices/system/cpu/cpu4/cpufreq/scaling_governor schedutil performance
    knob 'host governor cpu7' ./sys/devices/system/cpu/cpu7/cpufreq/scaling_governor schedutil performance
}

@test "C-states that are slow to leave" {
    knob 'host cstates cpu4 state2' ./sys/devices/system/cpu/cpu4/cpuidle/state2/disable 0 1
    assert_line applied ./sys/devices/system/cpu/cpu4/cpuidle/state1/disable:0
}

@test "sysctl" {
    knob 'host sysctl net.core.bpf_jit_enable' ./proc/sys/net/core/bpf_jit_enable 0 1
    assert_line applied ./proc/sys/net/core/busy_poll:0
}

@test "advice: memlock and the boot line, printed and not touched" {
    assert_line apply 'advice        host bootline words: none of them -> isolcpus=managed_irq,domain,4-7 nohz_full=4-7 rcu_nocbs=4-7'
    grep -E '^(advice|ok) +host memlock limit' apply
    assert_no_line applied grub
}

@test "the cores are those near the port" {
    assert_line apply 'ok            eth1 numa cores: near'
    assert_line apply 'cores 4-7)'
}
