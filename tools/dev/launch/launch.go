// Package launch starts the drop-in server as one node on loopback, the way the demo and
// `make serve` need it.
//
// [Start] picks free ports for everything that is not given, so that a second server on the same
// machine is no conflict, waits until the server says that it is ready, and stops it again without
// leaving a process behind.
package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Options says how the server runs. Zero ports mean any free one.
type Options struct {
	Binary   string    // path of the drop-in server
	DataDir  string    // objects, indexes, schema
	ModelDir string    // model folder; empty means the embedded demo model
	HTTPPort int       // REST and GraphQL
	GRPCPort int       // gRPC
	Log      io.Writer // where the server's own log goes
}

// Server is a running server process.
type Server struct {
	HTTP string // address of REST and GraphQL, host:port
	GRPC string // address of gRPC, host:port

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	err    error         // why, readable once exited is closed
}

const (
	readyTimeout = 15 * time.Minute       // a real model has several gigabytes, read from a disk that may be slow
	readyPoll    = 100 * time.Millisecond // a start takes two to three seconds
	stopTimeout  = 30 * time.Second       // Weaviate flushes memtables on SIGTERM
)

// Start runs the server and returns when it is ready. The process is stopped by [Server.Stop], and
// also when ctx ends before the server is ready.
func Start(ctx context.Context, o Options) (*Server, error) {
	p, err := choosePorts(o.HTTPPort, o.GRPCPort)
	if err != nil {
		return nil, err
	}
	env, err := environment(o, p)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(o.Binary, "--host", loopback, "--port", strconv.Itoa(p.http), "--scheme", "http")
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = o.Log, o.Log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w (run `make server` first)", o.Binary, err)
	}
	s := &Server{
		HTTP: address(p.http), GRPC: address(p.grpc),
		cmd: cmd, exited: make(chan struct{}),
	}
	go func() {
		s.err = cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Stop asks the server to end and waits; a server that does not end in time is killed. Stopping
// twice is fine.
func (s *Server) Stop() error {
	select {
	case <-s.exited:
		return nil
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the server: %w", err)
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("the server did not stop within %s and was killed", stopTimeout)
	}
}

// Exited is closed when the server process is gone.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Err returns how the process ended. It must be called after Exited is closed.
func (s *Server) Err() error { return s.err }

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		select {
		case <-s.exited:
			return fmt.Errorf("the server ended before it was ready (%w); its log says why", s.err)
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready in time: %w", context.Cause(ctx))
		case <-tick.C:
			if ready(ctx, s.HTTP) {
				return nil
			}
		}
	}
}

func ready(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/.well-known/ready", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// defaults give way to the user's own environment: more modules, keys and roles, what is reported.
var defaults = map[string]string{
	"ENABLE_MODULES":                          "backup-filesystem",
	"DEFAULT_VECTORIZER_MODULE":               "none",
	"QUERY_DEFAULTS_LIMIT":                    "20",
	"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
	"DISABLE_TELEMETRY":                       "true",
	"GO_PROFILING_DISABLE":                    "true",
}

// environment is a single node on loopback: nothing listens elsewhere, and nothing is sent out but by modules that a
// collection names.
func environment(o Options, p ports) ([]string, error) {
	data, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, err
	}
	backups := filepath.Join(data, "backups")
	if err := os.MkdirAll(backups, 0o755); err != nil {
		return nil, err
	}
	settings := map[string]string{
		"PERSISTENCE_DATA_PATH":    data,
		"BACKUP_FILESYSTEM_PATH":   backups,
		"CLUSTER_HOSTNAME":         "node1",
		"CLUSTER_IN_LOCALHOST":     "true",
		"CLUSTER_ADVERTISE_ADDR":   loopback,
		"CLUSTER_BIND_ADDR":        loopback,
		"CLUSTER_GOSSIP_BIND_PORT": strconv.Itoa(p.gossip),
		"CLUSTER_DATA_BIND_PORT":   strconv.Itoa(p.data),
		"RAFT_PORT":                strconv.Itoa(p.raft),
		"RAFT_INTERNAL_RPC_PORT":   strconv.Itoa(p.raftRPC),
		"RAFT_JOIN":                fmt.Sprintf("node1:%d", p.raft),
		"RAFT_BOOTSTRAP_EXPECT":    "1",
		// One node elects itself: the election timeout for real clusters would cost 8 s of each start.
		"RAFT_TIMEOUTS_MULTIPLIER": "1",
		"GRPC_PORT":                strconv.Itoa(p.grpc),
	}
	if o.ModelDir != "" {
		dir, err := filepath.Abs(o.ModelDir)
		if err != nil {
			return nil, err
		}
		settings["COLPALI_MODEL_DIR"] = dir
	}
	// Of a name that occurs twice, the last one counts (os/exec).
	return slices.Concat(assignments(defaults), os.Environ(), assignments(settings)), nil
}

func assignments(variables map[string]string) []string {
	var env []string
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	return env
}

const loopback = "127.0.0.1"
