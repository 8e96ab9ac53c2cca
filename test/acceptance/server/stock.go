package server

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stock builds the server of the Weaviate release that ours is made of, as it is published, and returns its path.
// TestUnpatchedRefused compiles the same packages, so that for one of the two there is little left but to link them.
func Stock(t testing.TB) string {
	t.Helper()
	return build(t, filepath.Join("build", "stock", "weaviate-server"), "github.com/weaviate/weaviate/cmd/weaviate-server")
}

// build compiles a main package of the repository's module; what is up to date is left alone.
func build(t testing.TB, binary, main string) string {
	t.Helper()
	binary = filepath.Join(Repository(), binary)
	compile := exec.Command("go", "build", "-trimpath", "-o", binary, main)
	compile.Dir = Repository()
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("server: build %s: %v\n%s", main, err, out)
	}
	return binary
}

// ready is what the embedding server says once it is.
var ready = regexp.MustCompile(`msg=ready baseURL=(\S+)`)

// StartEmbedder runs the embedding server until the end of the test, and returns its address as a collection's
// baseURL. It must end by itself when it is asked to. flags are more of its own.
func StartEmbedder(t testing.TB, key string, flags ...string) (baseURL string) {
	t.Helper()
	// Beside the server, whose ONNX Runtime it finds there.
	binary := build(t, filepath.Join("bin", "colpali-embed"), "./tools/dev/embedserver")
	process := exec.Command(binary, append([]string{"-listen", host + ":0"}, flags...)...)
	process.Env = append(os.Environ(), "COLPALI_EMBED_KEY="+key)
	process.SysProcAttr = endWithParent()
	log, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(readyWithin, func() { _ = process.Process.Kill() })
	defer hung.Stop()
	var said []string
	lines := bufio.NewScanner(log)
	for baseURL == "" && lines.Scan() {
		said = append(said, lines.Text())
		if found := ready.FindStringSubmatch(lines.Text()); found != nil {
			baseURL = found[1]
		}
	}
	ended := make(chan error, 1)
	go func() {
		for lines.Scan() { // or it would wait for its log to be read
		}
		ended <- process.Wait()
	}()
	if baseURL == "" {
		t.Fatalf("embedding server: ended before it was ready: %v\n%s", <-ended, strings.Join(said, "\n"))
	}
	t.Cleanup(func() {
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(fmt.Errorf("embedding server: stop: %w", err))
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("embedding server: %v", err)
			}
		case <-time.After(stopWithin):
			_ = process.Process.Kill()
			t.Errorf("embedding server: did not stop within %s", stopWithin)
		}
	})
	return baseURL
}
