# Three places and what is between them, each a network namespace, with lines of `tc netem`: a server at 160 ms and
# 20 Mbit/s from everybody, and an edge at 5 ms from a device (`server/tests/api_server/namespaces.rs`).
modules=/usr/lib/uml/modules/$(uname -r)/kernel
insmod "$modules/drivers/net/veth.ko"
insmod "$modules/net/sched/sch_netem.ko"

place() {
    ip netns add "$1"
    ip -n "$1" link set lo up
}

# line PLACE NUMBER DELAY [rate RATE]: the delay is one way's, and both ways are as narrow.
line() {
    place=$1 number=$2 delay=$3
    shift 3
    place "$place"
    ip link add line netns "$place" type veth peer name "$place" netns between
    ip -n "$place" addr add "10.77.$number.2/24" dev line
    ip -n between addr add "10.77.$number.1/24" dev "$place"
    ip -n "$place" link set line up
    ip -n between link set "$place" up
    ip -n "$place" route add 10.77.0.0/16 via "10.77.$number.1"
    ip netns exec "$place" tc qdisc add dev line root netem delay "$delay" "$@" limit 10000
    ip netns exec between tc qdisc add dev "$place" root netem delay "$delay" "$@" limit 10000
}

place between
ip netns exec between sysctl -qw net.ipv4.ip_forward=1
line origin 1 78.75ms rate 20mbit
line edge 2 1.25ms
line device 3 1.25ms
ip netns exec device ping -q -c 4 10.77.1.2
ip netns exec device ping -q -c 4 10.77.2.2
