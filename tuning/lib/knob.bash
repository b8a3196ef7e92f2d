# A family of knobs is four functions in a file of its own:
#   FAMILY_list               a line for each knob: `knob KEY WANTED WHY`, KEY being PORT/NAME or host/NAME; or `kept KEY`,
#                             for what apply does not set but another knob disturbs
#   FAMILY_look KEY           prints the value it has; fails, with the reason on stderr, where there is no such knob
#   FAMILY_set KEY VALUE      fails with the reason on stderr
#   FAMILY_put_back KEY VALUE sets what look printed once
# Here they are driven: looked at, recorded, set, looked at again.

# In this order. Restore keeps it: an indirection table can name a queue only when the queue is there.
FAMILIES=(channels rings offload pause rss flowhash ntuple coalesce napi irqbalance irq queuefiles xps hugepages governor cstates sysctl)
# Those that change nothing but the chosen queues and the chosen cores.
NARROW=(ntuple coalesce irqbalance irq xps governor cstates)
# What a script cannot or must not change by itself.
ADVICE=(numa rssadvice memlock bootline)

CHANGED=0 RIGHT=0 DIFFERENT=0 UNSUPPORTED=0 FAILED=0

for family in "${FAMILIES[@]}" "${ADVICE[@]}"; do
    # shellcheck source=/dev/null
    . "$TUNING/lib/$family.bash"
done

knob() {
    printf '%s\x1f%s\x1f%s\n' "$1" "$2" "$3"
}

# Without a reason: recorded, never set.
kept() {
    knob "$1" '' ''
}

say() {
    local status=$1 family=$2 key=$3
    shift 3
    printf '%-13s %s: %s\n' "$status" "${key%%/*} $family ${key#*/}" "$*"
}

brief() {
    local value=$1
    ((${#value} <= 60)) || value="${value:0:57}..."
    echo "$value"
}

# A refusal that means "this driver, kernel or ethtool has no such thing".
is_unsupported() {
    [[ $1 =~ (not supported|[Uu]nsupported|EOPNOTSUPP|bad command line|unknown option|unrecognized) ]]
}

# A failure to look that says nothing about what the driver has.
is_trouble() {
    [[ $1 =~ (not permitted|[Pp]ermission denied|[Bb]usy|[Tt]imed out|[Tt]emporarily|[Ii]nput/output|not found) ]]
}

# One line, without bash's own prefix.
reason() {
    local text=${1//$'\n'/; }
    echo "${text#*lib/files.bash: line [0-9]*: }"
}

# each_knob VISITOR FAMILY...
each_knob() {
    local visitor=$1 family key want why knobs
    shift
    for family; do
        # The whole list first: it reads what the visitor changes.
        knobs=$("${family}_list") || true
        [ -n "$knobs" ] || continue
        while IFS=$'\x1f' read -r key want why <&3; do
            "$visitor" "$family" "$key" "$want" "$why"
        done 3<<<"$knobs"
    done
}

families() {
    if [ "$PROFILE" != shared-host ]; then
        echo "${FAMILIES[@]}"
    else
        echo "${NARROW[@]}"
    fi
}

record_knob() {
    local now
    ! now=$("$1_look" "$2" 2>&1) || record "$1" "$2" "$now"
}

# Sets NOW of the caller; fails, with a word to the operator, when there is nothing to do.
differs() {
    [ -n "$4" ] || return 1
    if ! now=$("$1_look" "$2" 2>&1); then
        if is_trouble "$now"; then
            FAILED=$((FAILED + 1))
            say FAILED "$1" "$2" "cannot be looked at: $(reason "$now")"
        else
            UNSUPPORTED=$((UNSUPPORTED + 1))
            say 'not there' "$1" "$2" "$(reason "$now")"
        fi
    elif [ "$now" = "$3" ] || rounded_to "$1" "$2" "$3" "$now"; then
        RIGHT=$((RIGHT + 1))
        say ok "$1" "$2" "$(brief "$now")"
    else
        return 0
    fi
    return 1
}

check_knob() {
    local now
    differs "$@" || return 0
    if refused "$1" "$2" "$3" "$now"; then
        UNSUPPORTED=$((UNSUPPORTED + 1))
        say 'not there' "$1" "$2" "$(brief "$3"): refused when apply asked for it"
        return
    fi
    DIFFERENT=$((DIFFERENT + 1))
    say "${DIFFERENT_WORD:-differs}" "$1" "$2" "$(brief "$now") -> $(brief "$3") ($4)"
}

# Advice counts for nothing: it is the operator's to take.
advise() {
    local now
    now=$("$1_look" "$2" 2>&1) || return 0
    if [ "$now" = "$3" ]; then
        say ok "$1" "$2" "$now"
    else
        say advice "$1" "$2" "$now -> $3 ($4)"
    fi
}

apply_knob() {
    local family=$1 key=$2 want=$3 why=$4 now after said
    differs "$@" || return 0
    if ! record "$family" "$key" "$now"; then
        FAILED=$((FAILED + 1))
        say FAILED "$family" "$key" "its value cannot be recorded in $STATE, so it is left alone"
    elif ! said=$("${family}_set" "$key" "$want" 2>&1); then
        if is_unsupported "$said"; then
            UNSUPPORTED=$((UNSUPPORTED + 1))
            say 'not there' "$family" "$key" "$(reason "$said")"
            keep refused "$family" "$key" "$want => $now"
        else
            FAILED=$((FAILED + 1))
            say FAILED "$family" "$key" "$(brief "$now") -> $(brief "$want"): $(reason "$said")"
        fi
    else
        after=$("${family}_look" "$key" 2>&1) || true
        if [ "$after" = "$now" ]; then
            FAILED=$((FAILED + 1))
            say FAILED "$family" "$key" "still $(brief "$now"), wanted $(brief "$want")"
            return
        fi
        CHANGED=$((CHANGED + 1))
        say changed "$family" "$key" "$(brief "$now") -> $(brief "$after") ($why)"
        [ "$after" = "$want" ] || keep rounded "$family" "$key" "$want => $after"
    fi
}

# restore_knob FAMILY KEY PASS: the first pass puts back, the second makes sure that no later knob disturbed it.
restore_knob() {
    local family=$1 key=$2 pass=$3 before now said
    before=$(recorded "$family" "$key")
    if ! now=$("${family}_look" "$key" 2>&1); then
        if is_trouble "$now"; then
            if ((pass == 2)); then
                FAILED=$((FAILED + 1))
                say FAILED "$family" "$key" "cannot be looked at: $(reason "$now"). Before: $before"
            fi
        elif ((pass == 2)); then
            say gone "$family" "$key" "$(reason "$now")"
            forget_unless_failed "$family" "$key"
        fi
        return
    fi
    if [ "$now" != "$before" ]; then
        if [ -n "$DRY_RUN" ]; then
            say 'would restore' "$family" "$key" "$(brief "$now") -> $(brief "$before")"
            return
        fi
        if ! said=$("${family}_put_back" "$key" "$before" 2>&1) || [ "$("${family}_look" "$key" 2>&1)" != "$before" ]; then
            if ((pass == 2)); then
                FAILED=$((FAILED + 1))
                say FAILED "$family" "$key" "still $(brief "$now"), before: $before. $(reason "$said")"
            fi
            return
        fi
        CHANGED=$((CHANGED + 1))
        say restored "$family" "$key" "$(brief "$now") -> $(brief "$before")"
    fi
    ((pass == 1)) || forget_unless_failed "$family" "$key"
}

# When what failed is put back by a later restore, such as a queue count, it may bring this knob back or disturb it again.
forget_unless_failed() {
    ((FAILED)) || forget "$@"
}

restore_all() {
    local pass family key keys passes='1 2'
    [ -z "$DRY_RUN" ] || passes=1
    for pass in $passes; do
        for family in "${FAMILIES[@]}"; do
            keys=$(recorded_keys "$family")
            [ -n "$keys" ] || continue
            while IFS= read -r key <&3; do
                restore_knob "$family" "$key" "$pass"
            done 3<<<"$keys"
        done
    done
}
