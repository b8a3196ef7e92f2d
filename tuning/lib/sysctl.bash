# Switches of the whole machine.

sysctl_list() {
    knob host/net.core.bpf_jit_enable 1 "XDP programs run as machine code"
    if [ "$PROFILE" = latency ]; then
        knob host/net.core.busy_read 50 "a socket polls its queue for 50 us before it sleeps"
        knob host/net.core.busy_poll 50 "poll() does so too"
    fi
}

sysctl_file() {
    local name=${1#*/}
    echo "$PROC/sys/${name//.//}"
}

sysctl_look() {
    read_value "$(sysctl_file "$1")" "not supported: this kernel has no such sysctl"
}

sysctl_set() {
    write_value "$(sysctl_file "$1")" "$2"
}

sysctl_put_back() {
    sysctl_set "$@"
}
