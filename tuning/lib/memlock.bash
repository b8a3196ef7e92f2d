# Advice: a limit belongs to a process. The unit of fastpath sets its own.

memlock_list() {
    knob host/limit unlimited "packet buffers are locked memory: LimitMEMLOCK=infinity in the unit, ulimit -l unlimited in a shell"
}

memlock_look() {
    local limit
    limit=$(ulimit -l) && echo "$limit"
}
