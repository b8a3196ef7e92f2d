# What each knob was before the first apply: a file per knob under STATE/before, written before the knob is changed and
# never overwritten, so that restore is exact after any number of applies and after a crash.

# One apply or restore at a time. Called by those that write.
lock_state() {
    mkdir -p "$STATE" 2>/dev/null && [ -w "$STATE" ] || fail "$STATE cannot be written: this needs root"
    exec 9>"$STATE/lock"
    flock -w 10 9 || fail "another apply or restore is running"
}

# keep KIND FAMILY KEY VALUE: appears whole or not at all.
keep() {
    local file=$STATE/$1/$2/$3
    mkdir -p "${file%/*}" && printf '%s\n' "$4" >"$STATE/new" && mv "$STATE/new" "$file"
}

record() {
    [ -e "$STATE/before/$1/$2" ] || keep before "$1" "$2" "$3"
}

recorded() {
    cat "$STATE/before/$1/$2"
}

# Keys of a family, the last first.
recorded_keys() {
    [ ! -d "$STATE/before/$1" ] || find "$STATE/before/$1" -type f -printf '%P\n' | sort -r
}

forget() {
    rm -f "$STATE/before/$1/$2" "$STATE/rounded/$1/$2" "$STATE/refused/$1/$2"
}

# A driver may round a value; the next apply takes what it made of it for what was wanted.
rounded_to() {
    holds rounded "$@"
}

# Or refuse one that it does not have; a check knows it from the last apply.
refused() {
    holds refused "$@"
}

holds() {
    local file=$STATE/$1/$2/$3
    [ -e "$file" ] && [ "$(<"$file")" = "$4 => $5" ]
}
