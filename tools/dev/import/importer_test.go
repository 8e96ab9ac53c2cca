package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/tools/dev/import/internal/samples"
	"weaviate-colpali/tools/dev/import/internal/stand"
	"weaviate-colpali/tools/dev/import/pages"
	"weaviate-colpali/tools/dev/import/target"
)

// importTo runs the command in this process.
func importTo(t *testing.T, s *stand.Server, args ...string) (output string, entries []entry, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.jsonl")
	o, err := parse(append([]string{"-url", s.URL, "-report", path, "-workers", "2", "-size", "300"}, args...))
	require.NoError(t, err)
	var out bytes.Buffer
	err = run(t.Context(), o, &out)
	lines, readErr := os.ReadFile(path)
	if readErr == nil {
		for line := range strings.Lines(string(lines)) {
			var e entry
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			entries = append(entries, e)
		}
	}
	return out.String(), entries, err
}

func save(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestRun(t *testing.T) {
	s := stand.New(t)
	path := save(t, t.TempDir(), "a.pdf", samples.PDF(70))
	out, entries, err := importTo(t, s, path)
	require.NoError(t, err)
	require.Len(t, s.Objects(), 70)
	require.Len(t, entries, 71)
	require.Contains(t, out, "70 pages imported, 0 were there, 0 failed")
	ids := map[string]bool{}
	for _, e := range entries[1:] {
		require.Contains(t, s.Objects(), e.ID)
		ids[e.ID] = true
	}
	require.Len(t, ids, 70)
}

// A file whose pages break or delay PDFium is given up, and the others are imported.
func TestHostileFile(t *testing.T) {
	s := stand.New(t)
	dir := t.TempDir()
	slow := save(t, dir, "slow.pdf", samples.SlowPDF(40))
	save(t, dir, "good.pdf", samples.PDF(2))
	started := time.Now()
	out, entries, err := importTo(t, s, "-page-timeout", "2s", dir)
	require.ErrorIs(t, err, errFailed)
	require.Equal(t, 1, exitStatus(err))
	require.Less(t, time.Since(started), time.Minute, "40 pages of two seconds each, were they tried")
	require.Len(t, s.Objects(), 2, out)
	tried, left := 0, 0
	for _, e := range entries {
		switch {
		case e.Path != slow || e.Page == 0:
		case strings.Contains(e.Reason, "given up"):
			left++
		default:
			require.Contains(t, e.Reason, "-page-timeout")
			tried++
		}
	}
	require.Equal(t, 40, tried+left)
	require.LessOrEqual(t, tried, maxCrashes+1, "two workers may try at once")
	require.Contains(t, out, "20 more pages")
}

func TestInterrupted(t *testing.T) {
	s := stand.New(t)
	path := save(t, t.TempDir(), "a.pdf", samples.PDF(30))
	o, err := parse([]string{"-url", s.URL, "-report", filepath.Join(t.TempDir(), "r"), path})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = run(ctx, o, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, exitStatus(err))
	require.Empty(t, s.Objects())
}

func TestNothingIsSentToAnUnsuitableServer(t *testing.T) {
	s := stand.New(t)
	s.Modules = nil
	path := save(t, t.TempDir(), "a.pdf", samples.PDF(1))
	_, _, err := importTo(t, s, path)
	require.ErrorContains(t, err, "make server")
	require.Equal(t, 2, exitStatus(err))
	require.Zero(t, s.Writes())

	out, entries, err := importTo(t, s, "-dry-run", path)
	require.NoError(t, err, "a dry run asks no server")
	require.Contains(t, out, "1 pages in 1 files")
	require.Empty(t, entries)
}

func TestGather(t *testing.T) {
	sizes := []int{1, 1, 1, 1, 5, 5, 20, 1}
	rendered, batches := make(chan target.Object, len(sizes)), make(chan []target.Object, len(sizes))
	for _, size := range sizes {
		rendered <- target.Object{Page: pages.Page{Blob: make([]byte, size)}}
	}
	close(rendered)
	require.NoError(t, gather(t.Context(), rendered, batches, 3, 10))
	close(batches)
	var got [][]int
	for batch := range batches {
		var one []int
		for _, o := range batch {
			one = append(one, len(o.Page.Blob))
		}
		got = append(got, one)
	}
	require.Equal(t, [][]int{{1, 1, 1}, {1, 5}, {5}, {20}, {1}}, got)
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-size", "9", "a"},
		{"-size", "9999", "a"},
		{"-format", "gif", "a"},
		{"-workers", "0", "a"},
		{"-batch", "0", "a"},
		{"-batch-bytes", "0", "a"},
		{"-page-timeout", "0", "a"},
	} {
		_, err := parse(args)
		require.Error(t, err, args)
		require.Equal(t, 2, exitStatus(err))
	}
	o, err := parse([]string{"--resume", "-dry-run", "a", "b"})
	require.NoError(t, err)
	require.True(t, o.resume && o.dryRun)
	require.Equal(t, []string{"a", "b"}, o.paths)
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 100, "pages")
	p.started = p.started.Add(-20 * time.Second)
	p.add(40, 2)
	require.Empty(t, out.String(), "not every time")
	p.said = p.said.Add(-lineEvery)
	p.drop(20)
	p.add(0, 0)
	require.Regexp(t, `^40 of 80 pages, [12]\.\d a second, [12]\ds left, 2 failed\n$`, out.String())
	out.Reset()
	p.add(40, 0)
	p.end()
	require.Regexp(t, `^80 of 80 pages, .* a second, 2\d.*s, 2 failed\n$`, out.String())
}
