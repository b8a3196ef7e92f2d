# Files of queues, as they were: a queue that the queue count takes away and restore brings back has forgotten them.

queuefiles_list() {
    local port file queue
    for port in "${PORTS[@]}"; do
        renews_queues "$port" || continue
        for file in "$NET/$port"/queues/{rx-*/rps_cpus,rx-*/rps_flow_cnt,tx-*/xps_cpus,tx-*/xps_rxqs}; do
            queue=${file%/*} queue=${queue##*-}
            # XPS of a chosen queue is a knob of its own.
            [ ! -e "$file" ] || { [ "${file##*/}" = xps_cpus ] && is_chosen "$queue"; } || kept "$port/${file#"$NET/$port/queues/"}"
        done
    done
}

queuefiles_look() {
    read_value "$NET/${1%%/*}/queues/${1#*/}" "not supported: no such queue, or only one"
}

queuefiles_set() {
    write_value "$NET/${1%%/*}/queues/${1#*/}" "$2"
}

queuefiles_put_back() {
    queuefiles_set "$@"
}
