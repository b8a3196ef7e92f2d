# A machine made of files: ports eth1, eth2 and the bystander eth3 with 4 of 8 queues, 8 cores on two nodes.

TUNING=$BATS_TEST_DIRNAME/..

# make_machine FOLDER
make_machine() {
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
        make_port "$port" "$number"
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
    local port=$1 number=$2 queue nic=$NICS/$1 net=$FASTPATH_ROOT/sys/class/net/$1 table=''
    mkdir -p "$nic/rules" "$net/device/msi_irqs"
    echo 1 >"$net/device/numa_node"
    echo 0 | tee "$net/"{napi_defer_hard_irqs,gro_flush_timeout,threaded} >/dev/null
    for queue in 0 1 2 3 4 5 6 7; do
        mkdir -p "$net/queues/tx-$queue"
        echo 00000000,000000ff >"$net/queues/tx-$queue/xps_cpus"
        echo on >"$nic/queue-$queue.adaptive-rx"
        echo 8 >"$nic/queue-$queue.rx-usecs"
    done
    for queue in 0 1 2 3; do
        : >"$net/device/msi_irqs/$((number + queue))"
        printf '%4s:  123  0  PCI-MSI 524288-edge  %s-TxRx-%s\n' $((number + queue)) "$port" "$queue" >>"$FASTPATH_ROOT/proc/interrupts"
        mkdir -p "$FASTPATH_ROOT/proc/irq/$((number + queue))"
        echo 0-7 >"$FASTPATH_ROOT/proc/irq/$((number + queue))/smp_affinity_list"
    done
    # The link's own interrupt is nobody's queue.
    : >"$net/device/msi_irqs/$((number + 9))"
    printf '%4s:  1  0  PCI-MSI 524288-edge  %s\n' $((number + 9)) "$port" >>"$FASTPATH_ROOT/proc/interrupts"
    mkdir -p "$FASTPATH_ROOT/proc/irq/$((number + 9))"
    echo 0-7 >"$FASTPATH_ROOT/proc/irq/$((number + 9))/smp_affinity_list"
    for ((queue = 0; queue < 16; queue++)); do table+=" $((queue % 6))"; done
    set_values "$nic" combined 6 combined_max 8 ring_max 4096 ring_rx 256 ring_tx 512 table "${table# }" table_size 16 \
        hkey be:ac:01:fa:6a:42:b7:3b xfrm off flow_udp4 sd flow_udp6 sd adaptive-rx on rx-usecs 3 \
        pause_autoneg on pause_rx on pause_tx off \
        feature.large-receive-offload 'off [fixed]' feature.generic-receive-offload on feature.rx-gro-hw on \
        feature.rx-checksumming on feature.rx-vlan-offload on feature.tx-vlan-offload on feature.ntuple-filters off \
        feature.tx-checksum-ip-generic on feature.tx-checksum-sctp off feature.tx-checksum-ipv4 'off [fixed]'
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
