package acceptance

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/grpc"

	"weaviate-colpali/test/acceptance/server"
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// node is a running server with the clients that the tests talk to it by.
type node struct {
	*server.Server
	rest *weaviate.Client // batches over HTTP, searches over GraphQL
	grpc *weaviate.Client // batches and searches over gRPC

	headers map[string]string
}

// newNode returns a server with clients that send headers with whatever they ask.
func newNode(s *server.Server, headers map[string]string) (*node, error) {
	rest, err := weaviate.NewClient(weaviate.Config{Host: s.HTTP, Scheme: "http", Headers: headers})
	if err != nil {
		return nil, err
	}
	overGRPC, err := weaviate.NewClient(weaviate.Config{
		Host: s.HTTP, Scheme: "http", Headers: headers, GrpcConfig: &grpc.Config{Host: s.GRPC},
	})
	if err != nil {
		return nil, err
	}
	return &node{s, rest, overGRPC, headers}, nil
}

// Restart is that of the server, with new clients: the connection of an old one, which found nobody there,
// may wait for up to two minutes before it tries again, and fails meanwhile.
func (n *node) Restart() error {
	if err := n.Server.Restart(); err != nil {
		return err
	}
	renewed, err := newNode(n.Server, n.headers)
	if err != nil {
		return err
	}
	*n = *renewed
	return nil
}

// start runs a server for one test alone.
func start(t *testing.T, options server.Options) *node {
	t.Helper()
	n, err := newNode(server.Start(t, options), nil)
	require.NoError(t, err)
	return n
}

// shared is one server for all tests that need neither a restart nor settings of their own: a start
// costs some seconds. Each test uses collections of its own name and removes them.
func shared(t *testing.T) *node {
	t.Helper()
	n, err := sharedNode()
	require.NoError(t, err)
	return n
}

var (
	sharedNode = sync.OnceValues(func() (*node, error) {
		dir, err := os.MkdirTemp("", "acceptance-")
		if err != nil {
			return nil, err
		}
		s, err := server.Open(server.Options{Dir: dir})
		if err != nil {
			return nil, err
		}
		// Read by stopShared only: whether it has been started is not to be asked by starting it.
		started = s
		return newNode(s, nil)
	})
	started *server.Server
)

func stopShared() error {
	if started == nil {
		return nil
	}
	if err := started.Stop(); err != nil {
		return err
	}
	return os.RemoveAll(started.Dir)
}
