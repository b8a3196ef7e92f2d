# Huge pages for the UMEMs, on the nodes of the workers' cores: there each worker makes its own. Never fewer than there are.

# Pages of 2 MiB for each worker, and whose word that is; settled once.
WORKER_PAGES='' WORKER_PAGES_BY=''
PAGE=$((2 << 20))

# fastpath knows its rings, from its configuration file, too. Without it: the frames of its default rings, as
# docs/sizing.md has them.
settle_huge_pages() {
    local program=${FASTPATH:-fastpath} port=(--interface "${PORTS[0]}") said workers bytes
    local peers=$((${#QUEUES[@]} - 1)) lent=0
    [ -z "${PORTS[1]-}" ] || port+=(--peer "${PORTS[1]}")
    if command -v "$program" >/dev/null; then
        # A failed check is status 1, and the figure is there all the same.
        said=$("$program" doctor "${port[@]}" --queues "$(compact_list "${QUEUES[@]}")" --json 2>/dev/null) || true
        workers=$(packet_memory workers <<<"$said") bytes=$(packet_memory bytes <<<"$said")
        if [[ $workers =~ ^[1-9] && $bytes =~ ^[1-9] ]]; then
            WORKER_PAGES=$(((bytes / workers + PAGE - 1) / PAGE)) WORKER_PAGES_BY='as fastpath doctor says'
            [ "$(packet_memory huge_pages <<<"$said")" = true ] || WORKER_PAGES=0
            return
        fi
        WORKER_PAGES_BY="for fastpath's default rings: its doctor gave no figure"
    else
        WORKER_PAGES_BY="for fastpath's default rings: it is not installed"
    fi
    # To each of the other workers its part of an rx ring, two batches at least.
    ((peers < 1)) || lent=$((peers * (2048 / peers > 128 ? 2048 / peers : 128)))
    # (2 x rx + tx + 5 x batch) x ports + 32 + lent frames.
    WORKER_PAGES=$((((((2 * 2048 + 2048 + 5 * 64) * ${#PORTS[@]} + 32 + lent) * 4096) + PAGE - 1) / PAGE))
}

# A member of the doctor's object of that name, from stdin.
packet_memory() {
    sed -nE "/^  \"packet_memory\"/,/^  \}/s/^ *\"$1\": ([a-z0-9]+),?\$/\\1/p"
}

hugepages_list() {
    local queue node nodes=() want now why="2 MiB pages for the packet buffers: fewer TLB misses"
    [ -n "$HUGE_PAGES" ] || why="$WORKER_PAGES for each worker, $WORKER_PAGES_BY; fewer TLB misses"
    for queue in "${QUEUES[@]}"; do
        nodes+=("$(node_of_cpu "$(core_of "$queue")")")
    done
    for node in $(printf '%s\n' "${nodes[@]}" | sort -nu); do
        want=${HUGE_PAGES:-$(($(printf '%s\n' "${nodes[@]}" | grep -cx "$node") * WORKER_PAGES))}
        now=$(hugepages_look "host/node$node" 2>/dev/null) || now=0
        knob "host/node$node" "$((now > want ? now : want))" "$why"
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
