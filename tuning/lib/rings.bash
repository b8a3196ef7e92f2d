# Ring sizes: long rings carry bursts, short ones keep the wait in them short.

rings_list() {
    local port said kind most want longest=4096
    [ "$PROFILE" != latency ] || longest=1024
    for port in "${PORTS[@]}"; do
        said=$(ask_ethtool -g "$port" 2>/dev/null) || said=''
        want=''
        for kind in RX TX; do
            most=$(ethtool_value 'Pre-set maximums' "$kind" <<<"$said") && ((most > 0)) || continue
            want+=" ${kind,,} $((most < longest ? most : longest))"
        done
        knob "$port/size" "${want# }" "up to $longest descriptors: room for a burst while a worker is busy"
    done
}

rings_look() {
    local said kind most out=''
    said=$(ask_ethtool -g "${1%/*}") || return 1
    for kind in RX TX; do
        most=$(ethtool_value 'Pre-set maximums' "$kind" <<<"$said") && ((most > 0)) || continue
        out+=" ${kind,,} $(ethtool_value 'Current hardware settings' "$kind" <<<"$said")" || return 1
    done
    [ -n "$out" ] || { echo "not supported by the driver" >&2; return 1; }
    echo "${out# }"
}

rings_set() {
    local words
    read -ra words <<<"$2"
    ask_ethtool -G "${1%/*}" "${words[@]}" >/dev/null
}

rings_put_back() {
    rings_set "$@"
}
