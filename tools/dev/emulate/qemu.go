package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// qemu runs a test binary under qemu-user: as a process of this machine.
type qemu struct {
	cpu  cpu
	path string
}

func newQEMU(c cpu) (*qemu, error) {
	path, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		return nil, fmt.Errorf("%w: install the Debian package qemu-user", err)
	}
	return &qemu{cpu: c, path: path}, nil
}

func (q *qemu) run(ctx context.Context, j job) (verdict, error) {
	token := rand.Text()
	said, err := q.command(ctx, j, j.guest, token).Output()
	if err != nil {
		return verdict{}, fmt.Errorf("%s -cpu %s: %w", q.path, q.cpu.model, err)
	}
	v := verdict{features: parseReport(string(said), token).features}
	var output bytes.Buffer
	cmd := q.command(ctx, j, j.binary, j.args...)
	cmd.Stdout = io.MultiWriter(os.Stdout, &output)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return verdict{}, context.Cause(ctx)
	case err != nil && !errors.As(err, &exit):
		return verdict{}, err
	}
	v.status, v.output = cmd.ProcessState.ExitCode(), output.String()
	return v, nil
}

func (q *qemu) command(ctx context.Context, j job, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, q.path, append([]string{"-cpu", q.cpu.model, binary}, args...)...)
	cmd.Dir = j.source
	cmd.Env = append(os.Environ(), j.env...)
	cmd.Stderr = os.Stderr
	return cmd
}
