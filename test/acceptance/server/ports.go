package server

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// host is the only address that the tests listen on.
const host = "127.0.0.1"

type port int

func (p port) String() string { return strconv.Itoa(int(p)) }

// ports that one server listens on. They are consecutive: a node that runs on localhost dials the
// RPC port of RAFT at the RAFT port plus one, whatever it was told.
type ports struct {
	http, grpc, gossip, data, raft, raftRPC, metrics port
}

func (ports) address(p port) string { return net.JoinHostPort(host, p.String()) }

// freePorts finds ports for so many servers that nothing listens on now. They are drawn from below
// the range that systems give to outgoing connections, since a restarted server needs the very same
// ports again and no connection should sit on them meanwhile.
func freePorts(servers int) ([]ports, error) {
	const first, last, attempts, each = 15000, 32000, 100, 7
	for range attempts {
		p := port(first + rand.IntN(last-first))
		if areFree(p, p+port(each*servers-1)) {
			all := make([]ports, servers)
			for i := range all {
				all[i] = ports{p, p + 1, p + 2, p + 3, p + 4, p + 5, p + 6}
				p += each
			}
			return all, nil
		}
	}
	return nil, fmt.Errorf("server: no %d free ports in a row between %d and %d on %s", each*servers, first, last, host)
}

func areFree(first, last port) bool {
	for p := first; p <= last; p++ {
		if !isFree(p) {
			return false
		}
	}
	return true
}

// isFree tries TCP and UDP, because gossip uses both.
func isFree(p port) bool {
	address := net.JoinHostPort(host, p.String())
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	return udp.Close() == nil
}
