#!/usr/bin/env bash
# boot.sh SERIES CARDS CASES FOLDER: runs a set of cases in a guest, with the programs fastpath and zerocopy of FOLDER. Its
# console goes to standard output. SECONDS_PER_GUEST bounds it (default 300).
#   CARDS: `igb` or `virtio`, the two ports of the inspector. The hosts behind them are virtio-net cards.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
series=$1 cards=$2 cases=$3 folder=$(cd "$4" && pwd)
kernel=$(cd "$here/../../.." && pwd)/target/zerocopy/kernel-$series
image=$(find "$kernel" -name 'vmlinuz*' -type f | head -n 1)

case $cards in
igb) port=igb ;;
# Without an IOMMU between them and the guest, virtio-net refuses zero-copy.
virtio) port=virtio-net-pci,disable-legacy=on,iommu_platform=on ;;
*) echo "boot.sh: no cards called $cards" >&2 && exit 2 ;;
esac

options=(
    # A processor in software: no /dev/kvm is needed, and it is the same everywhere.
    -accel "tcg,thread=multi,tb-size=256" -cpu max -machine q35 -smp 4 -m 1024
    -nodefaults -no-user-config -display none -no-reboot -serial stdio -monitor none
    -kernel "$image" -initrd "$kernel/initrd.img"
    -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off tsc=reliable nowatchdog folder=$folder cases=$cases"
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
    -netdev "hubport,id=client,hubid=0" -netdev "hubport,id=in,hubid=0"
    -netdev "hubport,id=out,hubid=1" -netdev "hubport,id=server,hubid=1"
    -device "pcie-root-port,id=slot0,chassis=1,slot=1" -device "pcie-root-port,id=slot1,chassis=2,slot=2"
    -device "$port,netdev=in,mac=02:00:00:00:00:a0,bus=slot0" -device "$port,netdev=out,mac=02:00:00:00:00:b0,bus=slot1"
    -device "virtio-net-pci,disable-legacy=on,netdev=client,mac=02:00:00:00:00:01"
    -device "virtio-net-pci,disable-legacy=on,netdev=server,mac=02:00:00:00:00:02"
)
exec timeout --kill-after 5 "${SECONDS_PER_GUEST:-300}" qemu-system-x86_64 "${options[@]}" </dev/null
