#!/usr/bin/env bash
# image.sh BUSYBOX KERNEL_ROOT IMAGE: an initramfs of busybox, the modules of the rig's devices, and guest/init.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
busybox=$1 kernel=$2 image=$3
applets='sh mount mkdir insmod cp chroot poweroff ln'
# In 6.1 virtio_pci is a module; from 6.12 it is built in. The tests of the XDP program want veth.
modules='virtio_pci igb virtio_net veth 9pnet_virtio 9p'

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root"/{bin,proc,dev,host,modules}
cp "$busybox" "$root/bin/busybox"
for applet in $applets; do
    ln -s busybox "$root/bin/$applet"
done
install -m 755 "$here/guest/init" "$root/init"

# modprobe looks under lib, the packages of newer kernels have usr/lib only.
[ -d "$kernel/lib/modules" ] || ln -s usr/lib "$kernel/lib"
release=$(basename "$kernel"/lib/modules/*)
depmod -b "$kernel" "$release" 2>/dev/null
for module in $modules; do
    # Fails for what is built in, which is fine; what is really missing shows when the guest has no such card.
    modprobe -d "$kernel" -S "$release" --show-depends "$module" 2>/dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
    while read -r file; do
        name=$(basename "$file" .xz)
        case $file in
        *.xz) xz -dc "$file" ;;
        *) cat "$file" ;;
        esac >"$root/modules/$name"
        echo "$name" >>"$root/modules/order"
    done
(cd "$root" && find . | cpio --create --format newc --owner 0:0 --quiet) >"$image.new"
mv "$image.new" "$image"
