package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// guestPackage is the program that runs inside the emulator.
const guestPackage = "weaviate-colpali/tools/dev/emulate/guest"

// goPackage is what `go list -json` says about a package.
type goPackage struct {
	ImportPath   string
	Dir          string
	TestGoFiles  []string
	XTestGoFiles []string
}

// testedPackages lists the packages that the patterns match and that have tests on the platform.
func testedPackages(ctx context.Context, c cpu, patterns []string) ([]goPackage, error) {
	args := append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "--"}, patterns...)
	out, err := goTool(ctx, c, args...)
	if err != nil {
		return nil, err
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			packages = append(packages, p)
		}
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("no package that matches %q has tests for %s", patterns, c.goarch)
	}
	return packages, nil
}

// buildTest compiles the package's test binary into dir and returns its path.
func buildTest(ctx context.Context, c cpu, p goPackage, dir string) (string, error) {
	binary := filepath.Join(dir, "package.test")
	_, err := goTool(ctx, c, "test", "-c", "-o", binary, p.ImportPath)
	return binary, err
}

// buildGuest compiles the guest into dir and returns its path.
func buildGuest(ctx context.Context, c cpu, dir string) (string, error) {
	binary := filepath.Join(dir, "guest")
	_, err := goTool(ctx, c, "build", "-o", binary, guestPackage)
	return binary, err
}

// goTool runs the go command for the emulated platform. Without cgo its binaries are static, so they
// need nothing of the machine that they run on.
func goTool(ctx context.Context, c cpu, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+c.goarch, "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, c.buildEnv...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out, nil
}
