package launch

import (
	"fmt"
	"net"
	"strconv"
)

// ports are all that one node listens on.
type ports struct {
	http, grpc, gossip, data, raft, raftRPC int
}

// choosePorts checks the ports that the user named and picks free ones for the rest. All listeners
// stay open until the last port is chosen, so that no port is handed out twice.
func choosePorts(http, grpc int) (ports, error) {
	p := ports{http: http, grpc: grpc}
	named := []struct {
		setting string
		port    *int
	}{
		{"HTTP_PORT", &p.http},
		{"GRPC_PORT", &p.grpc},
		{"", &p.gossip},
		{"", &p.data},
		{"", &p.raft},
		{"", &p.raftRPC},
	}
	for _, n := range named {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(*n.port)))
		if err != nil {
			return ports{}, fmt.Errorf("port %d is not free: %w; set %s to another one", *n.port, err, n.setting)
		}
		defer l.Close()
		*n.port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}
