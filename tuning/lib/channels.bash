# Queue count: as many as the highest chosen queue needs, so that RSS knows no queue that nobody inspects.

MAXIMUMS='Pre-set maximums' CURRENT='Current hardware settings'

channels_list() {
    local port now count=$((QUEUES[-1] + 1))
    for port in "${PORTS[@]}"; do
        now=$(channels_look "$port/count" 2>/dev/null) || now=''
        # "rx 8 tx 8" and "combined 8" to the same words with the wanted number.
        knob "$port/count" "$(sed -E "s/[0-9]+/$count/g" <<<"$now")" \
            "one queue for each worker, and none that nobody inspects"
    done
}

# "combined 4", or "rx 4 tx 4" where the driver has them apart.
channels_look() {
    local said kind most out=''
    said=$(ask_ethtool -l "${1%/*}") || return 1
    for kind in Combined RX TX; do
        most=$(ethtool_value "$MAXIMUMS" "$kind" <<<"$said") && ((most > 0)) || continue
        out+=" ${kind,,} $(ethtool_value "$CURRENT" "$kind" <<<"$said")" || return 1
        [ "$kind" != Combined ] || break
    done
    [ -n "$out" ] || { echo "not supported: the driver has a fixed number of queues" >&2; return 1; }
    echo "${out# }"
}

channels_set() {
    local port=${1%/*} now count words
    now=$(channels_look "$1") || return 1
    count=${2##* }
    read -ra words <<<"$2"
    keeps_table "$port" || return 1
    if ((count < ${now##* })) && ! ethtool -L "$port" "${words[@]}" >/dev/null 2>&1; then
        # The kernel takes no queue away that an operator's indirection table names. The table is a knob of its own
        # and follows, here and in restore. One that is the driver's own stays so.
        ethtool -X "$port" equal "$count" >/dev/null 2>&1 || true
    fi
    [ "$(channels_look "$1")" = "$2" ] || ask_ethtool -L "$port" "${words[@]}" >/dev/null
}

# Fails for a table that would be lost: some drivers make it anew with the queues.
keeps_table() {
    local said
    said=$(rss_look "$1/table" 2>&1) || is_unsupported "$said" || {
        echo "the RSS table may be lost with it ($said). 'ethtool -X $1 default' gives it up" >&2
        return 1
    }
}

channels_put_back() {
    # A table that apply may have written is let go, so that the driver's own follows the queues again; an operator's is
    # put back after the queues.
    [ ! -e "$STATE/before/rss/${1%/*}/table" ] || ethtool -X "${1%/*}" default >/dev/null 2>&1 || true
    channels_set "$@"
}

# Succeeds when apply is about to change the queue count of a port: the driver then makes all queues and interrupts anew.
renews_queues() {
    local now
    [ "$PROFILE" != shared-host ] && now=$(channels_look "$1/count" 2>/dev/null) && ((${now##* } != QUEUES[-1] + 1))
}
