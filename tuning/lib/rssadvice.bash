# Advice for shared-host, where RSS is the host's: what RSS brings to a chosen queue is the host's traffic.

rssadvice_list() {
    local port
    [ "$PROFILE" = shared-host ] || return 0
    for port in "${PORTS[@]}"; do
        knob "$port/table" "without the chosen queues" \
            "fastpath takes all frames of its queues: keep the host's away with ethtool -X, and choose what comes with --steer"
    done
}

rssadvice_look() {
    local table entry
    table=$(rss_look "${1%/*}/table") || return 1
    for entry in $table; do
        ! is_chosen "$entry" || { echo "RSS brings the host's frames to queue $entry"; return; }
    done
    echo "without the chosen queues"
}
