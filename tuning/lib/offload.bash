# Offloads: the engine must see frames as they were on the wire.

# Setting's name in `ethtool -K`, name in `ethtool -k`, why.
OFFLOADS="lro large-receive-offload merged segments are not the frames of the wire
rx-gro-hw rx-gro-hw merged segments are not the frames of the wire
gro generic-receive-offload merged segments are not the frames of the wire, and no bridge may send them on
rx rx-checksumming a checksum nobody computes cannot be trusted by an inspector
rxvlan rx-vlan-offload a stripped VLAN tag is not in the frame
rx-vlan-stag-hw-parse rx-vlan-stag-hw-parse a stripped service tag is not in the frame
rx-vlan-filter rx-vlan-filter frames of VLANs that this machine has no interface for come in, too
txvlan tx-vlan-offload the tag is in the frame already"

offload_list() {
    local port name long why said sub subs
    for port in "${PORTS[@]}"; do
        while read -r name long why; do
            knob "$port/$name" off "$why"
        done <<<"$OFFLOADS"
        # Each transmit checksum apart: switching them on together would not bring back what was off among them.
        said=$(ask_ethtool -k "$port" 2>/dev/null) || said=''
        subs=$(sed -nE 's/^[[:space:]]*(tx-checksum-[a-z0-9-]+): (on|off)( \[requested (on|off)\])?$/\1/p' <<<"$said")
        for sub in $subs; do
            knob "$port/$sub" off "frames of the kernel leave with whole checksums, not with partial ones"
        done
    done
}

offload_long_name() {
    local short long rest
    while read -r short long rest; do
        [ "$short" != "$1" ] || { echo "$long"; return; }
    done <<<"$OFFLOADS"$'\n'"ntuple ntuple-filters"
    echo "$1"
}

# feature PORT NAME: on or off.
feature() {
    local said value
    said=$(ask_ethtool -k "$1") || return 1
    value=$(ethtool_value '' "$(offload_long_name "$2")" <<<"$said") || { echo "not supported: ethtool does not list it" >&2; return 1; }
    case $value in
    'on [fixed]') echo "not supported: the driver has it always on" >&2 && return 1 ;;
    esac
    echo "${value%% *}"
}

offload_look() {
    feature "${1%/*}" "${1#*/}"
}

offload_set() {
    ask_ethtool -K "${1%/*}" "${1#*/}" "$2" >/dev/null
}

offload_put_back() {
    offload_set "$@"
}
