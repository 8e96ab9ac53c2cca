package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const weaviatePath = "github.com/weaviate/weaviate"

// weaviateModule is the stock release that go.mod requires, in the module cache.
type weaviateModule struct {
	Version string
	Dir     string
}

// findWeaviate locates the release, and downloads it if need be.
func findWeaviate(ctx context.Context) (weaviateModule, error) {
	out, err := output(ctx, "go", "mod", "download", "-json", weaviatePath)
	if err != nil {
		return weaviateModule{}, fmt.Errorf("download %s: %w", weaviatePath, err)
	}
	var module weaviateModule
	if err := json.Unmarshal(out, &module); err != nil {
		return weaviateModule{}, fmt.Errorf("read the answer of go mod download: %w", err)
	}
	return module, nil
}

// output runs a command and puts what it said into its error.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(command.Args, " "), err, out, stderr.Bytes())
	}
	return out, nil
}

// writeModfile writes build/server.mod and its sum file: the project's own with
// one replacement. The path of the replacement is relative to the project's
// root, so the file is the same on every machine.
func writeModfile(modfile, copyDir string) error {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return fmt.Errorf("%w: run this from the root of the project", err)
	}
	mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", weaviatePath, filepath.ToSlash(copyDir))
	if _, err := writeIfDifferent(modfile, mod); err != nil {
		return err
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		return err
	}
	_, err = writeIfDifferent(strings.TrimSuffix(modfile, ".mod")+".sum", sum)
	return err
}

// heartbeat is how often a long compilation says that it is alive.
const heartbeat = 10 * time.Second

// compile builds the server. A build from scratch compiles some 2,000 packages,
// which takes minutes, so it reports how far it is.
func compile(ctx context.Context, progress *progress, modfile, binary string) error {
	// -v prints the name of each package as it is compiled. -trimpath keeps the
	// place of the copy out of the cache keys, so that all packages which the
	// patches do not reach are shared with unpatched builds and tests.
	// Without a debugger's tables a link takes 8 s instead of 14 and the binary 155 MB instead of 197;
	// stack traces keep their names and lines.
	command := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-ldflags=-s -w", "-modfile="+modfile, "-o", binary, "./module/server")
	stderr, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}

	var packages atomic.Int64
	stop := every(heartbeat, func() {
		progress.say("%d packages compiled so far", packages.Load())
	})
	readErr := passMessages(stderr, os.Stderr, &packages)
	err = command.Wait()
	stop()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command.Args, " "), err)
	}
	progress.say("%d packages compiled, linked %s", packages.Load(), binary)
	return readErr
}

// passMessages counts the package names in the output of go build -v and passes
// everything else on.
func passMessages(from io.Reader, to io.Writer, packages *atomic.Int64) error {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		if isPackageName(line) {
			packages.Add(1)
			continue
		}
		if _, err := fmt.Fprintln(to, line); err != nil {
			return err
		}
	}
	return lines.Err()
}

// isPackageName tells "net/http" from messages such as "# net/http" or
// "file.go:1:2: undefined: x", which hold a space.
func isPackageName(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t")
}

// every calls f at an interval until the returned function is called, which
// waits for a call in progress.
func every(interval time.Duration, f func()) (stop func()) {
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-finished
	}
}
