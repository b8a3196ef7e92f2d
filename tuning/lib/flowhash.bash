# UDP: many drivers hash addresses only, which puts all of a pair of hosts on one queue.

flowhash_list() {
    local port flow
    for port in "${PORTS[@]}"; do
        for flow in udp4 udp6; do
            knob "$port/$flow" sdfn "ports too, so that the flows of two hosts spread over the queues"
        done
    done
}

# Letters of `ethtool -N`.
flowhash_look() {
    local said out='' line
    said=$(ask_ethtool -n "${1%/*}" rx-flow-hash "${1#*/}") || return 1
    while IFS= read -r line; do
        case $line in
        'L2DA'*) out+=m ;;
        'VLAN tag'*) out+=v ;;
        'L3 proto'*) out+=t ;;
        'IP SA'*) out+=s ;;
        'IP DA'*) out+=d ;;
        'L4 bytes 0 & 1'*) out+=f ;;
        'L4 bytes 2 & 3'*) out+=n ;;
        *iscard*) out+=r ;;
        # Fields of newer ethtools that this could not put back.
        GTP* | *'flow label'*) echo "left alone: it hashes '$line'" >&2 && return 1 ;;
        esac
    done <<<"$said"
    [ -n "$out" ] || { echo "not supported: no hash fields" >&2; return 1; }
    echo "$out"
}

flowhash_set() {
    ask_ethtool -N "${1%/*}" rx-flow-hash "${1#*/}" "$2" >/dev/null
}

flowhash_put_back() {
    flowhash_set "$@"
}
