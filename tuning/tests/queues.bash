# Queues of a made-up port: their interrupts and their files. A driver makes both anew with the queue count.

# make_queues PORT COUNT
make_queues() {
    local port=$1 count=$2 number queue net=$FASTPATH_ROOT/sys/class/net/$1
    number=$(<"$NICS/$port/first_irq")
    mkdir -p "$net/device/msi_irqs"
    for ((queue = 0; queue < count; queue++)); do
        make_interrupt "$port" $((number + queue)) "$port-TxRx-$queue"
    done
    # The link's own interrupt is nobody's queue.
    make_interrupt "$port" $((number + 9)) "$port"
    for ((queue = 0; queue < count; queue++)); do
        make_queue "$net/queues" "$queue"
    done
}

make_interrupt() {
    : >"$FASTPATH_ROOT/sys/class/net/$1/device/msi_irqs/$2"
    printf '%4s:  123  0  PCI-MSI 524288-edge  %s\n' "$2" "$3" >>"$FASTPATH_ROOT/proc/interrupts"
    mkdir -p "$FASTPATH_ROOT/proc/irq/$2"
    echo 0-7 >"$FASTPATH_ROOT/proc/irq/$2/smp_affinity_list"
}

# A queue that is there already keeps its files.
make_queue() {
    [ ! -d "$1/tx-$2" ] || return 0
    mkdir -p "$1/tx-$2" "$1/rx-$2"
    echo 00000000,00000000 | tee "$1/tx-$2/xps_cpus" "$1/rx-$2/rps_cpus" >/dev/null
    echo 0 >"$1/rx-$2/rps_flow_cnt"
}

# renew_queues PORT COUNT
renew_queues() {
    local net=$FASTPATH_ROOT/sys/class/net/$1 number queue
    for number in $(ls "$net/device/msi_irqs" 2>/dev/null); do
        rm -r "$net/device/msi_irqs/$number" "$FASTPATH_ROOT/proc/irq/$number"
        sed -i "/^ *$number:/d" "$FASTPATH_ROOT/proc/interrupts"
    done
    for ((queue = $2; queue < 64; queue++)); do
        rm -rf "$net/queues/tx-$queue" "$net/queues/rx-$queue"
    done
    make_queues "$1" "$2"
    sort -n -o "$FASTPATH_ROOT/proc/interrupts" "$FASTPATH_ROOT/proc/interrupts"
}
