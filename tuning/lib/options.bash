# What the operator asked for.
PORTS=() QUEUES=() CORES=() STEER=() STEER_PEER=()
PROFILE=throughput DRY_RUN='' HUGE_PAGES='' THREADED_NAPI='' BOOT_LINE=''
CORES_GIVEN=''
# As fastpath has it (common/src/lib.rs).
MAX_QUEUES=256

usage() {
    cat <<'END'
  --interface PORT      the port; --peer PORT: the other port of the wire
  --queues LIST         the queues that fastpath inspects, such as 0-3
  --cores LIST          cores of its workers, in the order of the queues (default: near the port, without CPU 0)
  --profile NAME        throughput (default), latency, or shared-host, which touches the chosen queues only
  --steer 'MATCH'       sends matching traffic of --interface to a chosen queue, in ethtool's words:
                        'tcp4 dst-port 443', with 'action QUEUE' for a certain one. May be repeated
  --steer-peer 'MATCH'  the same for --peer
  --huge-pages N        2 MiB pages on each NUMA node of the cores (default: what fastpath doctor says that packets take)
  --threaded-napi       NAPI in kernel threads, instead of deferred interrupts
END
}

fail() {
    echo "tuning: $*" >&2
    exit 2
}

# parse_options "EXTRA..." ARG...: EXTRA are the switches that only this command has.
parse_options() {
    local extra=" $1 " option value list
    shift
    while (($#)); do
        option=$1
        shift
        case $option in
        --*=*) value=${option#*=} option=${option%%=*} ;;
        --interface | --peer | --queues | --cores | --profile | --steer | --steer-peer | --huge-pages)
            (($#)) || fail "$option needs a value"
            value=$1
            shift
            ;;
        --threaded-napi) THREADED_NAPI=yes && continue ;;
        *)
            [[ $extra == *" $option "* ]] || fail "unknown option '$option': --help lists them"
            case $option in
            --dry-run) DRY_RUN=yes ;;
            --write-boot-line) BOOT_LINE=yes ;;
            esac
            continue
            ;;
        esac
        case $option in
        --interface) PORTS[0]=$value ;;
        --peer) PORTS[1]=$value ;;
        --queues | --cores)
            list=$(expand_list "$value") || fail "$option $value: write a list such as 0-3 or 0,2"
            if [ "$option" = --queues ]; then read -ra QUEUES <<<"$list"; else read -ra CORES <<<"$list"; fi
            ;;
        --profile) PROFILE=$value ;;
        --steer) STEER+=("$value") ;;
        --steer-peer) STEER_PEER+=("$value") ;;
        --huge-pages) HUGE_PAGES=$value ;;
        --threaded-napi | --dry-run | --write-boot-line) fail "$option takes no value" ;;
        *) fail "unknown option '$option': --help lists them" ;;
        esac
    done
    settle_options
}

settle_options() {
    local port core
    command -v ethtool >/dev/null || fail "ethtool is missing: apt install ethtool"
    [ -n "${PORTS[0]-}" ] || fail "--interface is missing"
    [ "${PORTS[0]}" != "${PORTS[1]-}" ] || fail "--interface and --peer are the same port"
    for port in "${PORTS[@]}"; do
        [[ $port =~ ^[^/[:space:]]+$ && $port != .* && -d $NET/$port ]] || fail "there is no interface '$port'"
    done
    ((${#QUEUES[@]})) || fail "--queues is missing"
    ((QUEUES[-1] < MAX_QUEUES)) || fail "queue ${QUEUES[-1]} in --queues is too high: fastpath inspects queues 0-$((MAX_QUEUES - 1))"
    [[ $PROFILE =~ ^(throughput|latency|shared-host)$ ]] || fail "--profile $PROFILE: throughput, latency or shared-host"
    [[ $HUGE_PAGES =~ ^[0-9]{0,9}$ ]] || fail "--huge-pages $HUGE_PAGES: a number of 2 MiB pages"
    # 08 is a number, too.
    [ -z "$HUGE_PAGES" ] || HUGE_PAGES=$((10#$HUGE_PAGES))
    [ -n "${PORTS[1]-}" ] || ((!${#STEER_PEER[@]})) || fail "--steer-peer needs --peer"
    if ((${#CORES[@]})); then
        CORES_GIVEN=yes
        for core in "${CORES[@]}"; do
            [ -d "$CPU/cpu$core" ] || fail "there is no CPU $core"
        done
    else
        choose_cores
    fi
    settle_steering STEER
    settle_steering STEER_PEER
    [ -n "$HUGE_PAGES" ] || [ "$PROFILE" = shared-host ] || settle_huge_pages
}

# Every match names a chosen queue; those without one take them in turn.
settle_steering() {
    local -n matches=$1
    local i words
    for i in "${!matches[@]}"; do
        words=${matches[i]#flow-type }
        [[ $words =~ ^[a-z0-9][a-z0-9-]*(\ [a-zA-Z0-9.:-]+)*$ ]] || fail "--steer '$words': not ethtool's words"
        [[ " $words " != *" loc "* ]] || fail "--steer '$words': the location is chosen here"
        if [[ " $words " =~ \ action\ ([^ ]+)\  ]]; then
            is_chosen "${BASH_REMATCH[1]}" || fail "--steer '$words': queue ${BASH_REMATCH[1]} is not among --queues"
        else
            words+=" action ${QUEUES[i % ${#QUEUES[@]}]}"
        fi
        matches[i]=$words
    done
}
