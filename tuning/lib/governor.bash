# CPU frequency: no ramp up under a burst.

governor_list() {
    local core
    for core in $(printf '%s\n' "${CORES[@]}" | sort -nu); do
        knob "host/cpu$core" performance "the core does not have to speed up first when a burst comes"
    done
}

governor_look() {
    read_value "$CPU/${1#*/}/cpufreq/scaling_governor" "the kernel does not control this core's frequency (virtual machine, or firmware does)"
}

governor_set() {
    write_value "$CPU/${1#*/}/cpufreq/scaling_governor" "$2"
}

governor_put_back() {
    governor_set "$@"
}
