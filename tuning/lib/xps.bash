# XPS: what the kernel sends from a worker's core takes that worker's queue, and no other core's lock.

xps_list() {
    local port queue key now
    for port in "${PORTS[@]}"; do
        for queue in "${QUEUES[@]}"; do
            key=$port/tx-$queue
            now=$(xps_look "$key" 2>/dev/null) || now=''
            knob "$key" "$(mask_like "$now" "$(core_of "$queue")")" "the kernel's own frames of this core take this queue"
        done
    done
}

xps_look() {
    queuefiles_look "$1/xps_cpus"
}

xps_set() {
    queuefiles_set "$1/xps_cpus" "$2"
}

xps_put_back() {
    xps_set "$@"
}
