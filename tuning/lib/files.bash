# Where the kernel's files are. The tests put a made-up tree under FASTPATH_ROOT.
ROOT=${FASTPATH_ROOT:-}
SYS=$ROOT/sys
PROC=$ROOT/proc
ETC=$ROOT/etc
NET=$SYS/class/net
CPU=$SYS/devices/system/cpu
NODE=$SYS/devices/system/node
STATE=${FASTPATH_TUNING_STATE:-$ROOT/run/fastpath/tuning}

# Value of a one-line file; what is missing there goes to stderr.
read_value() {
    local value
    [ -e "$1" ] || { echo "${2:-$1 does not exist}" >&2; return 1; }
    { IFS= read -r value <"$1"; } 2>/dev/null || [ -n "${value-}" ] || { echo "${2:-$1 cannot be read}" >&2; return 1; }
    printf '%s\n' "$value"
}

# The kernel takes a whole value per write: no temporary file.
write_value() {
    printf '%s\n' "$2" >"$1"
}
