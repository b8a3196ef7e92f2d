# Flow control: a port that pauses its neighbour stops the whole wire for one full queue, and hides the loss.

pause_list() {
    local port now
    for port in "${PORTS[@]}"; do
        now=$(pause_look "$port/frames" 2>/dev/null) || now=''
        [[ $now == *"rx off tx off" ]] || now='autoneg off rx off tx off'
        knob "$port/frames" "$now" "a full queue loses its own frames, counted, instead of stopping the wire"
    done
}

pause_look() {
    local said autoneg rx tx
    said=$(ask_ethtool -a "${1%/*}") || return 1
    autoneg=$(ethtool_value '' Autonegotiate <<<"$said") && rx=$(ethtool_value '' RX <<<"$said") &&
        tx=$(ethtool_value '' TX <<<"$said") || { echo "not supported by the driver" >&2; return 1; }
    echo "autoneg $autoneg rx $rx tx $tx"
}

pause_set() {
    local port=${1%/*} words
    read -ra words <<<"$2"
    # Not every driver has autonegotiation of pause frames to switch.
    if [ "$(pause_look "$1" | cut -d ' ' -f 2)" = "${words[1]}" ]; then
        words=("${words[@]:2}")
    fi
    ask_ethtool -A "$port" "${words[@]}" >/dev/null
}

pause_put_back() {
    pause_set "$@"
}
