# C-states: those of the workers' cores that take long to wake from.

cstates_list() {
    local core state latency most=20
    [ "$PROFILE" != latency ] || most=2
    for core in $(printf '%s\n' "${CORES[@]}" | sort -nu); do
        if [ ! -d "$CPU/cpu$core/cpuidle/state0" ]; then
            knob "host/cpu$core" '' 'no slow wake-ups'
            continue
        fi
        for state in "$CPU/cpu$core"/cpuidle/state*; do
            latency=$(read_value "$state/latency" 2>/dev/null) || continue
            ((latency <= most)) || knob "host/cpu$core ${state##*/}" 1 "waking from it takes $latency us"
        done
    done
}

cstates_file() {
    local name=${1#*/}
    echo "$CPU/${name% *}/cpuidle/${name##* }/disable"
}

cstates_look() {
    read_value "$(cstates_file "$1")" "the kernel does not choose this core's idle states"
}

cstates_set() {
    write_value "$(cstates_file "$1")" "$2"
}

cstates_put_back() {
    cstates_set "$@"
}
