#!/bin/sh
# The first program of a Linux of its own (`xtask/src/kernel.rs`): readies what programs take for granted, does what
# the script beside says, leaves its exit code for who waits outside, and switches off.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ip link set lo up
ulimit -n 1048576
# Where a port is asked for by a hundred thousand callers.
sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.core.somaxconn=65535

. "$WORK/script.sh"
echo $? >"$WORK/exit"
sync
echo o >/proc/sysrq-trigger
sleep 10
