package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
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

// Every layout that is tested has a row in the documentation, with its preset.
func TestTheLayoutsAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/models.md")
	require.NoError(t, err)
	for folder, row := range map[string]string{
		"fastembed-colpali": "| fastembed's ColPali ", "fastembed-colmodernvbert": "| fastembed's ColModernVBERT ",
		"optimum-colpali": "| optimum's ColPali ",
	} {
		adoption, err := vectorizer.Adopt(t.Context(), os.DirFS("../../../vectorizer/testdata/"+folder), vectorizer.AdoptChoice{})
		require.NoError(t, err)
		_, cells, found := strings.Cut(string(docs), row)
		require.True(t, found, row)
		cells, _, _ = strings.Cut(cells, "\n")
		require.Contains(t, cells, "| `"+adoption.Preset+"`", row)
	}
}

func TestAFolderThatCannotBeAdoptedIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, dir, vectorizer.AdoptChoice{}, false), "there is no config.json")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Error(t, run(t.Context(), &bytes.Buffer{}, filepath.Join(dir, "absent"), vectorizer.AdoptChoice{}, false))
}
