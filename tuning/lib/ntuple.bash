# Steering: chosen traffic into chosen queues, by the NIC.

ntuple_list() {
    local port rules words i
    for i in "${!PORTS[@]}"; do
        port=${PORTS[i]} rules=("${STEER[@]}")
        ((i == 0)) || rules=("${STEER_PEER[@]}")
        ((${#rules[@]})) || continue
        # A switch of the whole port, with effects on the others' flows in some drivers: not in shared-host.
        [ "$PROFILE" = shared-host ] || knob "$port/feature" on "the NIC looks at its filters"
        for words in "${rules[@]}"; do
            knob "$port/rule $words" 'in place' "this traffic goes to the queue of a worker"
        done
    done
}

# The file that holds the location of a rule of ours.
location_file() {
    echo "$STATE/steered/$1"
}

locations_used() {
    sed -nE 's/^Filter: ([0-9]+).*/\1/p'
}

ntuple_look() {
    local port=${1%%/*} said location
    said=$(ask_ethtool -k "$port") || return 1
    [[ $said != *'ntuple-filters: off [fixed]'* ]] || { echo "not supported by the driver" >&2; return 1; }
    if [ "${1#*/}" = feature ]; then
        feature "$port" ntuple
        return
    fi
    said=$(ask_ethtool -n "$port") || return 1
    if location=$(cat "$(location_file "$1")" 2>/dev/null) && locations_used <<<"$said" | grep -qx "$location"; then
        echo 'in place'
    else
        echo none
    fi
}

# The lowest free location: the first match wins. Its number is kept before the rule is made, for restore.
ntuple_set() {
    local port=${1%%/*} words=${1#*/rule } used location=0 rule
    if [ "${1#*/}" = feature ]; then
        ask_ethtool -K "$port" ntuple "$2" >/dev/null
        return
    fi
    if [ "$(feature "$port" ntuple)" != on ]; then
        echo "ntuple is off on the whole port: ethtool -K $port ntuple on" >&2
        return 1
    fi
    used=$(ask_ethtool -n "$port" | locations_used) || true
    while grep -qx "$location" <<<"$used"; do location=$((location + 1)); done
    keep steered "${1%%/*}" "${1#*/}" "$location" || return 1
    read -ra rule <<<"$words"
    ask_ethtool -N "$port" flow-type "${rule[@]}" loc "$location" >/dev/null
}

ntuple_put_back() {
    local port=${1%%/*}
    if [ "${1#*/}" = feature ]; then
        ntuple_set "$@"
    elif [ "$2" = none ]; then
        ask_ethtool -N "$port" delete "$(cat "$(location_file "$1")")" >/dev/null && rm -f "$(location_file "$1")"
    fi
}
