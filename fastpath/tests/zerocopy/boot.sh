#!/usr/bin/env bash
# boot.sh SERIES CARDS CASES FOLDER: runs a set of cases in a guest, with the programs fastpath, zerocopy and xdp_program of
# FOLDER. Its console goes to standard output. SECONDS_PER_GUEST bounds it (default 900). It becomes the emulator: who ends
# boot.sh ends the guest.
#   CARDS: the two ports of the inspector: `igb`, or `virtio` with 4 queues. The hosts behind them are virtio-net cards.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
series=$1 cards=$2 cases=$3 folder=$(cd "$4" && pwd)
project=$(cd "$here/../../.." && pwd)
kernel=$project/target/zerocopy/kernel-$series
image=$(find "$kernel" -name 'vmlinuz*' -type f | head -n 1)
# Cargo names a test by its contents; the newest is the one just built.
program=$(find "$folder/deps" -name 'xdp_program-*' -type f -perm -u+x -printf '%T@ deps/%f\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
[ -n "$program" ] || { echo "boot.sh: no test xdp_program in $folder/deps: cargo test --no-run builds it" >&2 && exit 2; }

case $cards in
# The segments are hubs of QEMU's own.
igb)
    port=igb
    network=(-netdev "hubport,id=client,hubid=0" -netdev "hubport,id=in,hubid=0"
        -netdev "hubport,id=out,hubid=1" -netdev "hubport,id=server,hubid=1")
    ;;
# A hub has one queue: the segments are taps and bridges of this machine's kernel. Without an IOMMU between them and the
# guest, virtio-net refuses zero-copy.
virtio)
    port="virtio-net-pci,disable-legacy=on,iommu_platform=on,mq=on,vectors=10"
    network=(-netdev "tap,id=client,ifname=client,script=no,downscript=no,vhost=off"
        -netdev "tap,id=in,ifname=in,queues=4,script=no,downscript=no,vhost=off"
        -netdev "tap,id=out,ifname=out,queues=4,script=no,downscript=no,vhost=off"
        -netdev "tap,id=server,ifname=server,script=no,downscript=no,vhost=off")
    ;;
*) echo "boot.sh: no cards called $cards" >&2 && exit 2 ;;
esac

# Becomes a command in a network namespace without a name, which ends with it. Taps and bridges in it are the two segments.
# shellcheck disable=SC2016 # The inner shell expands it.
among_taps() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo -E)
    exec "${root[@]}" unshare --net bash -ec '
        sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        ip link add left type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        ip link add right type bridge stp_state 0 forward_delay 0 mcast_snooping 0
        for tap in client in out server; do
            case $tap in
            in | out) ip tuntap add "$tap" mode tap multi_queue ;;
            *) ip tuntap add "$tap" mode tap ;;
            esac
            case $tap in client | in) segment=left ;; *) segment=right ;; esac
            ip link set "$tap" master "$segment" up txqueuelen 4000
        done
        ip link set left up
        ip link set right up
        exec "$@"' among_taps "$@"
}

options=(
    # A processor in software: no /dev/kvm is needed, and it is the same everywhere.
    -accel "tcg,thread=multi,tb-size=256" -cpu max -machine q35 -smp 4 -m 1024
    -nodefaults -no-user-config -display none -no-reboot -serial stdio -monitor none
    -kernel "$image" -initrd "$kernel/initrd.img"
    -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off tsc=reliable nowatchdog folder=$folder program=$program tuning=$project/tuning cases=$cases"
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
    "${network[@]}"
    -device "pcie-root-port,id=slot0,chassis=1,slot=1" -device "pcie-root-port,id=slot1,chassis=2,slot=2"
    -device "$port,netdev=in,mac=02:00:00:00:00:a0,bus=slot0" -device "$port,netdev=out,mac=02:00:00:00:00:b0,bus=slot1"
    -device "virtio-net-pci,disable-legacy=on,netdev=client,mac=02:00:00:00:00:01"
    -device "virtio-net-pci,disable-legacy=on,netdev=server,mac=02:00:00:00:00:02"
)
command=(timeout --foreground --kill-after 5 "${SECONDS_PER_GUEST:-900}" qemu-system-x86_64 "${options[@]}")
case $cards in
virtio) among_taps "${command[@]}" </dev/null ;;
*) exec "${command[@]}" </dev/null ;;
esac
