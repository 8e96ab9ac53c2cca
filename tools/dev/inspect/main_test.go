package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector"
)

// folder is what an index of three documents leaves on disk.
func folder(t *testing.T) string {
	t.Helper()
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "pages.plaid.d")
	index, err := multivector.Open(multivector.Options{Dir: dir})
	require.NoError(t, err)
	for id := range uint64(3) {
		page := maxsim.Matrix{Data: []float32{1, 2, 3, 4, 5, 6, 7, 8}, Dim: 4}
		require.NoError(t, index.Add(ctx, multivector.Document{ID: id, Vectors: page}))
	}
	require.NoError(t, index.Close(ctx))
	return dir
}

func TestRunPrintsAFolder(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, run(&text, []string{folder(t)}, false))
	require.Equal(t, `00000001.vectors           sound            1040 bytes  3 documents, 6 rows of 4 dimensions
in all: 3 documents, 1040 bytes, 346 bytes a document
`, text.String())
}

func TestRunGoesOnAfterDamage(t *testing.T) {
	damaged, sound := folder(t), filepath.Join(folder(t), "00000001.vectors")
	file := filepath.Join(damaged, "00000001.vectors")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	b[64+2*4]++ // the header, then documents of 2 rows of 4 bytes
	require.NoError(t, os.WriteFile(file, b, 0o644))

	var text bytes.Buffer
	err = run(&text, []string{damaged, "/no/such/index", sound}, true)
	require.ErrorContains(t, err, damaged+": damaged: 00000001.vectors\n")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Contains(t, text.String(), damaged+":\n00000001.vectors           damaged          1040 bytes  3 documents")
	require.Contains(t, text.String(), "\n            64-88  codes      24 x u8: ")
	require.Contains(t, text.String(), "\n  the file is damaged: codes: document 1 has the CRC-32C ")
	require.Contains(t, text.String(), sound+":\n00000001.vectors           sound  ")
}
