# Reading ethtool. Versions differ in spaces, in "n/a" for what a driver lacks, and in lines that only new ones print.

# ethtool_value SECTION NAME: from stdin, the value of "NAME: value" after the line that starts with SECTION ('' for
# all); fails without one, or with n/a.
ethtool_value() {
    awk -v section="$1" -v name="$2" '
        section == "" || index($0, section) == 1 { inside = 1 }
        inside {
            at = index($0, ":")
            key = substr($0, 1, at - 1); value = substr($0, at + 1)
            gsub(/^[ \t]+|[ \t]+$/, "", key); gsub(/^[ \t]+|[ \t]+$/, "", value)
            if (at && key == name && value != "") { print value; found = 1; exit }
        }
        END { exit !found }' | grep -v '^n/a'
}

# What `ethtool WORDS` prints, on success; its complaint on stderr otherwise.
ask_ethtool() {
    local said
    if ! said=$(LC_ALL=C ethtool "$@" 2>&1); then
        echo "${said:-ethtool $* failed}" >&2
        return 1
    fi
    printf '%s\n' "$said"
}
