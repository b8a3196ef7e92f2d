# Advice: cores on the node of the port. Cores are the operator's choice.

numa_list() {
    local port near
    for port in "${PORTS[@]}"; do
        near=$(cpus_near "$port")
        # shellcheck disable=SC2086
        knob "$port/cores" "near" "memory of another node costs every frame; near are: $(compact_list $near)"
    done
}

numa_look() {
    local near core
    near=" $(cpus_near "${1%/*}") "
    for core in "${CORES[@]}"; do
        [[ $near == *" $core "* ]] || { echo "core $core is on another node"; return; }
    done
    echo near
}
