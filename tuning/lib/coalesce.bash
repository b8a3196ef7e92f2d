# Interrupt moderation, fixed: an adaptive one changes the delay under the worker. Of the chosen queues only in
# shared-host, where the driver can.

coalesce_list() {
    local port queue at usecs=50
    [ "$PROFILE" != latency ] || usecs=10
    for port in "${PORTS[@]}"; do
        local places=("$port")
        if [ "$PROFILE" = shared-host ]; then
            places=()
            for queue in "${QUEUES[@]}"; do places+=("$port/queue-$queue"); done
        fi
        for at in "${places[@]}"; do
            knob "$at/adaptive-rx" off "a fixed delay instead of one that follows the load"
            knob "$at/rx-usecs" "$usecs" "at most one interrupt in $usecs us"
        done
    done
}

# Words of ethtool before the parameter: the port, or one queue of it.
coalesce_place() {
    local port=${1%%/*} queue zeros
    PLACE=("$2" "$port")
    if [[ $1 == */queue-* ]]; then
        queue=${1#*/queue-} queue=${queue%%/*}
        # Digit by digit: bash's own numbers end at queue 63.
        printf -v zeros '%*s' $((queue / 4)) ''
        PLACE=(-Q "$port" queue_mask "0x$((1 << queue % 4))${zeros// /0}" "$3")
    fi
}

coalesce_look() {
    local said value PLACE
    coalesce_place "$1" -c --show-coalesce
    said=$(ask_ethtool "${PLACE[@]}") || return 1
    case ${1##*/} in
    adaptive-rx) value=$(sed -nE 's/^Adaptive RX: *(on|off).*/\1/p' <<<"$said") ;;
    *) value=$(ethtool_value '' "${1##*/}" <<<"$said") ;;
    esac
    [ -n "$value" ] || { echo "not supported by the driver" >&2; return 1; }
    echo "$value"
}

coalesce_set() {
    local PLACE
    coalesce_place "$1" -C --coalesce
    ask_ethtool "${PLACE[@]}" "${1##*/}" "$2" >/dev/null
}

coalesce_put_back() {
    coalesce_set "$@"
}
