# irqbalance would move the interrupts away again: a drop-in, gone with the next boot, tells it to leave them.

# Interrupts of all ports that were ever applied stay excluded until restore.
irqbalance_list() {
    local port numbers
    numbers=$({
        for port in "${PORTS[@]}"; do chosen_irqs "$port"; done | cut -d ' ' -f 1
        irqbalance_excluded
    } | sort -nu | xargs)
    [ -z "$numbers" ] || knob host/excluded "$numbers" "irqbalance leaves the interrupts of the chosen queues where they are"
}

IRQBALANCE_DROPIN=$ROOT/run/systemd/system/irqbalance.service.d/fastpath-tuning.conf
IRQBALANCE_ENVIRONMENT=$ROOT/run/systemd/system/irqbalance.service.d/fastpath-tuning.env

irqbalance_excluded() {
    [ ! -e "$IRQBALANCE_ENVIRONMENT" ] || grep -oE -- '--banirq=[0-9]+' "$IRQBALANCE_ENVIRONMENT" | cut -d = -f 2 | sort -nu
}

irqbalance_look() {
    local numbers
    systemctl cat irqbalance.service >/dev/null 2>&1 || { echo "there is no irqbalance service" >&2; return 1; }
    numbers=$(irqbalance_excluded | xargs)
    echo "${numbers:-none}"
}

irqbalance_set() {
    local name arguments number
    [ "$2" != none ] || { irqbalance_put_back "$@"; return; }
    mkdir -p "${IRQBALANCE_DROPIN%/*}" || return 1
    # The list comes first and goes last: where it is, look knows that there is something to take away.
    # Units of different distributions use one name or the other; both keep what the operator wrote there.
    for name in OPTIONS IRQBALANCE_ARGS; do
        arguments=$(sed -nE "s/^$name=[\"']?([^\"']*)[\"']?\$/\\1/p" "$ETC/default/irqbalance" 2>/dev/null | tail -n 1)
        for number in $2; do
            arguments+=" --banirq=$number"
        done
        echo "$name=\"${arguments# }\""
    done >"$STATE/new" &&
        printf '[Service]\nEnvironmentFile=-%s\n' "$IRQBALANCE_ENVIRONMENT" >"$STATE/new-dropin" &&
        mv "$STATE/new" "$IRQBALANCE_ENVIRONMENT" && mv "$STATE/new-dropin" "$IRQBALANCE_DROPIN" &&
        systemctl daemon-reload && systemctl try-restart irqbalance.service
}

irqbalance_put_back() {
    if [ "$2" != none ]; then
        irqbalance_set "$@"
        return
    fi
    rm -f "$IRQBALANCE_DROPIN" && rm -f "$IRQBALANCE_ENVIRONMENT" && systemctl daemon-reload && systemctl try-restart irqbalance.service
}
