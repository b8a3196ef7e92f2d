# The real ethtool and the real files of a real port, in a network namespace. The machine around it is made of files, so
# that no sysctl, core or huge page of this one is touched.

load machine.bash

setup() {
    make_machine "$BATS_TEST_TMPDIR"
    PATH=${PATH#"$BATS_TEST_DIRNAME/bin:"}:/usr/sbin:/sbin
    SPACE=fastpath-tuning-$$
    ip netns add "$SPACE"
    ip -n "$SPACE" link add va numrxqueues 4 numtxqueues 4 type veth peer name vb numrxqueues 4 numtxqueues 4
    rm -r "$FASTPATH_ROOT/sys/class/net"
    ln -s /sys/class/net "$FASTPATH_ROOT/sys/class/net"
    rm -r "$NICS/irqbalance"
}

teardown() {
    ip netns del "$SPACE"
}

inside() {
    ip netns exec "$SPACE" "$@"
}

# All that can be read of a port.
port() {
    inside ethtool -k "$1"
    inside ethtool -l "$1"
    inside sh -c "cd /sys/class/net/$1 && grep -H '' gro_flush_timeout napi_defer_hard_irqs threaded queues/tx-*/xps_cpus"
}

@test "a veth: what it supports is changed, the rest is said, restore returns all, the other end is untouched" {
    local before other
    inside ethtool -K va tx-checksum-sctp off
    inside ethtool -K va gro on
    before=$(port va) other=$(port vb)
    inside "$TUNING/apply" --interface va --queues 0-1 --cores 0,1 >"$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said" && return 1; }
    cat "$BATS_TEST_TMPDIR/said"
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       va channels count: rx 4 tx 4 -> rx 2 tx 2'
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       va offload gro: on -> off'
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       va offload rxvlan: on -> off'
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       va napi gro_flush_timeout: 0 -> 200000'
    assert_line "$BATS_TEST_TMPDIR/said" 'changed       va xps tx-1: 0 -> 2'
    grep -E '^not there +va rings size: .*not supported' "$BATS_TEST_TMPDIR/said"
    grep -E '^not there +va rss hash: .*not supported' "$BATS_TEST_TMPDIR/said"
    [ "$(inside ethtool -k va | grep -c 'tx-checksum-ip-generic: off')" = 1 ]
    inside "$TUNING/check" --interface va --queues 0-1 --cores 0,1
    inside "$TUNING/apply" --interface va --queues 0-1 --cores 0,1 | tee /dev/stderr | grep '^0 changed'
    inside "$TUNING/restore"
    assert_same "$before" "$(port va)"
    assert_same "$other" "$(port vb)"
}
