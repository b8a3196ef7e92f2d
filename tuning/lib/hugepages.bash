# Huge pages for the UMEMs, on the node of the ports. Never fewer than there are.

hugepages_list() {
    local port node nodes=() want now
    for port in "${PORTS[@]}"; do
        node=$(node_of "$port")
        nodes+=("$((node < 0 ? 0 : node))")
    done
    for node in $(printf '%s\n' "${nodes[@]}" | sort -nu); do
        # Of the ports on this node: 4096 frames of 4 KiB for each queue.
        want=${HUGE_PAGES:-$(($(printf '%s\n' "${nodes[@]}" | grep -cx "$node") * ${#QUEUES[@]} * 8))}
        now=$(hugepages_look "host/node$node" 2>/dev/null) || now=0
        knob "host/node$node" "$((now > want ? now : want))" "2 MiB pages for the packet buffers: fewer TLB misses"
    done
}

hugepages_file() {
    echo "$NODE/${1#*/}/hugepages/hugepages-2048kB/nr_hugepages"
}

hugepages_look() {
    read_value "$(hugepages_file "$1")" "not supported: this kernel has no 2 MiB pages per node"
}

hugepages_set() {
    local got
    write_value "$(hugepages_file "$1")" "$2" && got=$(hugepages_look "$1") || return 1
    ((got >= $2)) || { echo "the kernel found memory for $got only: reserve them at boot (hugepages=$2)" >&2; return 1; }
}

hugepages_put_back() {
    write_value "$(hugepages_file "$1")" "$2"
}
