package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
)

func foreignCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../../vectorizer/testdata/fastembed-colpali")))
	return dir
}

func TestAdoptWritesWhatTheServerWouldDecide(t *testing.T) {
	dir := foreignCopy(t)
	want, err := vectorizer.Adopt(t.Context(), os.DirFS(dir), vectorizer.AdoptChoice{})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, dir, vectorizer.AdoptChoice{}, false))
	for _, decision := range want.Decisions {
		require.Contains(t, out.String(), decision+"\n")
	}
	written := filepath.Join(dir, manifestFile)
	got, err := os.ReadFile(written)
	require.NoError(t, err)
	require.Equal(t, string(want.Manifest), string(got))

	err = run(t.Context(), &out, dir, vectorizer.AdoptChoice{Preset: "colpali-question"}, false)
	require.ErrorContains(t, err, "colpali.json is there already")
	require.NoError(t, run(t.Context(), &out, dir, vectorizer.AdoptChoice{Preset: "colpali-question"}, true))
	got, err = os.ReadFile(written)
	require.NoError(t, err)
	require.Contains(t, string(got), `"Question: "`)
	require.NoFileExists(t, written+".new")
}

func TestAFolderThatCannotBeAdoptedIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, dir, vectorizer.AdoptChoice{}, false), "there is no config.json")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Error(t, run(t.Context(), &bytes.Buffer{}, filepath.Join(dir, "absent"), vectorizer.AdoptChoice{}, false))
}
