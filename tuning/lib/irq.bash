# Interrupts of the chosen queues, each on the core of its worker. Known by their names: their numbers change when a
# driver makes its queues anew.

irq_list() {
    local port number name queue
    for port in "${PORTS[@]}"; do
        chosen_irqs "$port" | while read -r number queue name; do
            knob "$port/${name//\//!}" "$(core_of "$queue")" "the interrupt of queue $queue comes to its worker's core"
        done
        # The others: as they were, if the driver is to make them anew.
        ! renews_queues "$port" || other_irqs "$port" | while read -r number name; do
            kept "$port/${name//\//!}"
        done
    done
}

# Number and name of each interrupt of a port.
port_irqs() {
    local device=$NET/$1/device listed=''
    # A virtio port hangs below the PCI device that has the interrupts.
    if [ -d "$device/msi_irqs" ]; then
        listed=$(ls "$device/msi_irqs")
    elif [ -d "$device/../msi_irqs" ]; then
        listed=$(ls "$device/../msi_irqs")
    fi
    awk -v port="$1" -v listed="$listed" '
        BEGIN { n = split(listed, numbers); for (i = 1; i <= n; i++) ours[numbers[i]] }
        $1 ~ /^[0-9]+:$/ {
            number = $1 + 0; name = $NF
            at = index(name, port)
            # Without a list by the kernel: the whole name of the port, so that eth1 is not eth11.
            named = at && substr(name, at + length(port), 1) !~ /[0-9a-zA-Z_.]/ && (at == 1 || substr(name, at - 1, 1) == "-")
            if (n ? (number in ours) : named) print number, name
        }' "$PROC/interrupts"
}

# Number, queue and name of the interrupts of the chosen queues.
chosen_irqs() {
    local number name queue
    port_irqs "$1" | while read -r number name; do
        queue=${name%%@*}
        if [[ $queue =~ (TxRx|Tx-Rx|rx|tx|Rx|Tx|RX|TX|input\.|output\.|comp|fp|queue|q)[-_.]?([0-9]+)$ ||
            $queue =~ (^)$1-([0-9]+)$ ]]; then
            queue=${BASH_REMATCH[2]/#input./}
            # virtio0-input.3, mlx5_comp3: the number at the end is the queue.
            ! is_chosen "$((10#${queue##*.}))" || echo "$number $((10#${queue##*.})) $name"
        fi
    done
}

# Number and name of the port's other interrupts.
other_irqs() {
    local ours
    ours=$(chosen_irqs "$1" | cut -d ' ' -f 1)
    port_irqs "$1" | awk -v ours="$ours" 'BEGIN { n = split(ours, numbers); for (i = 1; i <= n; i++) chosen[numbers[i]] } !($1 in chosen)'
}

irq_number() {
    local number name
    while read -r number name; do
        [ "${name//\//!}" != "${1#*/}" ] || { echo "$number"; return; }
    done <<<"$(port_irqs "${1%%/*}")"
    echo "no such interrupt" >&2
    return 1
}

irq_look() {
    local number
    number=$(irq_number "$1") && read_value "$PROC/irq/$number/smp_affinity_list"
}

irq_set() {
    local number
    number=$(irq_number "$1") && write_value "$PROC/irq/$number/smp_affinity_list" "$2"
}

irq_put_back() {
    irq_set "$@"
}
