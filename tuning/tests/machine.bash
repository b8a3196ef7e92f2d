# A machine made of files: ports eth1, eth2 and the bystander eth3 with 6 of 8 queues, 8 cores on two nodes.

TUNING=$BATS_TEST_DIRNAME/..
. "$BATS_TEST_DIRNAME/queues.bash"

# make_machine FOLDER [QUEUES]
make_machine() {
    # The machine that the tests run on may have a fastpath.
    export FASTPATH=fastpath-of-the-machine
    export FASTPATH_ROOT=$1/machine
    export NICS=$FASTPATH_ROOT/nics
    PATH=$BATS_TEST_DIRNAME/bin:$PATH
    local port cpu node number=40
    mkdir -p "$NICS" "$FASTPATH_ROOT"/{proc/irq,proc/sys/net/core,etc/default/grub.d,run,sys/devices/system/cpu}
    echo 'quiet root=/dev/sda1' >"$FASTPATH_ROOT/proc/cmdline"
    echo 0 | tee "$FASTPATH_ROOT/proc/sys/net/core/"{bpf_jit_enable,busy_read,busy_poll} >/dev/null
    echo '           CPU0       CPU1' >"$FASTPATH_ROOT/proc/interrupts"
    echo 0-7 >"$FASTPATH_ROOT/sys/devices/system/cpu/online"
    for cpu in 0 1 2 3 4 5 6 7; do make_cpu "$cpu"; done
    for node in 0 1; do
        mkdir -p "$FASTPATH_ROOT/sys/devices/system/node/node$node/hugepages/hugepages-2048kB"
        echo $((node * 3)) >"$FASTPATH_ROOT/sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages"
        echo "$((node * 4))-$((node * 4 + 3))" >"$FASTPATH_ROOT/sys/devices/system/node/node$node/cpulist"
    done
    for port in eth1 eth2 eth3; do
        make_port "$port" "$number" "${2:-6}"
        number=$((number + 10))
    done
    : >"$NICS/irqbalance"
    : >"$NICS/log"
}

make_cpu() {
    local at=$FASTPATH_ROOT/sys/devices/system/cpu/cpu$1 state
    mkdir -p "$at"/cpufreq "$at"/cpuidle/state{0,1,2}
    echo schedutil >"$at/cpufreq/scaling_governor"
    for state in 0 1 2; do
        echo 0 >"$at/cpuidle/state$state/disable"
        echo $((state * state * 10)) >"$at/cpuidle/state$state/latency"
    done
}

make_port() {
    local port=$1 number=$2 count=$3 queue nic=$NICS/$1 net=$FASTPATH_ROOT/sys/class/net/$1 table=''
    mkdir -p "$nic/rules"
    echo "$number" >"$nic/first_irq"
    make_queues "$port" "$count"
    echo 1 >"$net/device/numa_node"
    echo 0 | tee "$net/"{napi_defer_hard_irqs,gro_flush_timeout,threaded} >/dev/null
    # Not what a driver makes of its queues: what is lost with them would be seen.
    for ((queue = 0; queue < count; queue++)); do
        echo 1-6 >"$FASTPATH_ROOT/proc/irq/$((number + queue))/smp_affinity_list"
        echo 00000000,000000ff >"$net/queues/tx-$queue/xps_cpus"
        echo 00000000,0000000c >"$net/queues/rx-$queue/rps_cpus"
        echo 4096 >"$net/queues/rx-$queue/rps_flow_cnt"
        echo on >"$nic/queue-$queue.adaptive-rx"
        echo 8 >"$nic/queue-$queue.rx-usecs"
    done
    echo 2 >"$FASTPATH_ROOT/proc/irq/$((number + 9))/smp_affinity_list"
    for ((queue = 0; queue < 16; queue++)); do table+=" $((queue % count))"; done
    set_values "$nic" combined "$count" combined_max 8 ring_max 4096 ring_rx 256 ring_tx 512 table "${table# }" table_size 16 \
        hkey be:ac:01:fa:6a:42:b7:3b xfrm off flow_udp4 sd flow_udp6 sd adaptive-rx on rx-usecs 7 \
        pause_autoneg on pause_rx on pause_tx off \
        feature.large-receive-offload 'off [fixed]' feature.generic-receive-offload on feature.rx-gro-hw on \
        feature.rx-checksumming on feature.rx-vlan-offload on feature.rx-vlan-stag-hw-parse on feature.rx-vlan-filter on feature.tx-vlan-offload on \
        feature.ntuple-filters off feature.tx-checksum-ip-generic on feature.tx-checksum-sctp off \
        feature.tx-checksum-ipv4 'off [fixed]'
    echo foreign >"$nic/rules/0"
}

set_values() {
    local nic=$1
    shift
    while (($#)); do
        printf '%s\n' "$2" >"$nic/$1"
        shift 2
    done
}

# Every byte of the machine but the log and fastpath's own state; of some folders, with arguments.
snapshot() {
    (cd "$FASTPATH_ROOT" && find "${@:-.}" -type f ! -path ./nics/log ! -path './run/*' | sort | xargs grep -H '' --)
    [ ! -d "$FASTPATH_ROOT/run/systemd" ] || (cd "$FASTPATH_ROOT" && find run/systemd -type f)
}

assert_same() {
    diff <(echo "$1") <(echo "$2")
}

# The line of a knob in a file of output, without its status.
assert_line() {
    grep -F -- "$2" "$1" || {
        echo "no line with '$2' in $1:"
        cat "$1"
        return 1
    }
}

assert_no_line() {
    ! grep -F -- "$2" "$1" || return 1
}
