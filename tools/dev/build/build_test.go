package main

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/module/seams"
)

func TestEveryPatchFitsTheWeaviateReleaseInGoMod(t *testing.T) {
	module, err := findWeaviate(context.Background())
	require.NoError(t, err)
	files, err := ours.patch(module.Dir)
	require.NoError(t, err)
	for _, e := range edits {
		require.Contains(t, files[e.file], e.text, e.why)
	}
	for path := range additions {
		require.Contains(t, files, path)
	}
}

func TestEveryAddedFileMarksItsSeam(t *testing.T) {
	var marks []string
	for file, name := range additions {
		text, err := patchFiles.ReadFile("patches/" + name)
		require.NoError(t, err)
		require.Contains(t, string(text), `seams.Mark("`+path.Dir(file)+`")`)
		marks = append(marks, path.Dir(file))
	}
	require.ElementsMatch(t, seams.All, marks)
}

// write makes files with their contents in a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return dir
}

func TestAnAnchorMustOccurExactlyOnce(t *testing.T) {
	one := patchSet{edits: []edit{{file: "a.go", anchor: "var x", text: "var y", why: "the purpose"}}}
	for name, test := range map[string]struct {
		stock map[string]string
		want  []string // in the error; none means success
	}{
		"once":         {stock: map[string]string{"a.go": "package a\n\nvar x int\n"}},
		"never":        {stock: map[string]string{"a.go": "package a\n"}, want: []string{"a.go", `"var x"`, "0 times", "the purpose", "patches.go"}},
		"twice":        {stock: map[string]string{"a.go": "package a\n\nvar x int\n\nvar x2 int\n"}, want: []string{"2 times"}},
		"file is gone": {stock: map[string]string{"b.go": "package a\n"}, want: []string{"a.go", "the purpose", "patches.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := one.patch(write(t, test.stock))
			if test.want == nil {
				require.NoError(t, err)
				require.Equal(t, map[string]string{"a.go": "package a\n\nvar y int\n"}, files)
				return
			}
			require.Error(t, err)
			for _, text := range test.want {
				require.ErrorContains(t, err, text)
			}
		})
	}
}

func TestAPatchMustLeaveGoCode(t *testing.T) {
	patches := patchSet{edits: []edit{{file: "a.go", anchor: "var x", text: "var ("}}}
	_, err := patches.patch(write(t, map[string]string{"a.go": "package a\n\nvar x int\n"}))
	require.ErrorContains(t, err, "no Go code")
	require.ErrorContains(t, err, "a.go")
}

func TestAnAddedFileMustNotReplaceOne(t *testing.T) {
	const added = "entities/vectorindex/hnsw/zz_plaid.go"
	patches := patchSet{additions: map[string]string{added: additions[added]}}
	_, err := patches.patch(write(t, map[string]string{added: "package hnsw\n"}))
	require.ErrorContains(t, err, added)
	require.ErrorContains(t, err, "rename ours")
}

// tree is the relative paths and contents of all files under dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		rel, relErr := filepath.Rel(dir, file)
		require.NoError(t, relErr)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	}))
	return files
}

func TestSyncTreeTouchesOnlyWhatChanges(t *testing.T) {
	stock := weaviateModule{Version: "v1.0.0", Dir: write(t, map[string]string{
		"go.mod":             "module stock\n",
		"a/a.go":             "package a\n\nvar x int\n",
		"a/a_test.go":        "package a\n",
		"a/testdata/big":     "x",
		"b/b.go":             "package b\n",
		"test/e2e.go":        "package test\n",
		"docs/readme.md":     "x",
		"usecases/test/c.go": "package test\n",
	})}
	patches := patchSet{edits: []edit{{file: "a/a.go", anchor: "var x", text: "var y"}}}
	dir := filepath.Join(t.TempDir(), "weaviate")

	changed, err := syncTree(dir, stock, patches)
	require.NoError(t, err)
	require.Equal(t, 4, changed)
	require.Equal(t, map[string]string{
		"go.mod":             "module stock\n",
		"a/a.go":             "package a\n\nvar y int\n",
		"b/b.go":             "package b\n",
		"usecases/test/c.go": "package test\n",
	}, tree(t, dir))

	t.Run("nothing to do", func(t *testing.T) {
		changed, err := syncTree(dir, stock, patches)
		require.NoError(t, err)
		require.Zero(t, changed)
	})
	t.Run("another patch", func(t *testing.T) {
		old := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(dir, "b/b.go"), old, old))
		patches.edits[0].text = "var z"
		changed, err := syncTree(dir, stock, patches)
		require.NoError(t, err)
		require.Equal(t, 1, changed)
		require.Contains(t, tree(t, dir)["a/a.go"], "var z")
		stat, err := os.Stat(filepath.Join(dir, "b/b.go"))
		require.NoError(t, err)
		require.True(t, stat.ModTime().Equal(old), "an unchanged file is not rewritten")
	})
	t.Run("another release", func(t *testing.T) {
		require.NoError(t, os.Remove(filepath.Join(stock.Dir, "b/b.go")))
		stock.Version = "v1.0.1"
		changed, err := syncTree(dir, stock, patches)
		require.NoError(t, err)
		require.Equal(t, 1, changed)
		require.NotContains(t, tree(t, dir), "b/b.go")
	})
	t.Run("an interrupted copy", func(t *testing.T) {
		require.NoError(t, os.Remove(filepath.Join(dir, "a/a.go")))
		require.NoError(t, os.Remove(filepath.Join(filepath.Dir(dir), stampFile)))
		changed, err := syncTree(dir, stock, patches)
		require.NoError(t, err)
		require.Equal(t, 1, changed)
		require.Contains(t, tree(t, dir)["a/a.go"], "var z")
	})
	t.Run("a patch that does not fit leaves the copy alone", func(t *testing.T) {
		before := tree(t, dir)
		patches.edits[0].anchor = "nowhere"
		_, err := syncTree(dir, stock, patches)
		require.ErrorContains(t, err, "nowhere")
		require.Equal(t, before, tree(t, dir))
	})
}

func TestModfileReplacesWeaviateByARelativePath(t *testing.T) {
	t.Chdir(write(t, map[string]string{"go.mod": "module m\n", "go.sum": "sum\n"}))
	require.NoError(t, writeModfile("build/server.mod", "build/weaviate"))
	files := tree(t, "build")
	require.Equal(t, "module m\n\nreplace github.com/weaviate/weaviate => ./build/weaviate\n", files["server.mod"])
	require.Equal(t, "sum\n", files["server.sum"])

	t.Chdir(t.TempDir())
	require.ErrorContains(t, writeModfile("build/server.mod", "build/weaviate"), "from the root of the project")
}

func TestPassMessagesCountsPackagesAndKeepsTheRest(t *testing.T) {
	var packages atomic.Int64
	var messages strings.Builder
	in := "net/http\n# weaviate-colpali/module\nmodule/module.go:1:2: undefined: x\nweaviate-colpali/module\n"
	require.NoError(t, passMessages(strings.NewReader(in), &messages, &packages))
	require.EqualValues(t, 2, packages.Load())
	require.Equal(t, "# weaviate-colpali/module\nmodule/module.go:1:2: undefined: x\n", messages.String())
}

func TestACommandThatFailsSaysWhy(t *testing.T) {
	_, err := output(context.Background(), "go", "list", "./no-such-folder")
	require.ErrorContains(t, err, "go list ./no-such-folder")
	require.ErrorContains(t, err, "no-such-folder: directory not found")
}
