package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer/ort/orttest"
)

// rehearsal is a folder like that of benchgpu.model, with a tiny model in float16 and none in bfloat16.
func rehearsal(t *testing.T) string {
	t.Helper()
	t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
	dir := t.TempDir()
	model := os.DirFS(filepath.Join("..", "..", "..", "vectorizer", "testdata", "colpali-float16-random"))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "float16"), model))
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata")))
	for name, content := range map[string]any{
		"bench.json": figures{Rehearsal: true, Question: "What is the total revenue?", PageOperations: 1e9, QueryOperations: 1e6, PeakOperations: 1e5},
		"peer.json":  peer{Torch: "2.11.0", Device: "a card", Pages: map[string]float64{"2": 0.5}},
	} {
		encoded, err := json.Marshal(content)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), encoded, 0o600))
	}
	return dir
}

func measured(t *testing.T, f flags) (string, error) {
	t.Helper()
	var report bytes.Buffer
	err := run(t.Context(), &report, f)
	return report.String(), err
}

func TestARehearsal(t *testing.T) {
	report, err := measured(t, flags{device: "cpu", batches: []int{1, 2}, check: 1, folder: rehearsal(t)})
	require.NoError(t, err)
	for _, part := range []string{
		"A REHEARSAL", "Tflop/s measured", "peer      PyTorch 2.11.0", "float16 on CPUExecutionProvider", "(0.50 a second)", "unknown\n",
		"queries   batch", "memory    ", "equal     every vector of 1 pages and a query is finite", "bfloat16 is left out: model cannot be used",
	} {
		require.Contains(t, report, part)
	}
}

func TestVectorsUnlikeTheCPUsAreAnError(t *testing.T) {
	f := flags{device: "cpu", batches: []int{1}, check: 1, folder: rehearsal(t)}
	b := &bench{flags: f, figures: figures{Question: "a"}, settings: config.Runtime{Library: orttest.Library(t)}, w: &bytes.Buffer{}}
	reference, err := b.reference(t.Context())
	require.NoError(t, err)
	v, err := b.open(t.Context(), "float16", "cpu", nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, v.Close()) }()
	require.NoError(t, b.compare(t.Context(), v, "float16", reference))
	reference.query[0][0] += 1
	reference.query[0], reference.query[1] = reference.query[1], reference.query[0]
	require.ErrorIs(t, b.compare(t.Context(), v, "float16", reference), errUnequal)
	reference.query = reference.query[1:]
	require.ErrorIs(t, b.compare(t.Context(), v, "float16", reference), errUnequal)
}

func TestNoGPUIsSaid(t *testing.T) {
	_, err := measured(t, flags{device: "cuda", batches: []int{1}, folder: rehearsal(t)})
	require.ErrorContains(t, err, "cuda")
}

func TestNominalPeak(t *testing.T) {
	for name, want := range map[string]float64{
		"NVIDIA H100 80GB HBM3": 989e12, "NVIDIA H100 PCIe": 756e12, "NVIDIA L40S": 362e12, "NVIDIA L4": 121e12, "Tesla T4": 65e12, "NVIDIA A10G": 70e12,
	} {
		require.InDelta(t, want, nominalPeak(name), 1, name)
	}
	require.Zero(t, nominalPeak("Some card"))
}

func TestFlags(t *testing.T) {
	f, err := parseFlags([]string{"-batches", "1,4", "-device", "webgpu", "out"})
	require.NoError(t, err)
	require.Equal(t, flags{device: "webgpu", batches: []int{1, 4}, seconds: 10, check: 2, folder: "out"}, f)
	for _, arguments := range [][]string{{}, {"-batches", "0", "out"}, {"-batches", "65", "out"}, {"-check", "-1", "out"}, {"a", "b"}} {
		_, err := parseFlags(arguments)
		require.Error(t, err, "%v", arguments)
	}
}
