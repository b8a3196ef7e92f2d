# NAPI: with deferred interrupts a busy queue is polled, and an interrupt wakes an idle one.

napi_list() {
    local port timeout=200000
    [ "$PROFILE" != latency ] || timeout=20000
    for port in "${PORTS[@]}"; do
        if [ -n "$THREADED_NAPI" ]; then
            knob "$port/threaded" 1 "NAPI in kernel threads, which the scheduler can place"
        else
            knob "$port/napi_defer_hard_irqs" 2 "a queue that was just busy is polled again without an interrupt"
            knob "$port/gro_flush_timeout" "$timeout" "the wait, in ns, before a deferred queue is polled again"
        fi
    done
}

napi_look() {
    read_value "$NET/$1" "not supported: this kernel has no such file"
}

napi_set() {
    write_value "$NET/$1" "$2"
}

napi_put_back() {
    napi_set "$@"
}
