package launch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// ports are all that one node listens on.
type ports struct {
	http, grpc, gossip, data, raft, raftRPC int
}

// Free ports are looked for below the range that the kernel takes for outgoing connections (32768 and
// up on Linux): there a connection of the server itself could hold a port before it listens on it.
const (
	lowestPort  = 10000
	highestPort = 32000
	portTries   = 100
)

var errNoPorts = errors.New("no free ports on loopback")

// choosePorts checks the ports that the user named and picks free ones for the rest.
func choosePorts(http, grpc int) (ports, error) {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	// Everything chosen stays taken until the last port is chosen, so that none is handed out twice.
	take := func(port int) bool {
		l, err := net.Listen("tcp", address(port))
		if err == nil {
			listeners = append(listeners, l)
		}
		return err == nil
	}

	for _, named := range []struct {
		setting string
		port    int
	}{{"HTTP_PORT", http}, {"GRPC_PORT", grpc}} {
		if named.port != 0 && !take(named.port) {
			return ports{}, fmt.Errorf("port %d is taken: set %s to another one", named.port, named.setting)
		}
	}
	// Six in a row, because a node on localhost dials its RAFT RPC at RAFT_PORT + 1, whatever
	// RAFT_INTERNAL_RPC_PORT says (cluster/resolver/rpc.go).
	const count = 6
	for range portTries {
		first := lowestPort + rand.IntN(highestPort-lowestPort)
		if takeRow(take, first, count) {
			p := ports{http: first, grpc: first + 1, gossip: first + 2, data: first + 3, raft: first + 4, raftRPC: first + 5}
			if http != 0 {
				p.http = http
			}
			if grpc != 0 {
				p.grpc = grpc
			}
			return p, nil
		}
	}
	return ports{}, fmt.Errorf("%w: %d rows of %d between %d and %d were tried", errNoPorts, portTries, count, lowestPort, highestPort)
}

func takeRow(take func(port int) bool, first, count int) bool {
	for port := first; port < first+count; port++ {
		if !take(port) {
			return false
		}
	}
	return true
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
