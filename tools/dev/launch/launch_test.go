package launch

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChoosePorts(t *testing.T) {
	t.Run("free ports are distinct", func(t *testing.T) {
		p, err := choosePorts(0, 0)
		require.NoError(t, err)
		seen := map[int]bool{}
		for _, port := range []int{p.http, p.grpc, p.gossip, p.data, p.raft, p.raftRPC} {
			require.Positive(t, port)
			require.False(t, seen[port], "port %d twice", port)
			seen[port] = true
		}
		require.Equal(t, p.raft+1, p.raftRPC, "a node on localhost dials RAFT_PORT + 1")
	})
	t.Run("a taken port is named with its setting", func(t *testing.T) {
		l, err := net.Listen("tcp", address(0))
		require.NoError(t, err)
		defer l.Close()
		_, err = choosePorts(0, l.Addr().(*net.TCPAddr).Port)
		require.ErrorContains(t, err, "set GRPC_PORT to another one")
	})
}

func TestStart(t *testing.T) {
	t.Run("a missing binary names the remedy", func(t *testing.T) {
		_, err := Start(t.Context(), Options{Binary: filepath.Join(t.TempDir(), "nothing"), DataDir: t.TempDir()})
		require.ErrorContains(t, err, "make server")
	})
	t.Run("a server that ends at once is reported, not waited for", func(t *testing.T) {
		var log bytes.Buffer
		_, err := Start(t.Context(), Options{Binary: script(t, "echo no model >&2; exit 3"), DataDir: t.TempDir(), Log: &log})
		require.ErrorContains(t, err, "exit status 3")
		require.Contains(t, log.String(), "no model")
	})
	t.Run("a server that never gets ready is stopped when the context ends", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := Start(ctx, Options{Binary: script(t, "exec sleep 60"), DataDir: t.TempDir()})
		require.ErrorContains(t, err, "not ready in time")
	})
}

func TestEnvironment(t *testing.T) {
	last := func(env []string, name string) (value string) {
		for _, pair := range env {
			if after, ok := strings.CutPrefix(pair, name+"="); ok {
				value = after
			}
		}
		return value
	}
	t.Setenv("ENABLE_MODULES", "backup-filesystem,reranker-transformers")
	t.Setenv("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", "false")
	t.Setenv("GRPC_PORT", "1")
	t.Setenv("PERSISTENCE_DATA_PATH", "elsewhere")
	data := t.TempDir()
	env, err := environment(Options{DataDir: data}, ports{grpc: 50051})
	require.NoError(t, err)
	require.Equal(t, "backup-filesystem,reranker-transformers", last(env, "ENABLE_MODULES"), "the user's own")
	require.Equal(t, "false", last(env, "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"), "the user's own")
	require.Equal(t, "true", last(env, "DISABLE_TELEMETRY"), "nobody asked for it")
	require.Equal(t, "50051", last(env, "GRPC_PORT"), "told to the user")
	require.Equal(t, data, last(env, "PERSISTENCE_DATA_PATH"), "told to the user")
}

func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	return path
}
