package server

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Cluster runs several servers as one cluster until the end of the test, and returns once all are
// ready. Options apply to each; Dir holds a folder for each of them.
func Cluster(t testing.TB, nodes int, options Options) []*Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	free, err := freePorts(nodes)
	if err != nil {
		t.Fatal(err)
	}
	servers := make([]*Server, nodes)
	var members []string
	for i := range servers {
		servers[i] = &Server{Dir: filepath.Join(options.Dir, nodeName(i)), ports: free[i]}
		if err := os.Mkdir(servers[i].Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		members = append(members, nodeName(i)+":"+free[i].raft.String())
	}
	for i, s := range servers {
		s.HTTP, s.GRPC = s.ports.address(s.ports.http), s.ports.address(s.ports.grpc)
		s.Metrics = s.ports.address(s.ports.metrics)
		s.options = options
		s.options.Env = maps.Clone(options.Env)
		if s.options.Env == nil {
			s.options.Env = map[string]string{}
		}
		s.options.Env["CLUSTER_HOSTNAME"] = nodeName(i)
		s.options.Env["RAFT_JOIN"] = strings.Join(members, ",")
		s.options.Env["RAFT_BOOTSTRAP_EXPECT"] = strconv.Itoa(nodes)
		if i > 0 {
			s.options.Env["CLUSTER_JOIN"] = servers[0].ports.address(servers[0].ports.gossip)
		}
	}
	// None is ready before most of the others have started.
	t.Cleanup(func() {
		for _, s := range servers {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	for _, s := range servers {
		err = errors.Join(err, s.Launch())
	}
	for _, s := range servers {
		if err == nil {
			err = s.waitReady()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

func nodeName(i int) string { return fmt.Sprintf("node%d", i+1) }
