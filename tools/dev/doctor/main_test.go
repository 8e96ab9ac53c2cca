package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/ort/orttest"
)

const randomModel = "../../../vectorizer/testdata/colpali-random"

func examine(t *testing.T, dir string) (string, error) {
	t.Helper()
	t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
	t.Setenv("COLPALI_DEVICE", "cpu")
	var report bytes.Buffer
	err := run(t.Context(), &report, dir, []int{1, 2}, 1)
	return report.String(), err
}

// changed is a copy of the random model in which one file has another content, or is missing for nil.
func changed(t *testing.T, name string, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(randomModel)))
	if content == nil {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
		return dir
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	return dir
}

func TestASoundFolder(t *testing.T) {
	report, err := examine(t, randomModel)
	require.NoError(t, err)
	for _, part := range []string{
		"provider  CPUExecutionProvider", "1030 vectors of 128 for a letter page: 527360 bytes", "batch 1 ", "batch 2 ",
		"527 GB of vectors", "137 GB of index", "in 3 pages", "in 11 queries; 2e-05 is allowed",
	} {
		require.Contains(t, report, part)
	}
}

func TestTheEmbeddedModel(t *testing.T) {
	report, err := examine(t, "")
	require.NoError(t, err)
	require.Contains(t, report, "parity    unknown: the folder has no golden/golden.json")
}

func TestABrokenFolderIsRefusedByTheFilesName(t *testing.T) {
	for _, c := range []struct {
		file    string
		content []byte
		want    string
	}{
		{"colpali.json", nil, "there is no colpali.json"},
		{"text.onnx", nil, "text.onnx"},
		{"vision.onnx", []byte("no graph"), "vision.onnx is not the file"},
		{"golden/golden.json", []byte("{"), "golden/golden.json"},
		{"golden/queries.f32", []byte("1234"), "golden/queries.f32 has fewer vectors"},
		{"golden/golden.json", []byte(`{"pages": [{"file": "../colpali.json"}]}`), "../colpali.json"},
		{"golden/golden.json", []byte(`{"pages": [{"file": "letter.png", "embeddings": "letter.f32", "rows": [1030]}]}`), "row 1030"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := examine(t, changed(t, c.file, c.content))
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := examine(t, filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = examine(t, changed(t, "tokenizer.json", []byte("{}")))
	require.ErrorIs(t, err, vectorizer.ErrModel)
}

func TestOtherVectorsThanTheGoldensAreAnError(t *testing.T) {
	vectors, err := os.ReadFile(filepath.Join(randomModel, "golden", "queries.f32"))
	require.NoError(t, err)
	vectors[3] ^= 0x80 // the sign of the first value
	report, err := examine(t, changed(t, "golden/queries.f32", vectors))
	require.ErrorIs(t, err, errParity)
	require.Contains(t, report, "parity    largest difference")
}

func TestParseBatches(t *testing.T) {
	batches, err := parseBatches("1, 4,16")
	require.NoError(t, err)
	require.Equal(t, []int{1, 4, 16}, batches)
	for _, list := range []string{"", "0", "65", "1,,2", "four"} {
		_, err := parseBatches(list)
		require.ErrorContains(t, err, "from 1 to 64", "%q", list)
	}
}
