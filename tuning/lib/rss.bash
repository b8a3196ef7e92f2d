# RSS: both directions of a flow to the same queue, and only to the chosen ones.

rss_list() {
    local port now why='both directions of a flow meet the same worker'
    for port in "${PORTS[@]}"; do
        now=$(rss_look "$port/hash" 2>/dev/null) || now=''
        case $now in
        hkey*) now="hkey $(symmetric_key "${now#hkey }")" ;;
        asymmetric) now='xfrm symmetric-xor' ;;
        esac
        knob "$port/hash" "$now" "$why"
        now=$(rss_look "$port/table" 2>/dev/null) || now=''
        # shellcheck disable=SC2086
        is_even $now || now=$(chosen_table "$(wc -w <<<"$now")")
        knob "$port/table" "$now" "RSS reaches the chosen queues only, and evenly"
    done
}

# A Toeplitz key whose bits repeat every 16 hashes (a, b) like (b, a), for addresses and for ports (Woo and Park, 2012).
symmetric_key() {
    local length=$(((${#1} + 1) / 3)) out='' i
    for ((i = 0; i < length; i++)); do
        out+=$( ((i % 2)) && echo :5a || echo :6d)
    done
    echo "${out#:}"
}

# A table that does so, in whatever order: what the driver made stays the driver's.
is_even() {
    local entry queue counts=() most=0 least=$#
    for entry; do
        is_chosen "$entry" || return 1
        counts[entry]=$((${counts[entry]:-0} + 1))
    done
    for queue in "${QUEUES[@]}"; do
        entry=${counts[queue]:-0}
        most=$((entry > most ? entry : most)) least=$((entry < least ? entry : least))
    done
    ((most - least <= 1))
}

# chosen_table SIZE: what ethtool can write: round robin over neighbours, else a block for each queue.
chosen_table() {
    local size=$1 n=${#QUEUES[@]} i out=''
    for ((i = 0; i < size; i++)); do
        if ((QUEUES[-1] - QUEUES[0] + 1 == n)); then
            out+=" ${QUEUES[i % n]}"
        else
            out+=" ${QUEUES[i * n / size]}"
        fi
    done
    echo "${out# }"
}

# The words of `ethtool -X` that make a table; fails for one that they cannot make.
table_words() {
    local table=("$@") size=$# period start=$1 i counts=() last=-1
    for ((period = 1; period < size; period++)); do
        ((table[period] != start)) || break
    done
    for ((i = 0; i < size && table[i] == start + i % period; i++)); do :; done
    if ((i == size)); then
        ((start == 0)) || echo "start $start"
        echo "equal $period"
        return
    fi
    for ((i = 0; i < size; i++)); do
        ((table[i] >= last)) || return 1
        last=${table[i]}
        counts[last]=$((${counts[last]:-0} + 1))
    done
    for ((i = 0; i <= last; i++)); do
        counts[i]=${counts[i]:-0}
    done
    echo "weight ${counts[*]}"
}

rss_look() {
    local said value
    said=$(ask_ethtool -x "${1%/*}") || return 1
    case ${1#*/} in
    table)
        value=$(sed -nE 's/^ *[0-9]+: +([0-9 ]+)$/\1/p' <<<"$said" | xargs)
        [ -n "$value" ] || { echo "not supported: no indirection table" >&2; return 1; }
        # What could not be put back is not touched.
        # shellcheck disable=SC2086
        table_words $value >/dev/null || { echo "left alone: ethtool could not put this table back" >&2; return 1; }
        echo "$value"
        ;;
    hash)
        if grep -qE '^ +symmetric(-or)?-xor: on' <<<"$said"; then
            echo "xfrm $(sed -nE 's/^ +(symmetric(-or)?-xor): on.*/\1/p' <<<"$said" | head -n 1)"
        elif value=$(grep -oE '^([0-9a-f]{2}:)+[0-9a-f]{2}$' <<<"$said"); then
            echo "hkey $value"
        elif grep -qE '^ +symmetric(-or)?-xor: ' <<<"$said"; then
            echo asymmetric
        else
            echo "not supported: the driver shows no key, and ethtool no symmetric transformation" >&2
            return 1
        fi
        ;;
    esac
}

rss_set() {
    local port=${1%/*} words
    case ${1#*/} in
    table)
        # shellcheck disable=SC2086
        words=$(table_words $2) || { echo "ethtool cannot write this table" >&2; return 1; }
        ;;
    hash)
        words=$2
        [ "$2" != asymmetric ] || words='xfrm none'
        ;;
    esac
    # shellcheck disable=SC2086
    ask_ethtool -X "$port" ${words//$'\n'/ } >/dev/null
}

# A table that the driver makes itself follows later changes of the queue count: if its default is what was there,
# leave it to the driver again.
rss_put_back() {
    if [ "${1#*/}" = table ] && ethtool -X "${1%/*}" default >/dev/null 2>&1 && [ "$(rss_look "$1" 2>/dev/null)" = "$2" ]; then
        return
    fi
    if [[ $2 == hkey* && $(rss_look "$1") == xfrm* ]]; then
        ask_ethtool -X "${1%/*}" xfrm none >/dev/null || return 1
    fi
    rss_set "$@"
}
