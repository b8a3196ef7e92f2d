# restore after apply has ended anywhere. What a killed apply leaves are its files: a copy of the machine before each
# command that changes something is what a kill there leaves. Some real kills show that the copies tell the truth.

load machine.bash

ONE="--interface eth1 --queues 0 --cores 4 --steer tcp4"

setup() {
    # One port with two queues and one core are enough, and quick.
    make_machine "$BATS_TEST_TMPDIR" 2
    find "$FASTPATH_ROOT" -depth \( -name eth2 -o -name eth3 -o -name 'queue-*' -o -name 'cpu[0-35-7]' \) -exec rm -r {} +
    snapshot >"$BATS_TEST_TMPDIR/before"
    # Read by bash before apply itself: in every function and subshell, STEP runs before a command that changes something.
    cat >"$BATS_TEST_TMPDIR/trap" <<'END'
set -T
trap 'case $BASH_COMMAND in
    "mv "* | "rm "* | "systemctl "[dt]* | "ask_ethtool -"[A-Z]* | "ethtool -"[A-Z]* | "printf "*" > "*) . "$STEP" ;;
esac' DEBUG
END
}

restored() {
    FASTPATH_ROOT=$1/machine NICS=$1/machine/nics "$TUNING/restore" >"$1/said" 2>&1 || return 1
    (FASTPATH_ROOT=$1/machine && snapshot) | diff "$BATS_TEST_TMPDIR/before" - >>"$1/said"
}

@test "restore returns every byte after apply was stopped before any of its steps" {
    local copy worker
    cat >"$BATS_TEST_TMPDIR/step" <<'END'
trap - DEBUG
# While the records are written nothing changes yet: a few of those will do.
if [ -s "$NICS/log" ] || [ "$(ls "$BATS_TEST_TMPDIR/steps" | wc -l)" -lt 4 ]; then
step=$(printf '%s/steps/%03d' "$BATS_TEST_TMPDIR" "$(ls "$BATS_TEST_TMPDIR/steps" | wc -l)")
mkdir "$step"
cp -a "$FASTPATH_ROOT" "$step/machine"
echo "$BASH_COMMAND" >"$step/command"
fi
. "$BATS_TEST_TMPDIR/trap"
END
    mkdir "$BATS_TEST_TMPDIR/steps"
    STEP=$BATS_TEST_TMPDIR/step BASH_ENV=$BATS_TEST_TMPDIR/trap "$TUNING/apply" $ONE
    # And before it says that it is done.
    mkdir "$BATS_TEST_TMPDIR/steps/999" && cp -a "$FASTPATH_ROOT" "$BATS_TEST_TMPDIR/steps/999/machine"
    echo end >"$BATS_TEST_TMPDIR/steps/999/command"
    ls "$BATS_TEST_TMPDIR/steps" | wc -l
    [ "$(ls "$BATS_TEST_TMPDIR/steps" | wc -l)" -gt 30 ]
    for worker in 0 1; do
        for copy in "$BATS_TEST_TMPDIR"/steps/??[$worker$((worker + 2))$((worker + 4))$((worker + 6))$((worker + 8))]; do
            restored "$copy" || touch "$copy/wrong"
        done &
    done
    wait
    for copy in "$BATS_TEST_TMPDIR"/steps/*; do
        [ ! -e "$copy/wrong" ] || { cat "$copy/command" "$copy/said" && return 1; }
    done
}

@test "restore returns every byte after a kill -9" {
    local at
    echo 'echo >>"$BATS_TEST_TMPDIR/count"; [ "$(wc -l <"$BATS_TEST_TMPDIR/count")" -lt "$AT" ] || kill -9 $$ $BASHPID' >"$BATS_TEST_TMPDIR/step"
    for at in 3 35 45; do
        rm -f "$BATS_TEST_TMPDIR/count"
        AT=$at STEP=$BATS_TEST_TMPDIR/step BASH_ENV=$BATS_TEST_TMPDIR/trap run "$TUNING/apply" $ONE
        [ "$status" = 137 ]
        # Restore itself may be killed, too.
        rm "$BATS_TEST_TMPDIR/count"
        AT=10 STEP=$BATS_TEST_TMPDIR/step BASH_ENV=$BATS_TEST_TMPDIR/trap run "$TUNING/restore"
        restored "$BATS_TEST_TMPDIR" || { cat "$BATS_TEST_TMPDIR/said" && return 1; }
    done
}
