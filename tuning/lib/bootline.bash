# The boot line, which only a reboot brings into force: printed, and written when asked.

BOOTLINE_FILE=$ETC/default/grub.d/fastpath-tuning.cfg
BOOTLINE_MARK='# Written by fastpath: tuning/restore --boot-line takes it away.'

bootline_words() {
    local cores
    # shellcheck disable=SC2046
    cores=$(compact_list $(printf '%s\n' "${CORES[@]}" | sort -nu))
    echo "isolcpus=managed_irq,domain,$cores nohz_full=$cores rcu_nocbs=$cores"
}

bootline_list() {
    knob host/words "$(bootline_words)" "the scheduler, its tick and RCU leave the workers' cores alone: apply --write-boot-line, or add them yourself"
}

bootline_look() {
    local line word out=''
    line=" $(read_value "$PROC/cmdline") " || return 1
    for word in $(bootline_words); do
        [[ $line != *" $word "* ]] || out+=" $word"
    done
    out=${out# }
    echo "${out:-none of them}"
}

# Idempotent; a file of somebody else is never overwritten.
bootline_write() {
    local text
    if [ -e "$BOOTLINE_FILE" ] && [ "$(head -n 1 "$BOOTLINE_FILE")" != "$BOOTLINE_MARK" ]; then
        echo "$BOOTLINE_FILE is not ours: left alone" >&2
        return 1
    fi
    [ -d "${BOOTLINE_FILE%/*}" ] || { echo "there is no ${BOOTLINE_FILE%/*}: give your boot loader these words: $(bootline_words)" >&2; return 1; }
    text="$BOOTLINE_MARK"$'\n'"GRUB_CMDLINE_LINUX_DEFAULT=\"\$GRUB_CMDLINE_LINUX_DEFAULT $(bootline_words)\""
    if [ -e "$BOOTLINE_FILE" ] && [ "$(<"$BOOTLINE_FILE")" = "$text" ]; then
        return
    fi
    printf '%s\n' "$text" >"$BOOTLINE_FILE.new" && mv "$BOOTLINE_FILE.new" "$BOOTLINE_FILE" && update-grub
}

bootline_remove() {
    [ -e "$BOOTLINE_FILE" ] || return 0
    [ "$(head -n 1 "$BOOTLINE_FILE")" = "$BOOTLINE_MARK" ] || { echo "$BOOTLINE_FILE is not ours: left alone" >&2; return 1; }
    rm "$BOOTLINE_FILE" && update-grub
}
