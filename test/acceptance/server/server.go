// Package server runs the built server as a process of a test: on free loopback ports, in a
// directory of its own, ready when Start returns and gone when the test ends.
package server

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Deadlines. They only bound a hang: a server is ready in about three seconds on an idle machine,
// and the machines that run these tests are not idle.
const (
	readyWithin = 120 * time.Second
	stopWithin  = 60 * time.Second
)

// Options of one server. The zero value is a server with the product's defaults.
type Options struct {
	// Binary to run instead of the one under test.
	Binary string
	// Env is set over the environment that the harness gives to every server.
	Env map[string]string
	// Dir holds data, backups and log; empty: a directory that is removed when the test ends.
	Dir string
}

// Server is one server process and what it keeps across restarts. It is not safe for concurrent
// use, but for its addresses.
type Server struct {
	HTTP string // host:port of REST and GraphQL
	GRPC string // host:port of gRPC
	Dir  string // data/, backups/ and server.log

	// Metrics is host:port of what Prometheus reads, if Options.Env enables it.
	Metrics string

	options Options
	ports   ports
	process *exec.Cmd
	log     *os.File
	exited  chan struct{} // closed when process has ended
}

// Start runs a server until the end of the test, and returns once it is ready.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	s, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Open is Start for a caller that has no test at hand: it must call Stop, and Options.Dir is
// required.
func Open(options Options) (*Server, error) {
	// Between the choice of a free port and the server's listening on it, another process may take
	// the port: then other ports are tried.
	const attempts = 5
	var err error
	for range attempts {
		var free []ports
		if free, err = freePorts(1); err != nil {
			return nil, err
		}
		s := &Server{Dir: options.Dir, options: options, ports: free[0]}
		s.HTTP, s.GRPC = s.ports.address(s.ports.http), s.ports.address(s.ports.grpc)
		s.Metrics = s.ports.address(s.ports.metrics)
		if err = s.Restart(); err == nil {
			return s, nil
		}
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, err
}

// Restart starts the stopped or killed server again, on the same ports and data, and returns once
// it is ready.
func (s *Server) Restart() error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.waitReady()
}

func (s *Server) waitReady() error {
	deadline := time.After(readyWithin)
	for !s.ready() {
		select {
		case <-s.exited:
			return fmt.Errorf("server: exited with status %d before it was ready\n%s",
				s.process.ProcessState.ExitCode(), s.LogTail())
		case <-deadline:
			err := fmt.Errorf("server: not ready within %s\n%s", readyWithin, s.LogTail())
			return errors.Join(err, s.Kill())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Stop asks the server to end and waits until it has. It is an error if it has to be killed.
func (s *Server) Stop() error {
	if s.Stopped() {
		return nil
	}
	if err := s.Terminate(); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopWithin):
		err := fmt.Errorf("server: did not stop within %s\n%s", stopWithin, s.LogTail())
		return errors.Join(err, s.Kill())
	}
}

// Terminate asks the server to end and returns at once, see [Server.Stop].
func (s *Server) Terminate() error {
	if s.Stopped() {
		return nil
	}
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("server: stop: %w", err)
	}
	return nil
}

// Kill ends the server at once, as a crash of the process would (kill -9), and waits until it is
// gone.
func (s *Server) Kill() error {
	if s.Stopped() {
		return nil
	}
	if err := s.process.Process.Kill(); err != nil {
		return fmt.Errorf("server: kill: %w", err)
	}
	<-s.exited
	return nil
}

// Log is everything that the server has written since the first start.
func (s *Server) Log() string {
	log, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(log)
}

// LogTail is the end of the log, for the message of a failure.
func (s *Server) LogTail() string {
	const lines = 25
	all := strings.Split(strings.TrimRight(s.Log(), "\n"), "\n")
	return "last lines of " + s.logPath() + ":\n" + strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Exit is how a server ended that was not able to start.
type Exit struct {
	Code      int
	Log       string
	LastWords string // the last line of Log: what an operator reads first
}

// Fail starts a server that is expected to end by itself before it is ready, and returns how it
// did. A server that becomes ready fails the test.
func Fail(t testing.TB, options Options) Exit {
	t.Helper()
	free, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: t.TempDir(), options: options, ports: free[0]}
	s.HTTP = s.ports.address(s.ports.http)
	if err := s.Launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	deadline := time.After(readyWithin)
	for {
		select {
		case <-s.exited:
			log := strings.TrimRight(s.Log(), "\n")
			return Exit{
				Code: s.process.ProcessState.ExitCode(), Log: log,
				LastWords: log[strings.LastIndexByte(log, '\n')+1:],
			}
		case <-deadline:
			t.Fatalf("server: still running after %s, neither ready nor ended\n%s", readyWithin, s.LogTail())
		case <-time.After(50 * time.Millisecond):
			if s.ready() {
				t.Fatalf("server: became ready, expected it to refuse to start\n%s", s.LogTail())
			}
		}
	}
}

// Launch starts the process and returns without waiting for it to be ready, see [Server.Restart].
func (s *Server) Launch() error {
	binary := s.options.Binary
	if binary == "" {
		var err error
		if binary, err = underTest(); err != nil {
			return err
		}
	}
	var err error
	if s.log, err = os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.process = exec.Command(binary, "--host", host, "--port", s.ports.http.String(), "--scheme", "http")
	s.process.Env = s.environment()
	s.process.Dir = s.Dir
	s.process.Stdout, s.process.Stderr = s.log, s.log
	s.process.SysProcAttr = endWithParent()
	if err := s.process.Start(); err != nil {
		return errors.Join(fmt.Errorf("server: %w", err), s.log.Close())
	}
	s.exited = make(chan struct{})
	go func() {
		defer close(s.exited)
		// The status is read from ProcessState; a killed process is no error here.
		_ = s.process.Wait()
		_ = s.log.Close()
	}()
	return nil
}

// environment of the process: hermetic, but for what finds programs and libraries, and the
// product's own variables.
func (s *Server) environment() []string {
	env := []string{}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case name == "COLPALI_SERVER", name == "COLPALI_PYTHON": // for the harness, not for the server
		case name == "PATH", name == "HOME", name == "TMPDIR", name == "LD_LIBRARY_PATH":
			env = append(env, pair)
		case strings.HasPrefix(name, "COLPALI_"):
			env = append(env, pair)
		}
	}
	for name, value := range map[string]string{
		"PERSISTENCE_DATA_PATH":                   filepath.Join(s.Dir, "data"),
		"BACKUP_FILESYSTEM_PATH":                  filepath.Join(s.Dir, "backups"),
		"ENABLE_MODULES":                          "backup-filesystem",
		"DEFAULT_VECTORIZER_MODULE":               "none",
		"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
		"QUERY_DEFAULTS_LIMIT":                    "20",
		"DISABLE_TELEMETRY":                       "true",
		"GO_PROFILING_DISABLE":                    "true",
		"GRPC_PORT":                               s.ports.grpc.String(),
		"PROMETHEUS_MONITORING_PORT":              s.ports.metrics.String(),
		"CLUSTER_HOSTNAME":                        "node1",
		"CLUSTER_IN_LOCALHOST":                    "true",
		"CLUSTER_ADVERTISE_ADDR":                  host,
		"CLUSTER_GOSSIP_BIND_PORT":                s.ports.gossip.String(),
		"CLUSTER_DATA_BIND_PORT":                  s.ports.data.String(),
		"RAFT_PORT":                               s.ports.raft.String(),
		"RAFT_INTERNAL_RPC_PORT":                  s.ports.raftRPC.String(),
		"RAFT_JOIN":                               "node1:" + s.ports.raft.String(),
		"RAFT_BOOTSTRAP_EXPECT":                   "1",
		// The default of 5 spends seven seconds of each start on the election of a lone node.
		"RAFT_TIMEOUTS_MULTIPLIER": "1",
	} {
		env = append(env, name+"="+value)
	}
	// Of a name that occurs twice, the last one counts (os/exec).
	for name, value := range s.options.Env {
		env = append(env, name+"="+value)
	}
	return env
}

func (s *Server) ready() bool {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://" + s.HTTP + "/v1/.well-known/ready")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stopped reports whether no process is running.
func (s *Server) Stopped() bool {
	if s.process == nil {
		return true
	}
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

func (s *Server) logPath() string { return filepath.Join(s.Dir, "server.log") }

// underTest is the path of the binary that these tests are about.
func underTest() (string, error) {
	path := os.Getenv("COLPALI_SERVER")
	if path == "" {
		path = filepath.Join(Repository(), "bin", "weaviate-colpali")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("server: no binary to test: %w: run `make server`, or set COLPALI_SERVER", err)
	}
	return filepath.Abs(path)
}

// Repository is the root of the repository that these tests belong to.
func Repository() string {
	// go test runs each package in its own directory: the root is the nearest one above that holds
	// the module that is tested.
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "module", "server")); err == nil {
			return dir
		}
	}
	panic("server: the tests do not run inside the repository")
}
