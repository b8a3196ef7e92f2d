# Lists ("0-3,6"), and the hexadecimal masks of sysfs.

# "0-2,5" to "0 1 2 5"; fails on anything else.
expand_list() {
    local part out=() i
    [[ $1 =~ ^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$ ]] || return 1
    for part in ${1//,/ }; do
        ((10#${part%-*} <= 10#${part#*-})) || return 1
        for ((i = 10#${part%-*}; i <= 10#${part#*-}; i++)); do out+=("$i"); done
    done
    printf '%s\n' "${out[@]}" | sort -nu | paste -sd ' '
}

# "0 1 2 5" to "0-2,5".
compact_list() {
    local first='' last='' text='' n
    for n in "$@" end; do
        if [ -n "$last" ] && [ "$n" = $((last + 1)) ]; then
            last=$n
            continue
        fi
        [ -z "$first" ] || text+=,$first$([ "$first" = "$last" ] || echo "-$last")
        first=$n last=$n
    done
    echo "${text#,}"
}

# mask_like CURRENT CPU: the mask of one CPU, as wide as the kernel prints CURRENT ("00000000,0000000f").
mask_like() {
    local groups group width mask='' i bits
    IFS=, read -ra groups <<<"$1"
    for i in "${!groups[@]}"; do
        group=$((${#groups[@]} - 1 - i)) width=${#groups[i]} bits=0
        (($2 / 32 != group)) || bits=$((1 << $2 % 32))
        mask+=$(printf ',%0*x' "$width" "$bits")
    done
    echo "${mask#,}"
}

# NUMA node of a port; -1 on machines with one node, and for virtual ports.
node_of() {
    local node
    node=$(read_value "$NET/$1/device/numa_node" 2>/dev/null) || node=-1
    echo "$node"
}

# NUMA node of a CPU; 0 where the kernel knows none.
node_of_cpu() {
    local node
    for node in "$NODE"/node[0-9]*; do
        [ ! -d "$node" ] || [[ " $(expand_list "$(read_value "$node/cpulist")") " != *" $1 "* ]] || { echo "${node##*/node}"; return; }
    done
    echo 0
}

# CPUs near a port, as words.
cpus_near() {
    local node list
    node=$(node_of "$1")
    if ((node >= 0)) && list=$(read_value "$NODE/node$node/cpulist" 2>/dev/null); then
        expand_list "$list"
    else
        expand_list "$(read_value "$CPU/online")"
    fi
}

# As many cores near the first port as there are queues; CPU 0, where the kernel does its chores, only if needed.
choose_cores() {
    local near=() cores=()
    read -ra near <<<"$(cpus_near "${PORTS[0]}")"
    cores=("${near[@]}")
    ((${#near[@]} <= ${#QUEUES[@]})) || [ "${near[0]}" != 0 ] || cores=("${near[@]:1}")
    CORES=("${cores[@]:0:${#QUEUES[@]}}")
}

# Core of the worker of a queue: the order of --queues and --cores; cores are used again when there are fewer.
core_of() {
    local i
    for i in "${!QUEUES[@]}"; do
        [ "${QUEUES[i]}" != "$1" ] || { echo "${CORES[i % ${#CORES[@]}]}"; return; }
    done
    return 1
}

is_chosen() {
    [[ " ${QUEUES[*]} " == *" $1 "* ]]
}
