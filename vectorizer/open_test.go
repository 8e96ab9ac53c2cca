package vectorizer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort"
	"weaviate-colpali/vectorizer/ort/orttest"
)

func TestModelSaysWhatRuns(t *testing.T) {
	m := openRandom(t, Options{}).Model()
	require.Equal(t, "colpali-random", m.Name)
	require.Equal(t, "colpali", m.Family)
	require.Equal(t, 128, m.Dim)
	require.Equal(t, 1030, m.VectorsPerPage)
	require.Len(t, m.ManifestHash, 64)
	require.Equal(t, "colpali-question", m.Source["preset"])
	require.Equal(t, "CPUExecutionProvider", m.Provider)
	require.Empty(t, m.PassedOver)
	require.Equal(t, orttest.Library(t), m.Library)
	require.NotEmpty(t, m.RuntimeVersion)
}

func TestEmbeddedModelGivesTheSameVectors(t *testing.T) {
	folder := openRandom(t, Options{})
	embedded, err := Open(t.Context(), modelFiles(t), "", Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	defer func() { require.NoError(t, embedded.Close()) }()
	require.Equal(t, folder.Model(), embedded.Model())

	texts := []string{"hello world"}
	want, err := folder.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	got, err := embedded.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// resum writes the true sum of a file into the manifest, so that a damage gets past it.
func resum(t *testing.T, files fstest.MapFS, name string) {
	t.Helper()
	var m object
	require.NoError(t, json.Unmarshal(files[manifestFile].Data, &m))
	digest := sha256.Sum256(files[name].Data)
	m["files"].(object)[name] = object{"sha256": hex.EncodeToString(digest[:]), "bytes": len(files[name].Data)}
	content, err := json.Marshal(m)
	require.NoError(t, err)
	files[manifestFile].Data = content
}

func TestUnusableModelIsRefusedWithItsReason(t *testing.T) {
	broken := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join("testdata/broken", name))
		require.NoError(t, err)
		return content
	}
	replace := func(name string, content []byte) func(fstest.MapFS) {
		return func(files fstest.MapFS) { files[name] = &fstest.MapFile{Data: content} }
	}
	manifestWith := func(path string, value any) func(fstest.MapFS) {
		return replace(manifestFile, edited(t, set(path, value)))
	}
	// disguised replaces a file and mends its sum.
	disguised := func(name string, content []byte) func(fstest.MapFS) {
		return func(files fstest.MapFS) {
			replace(name, content)(files)
			resum(t, files, name)
		}
	}

	for name, c := range map[string]struct {
		damage func(fstest.MapFS)
		want   string
	}{
		"no manifest":           {func(f fstest.MapFS) { delete(f, manifestFile) }, "there is no colpali.json, and the folder does not say enough to do without: there is no config.json"},
		"no vision graph":       {func(f fstest.MapFS) { delete(f, "vision.onnx") }, "colpali.json names vision.onnx, which is missing"},
		"no tokenizer":          {func(f fstest.MapFS) { delete(f, "tokenizer.json") }, "colpali.json names tokenizer.json, which is missing"},
		"graph cut off":         {func(f fstest.MapFS) { f["text.onnx"].Data = f["text.onnx"].Data[:1000] }, "text.onnx is not the file that colpali.json describes"},
		"graph grown":           {func(f fstest.MapFS) { f["text.onnx"].Data = append(f["text.onnx"].Data, 0) }, "text.onnx is not the file"},
		"graphs exchanged":      {func(f fstest.MapFS) { f["text.onnx"], f["vision.onnx"] = f["vision.onnx"], f["text.onnx"] }, "is not the file"},
		"damaged graph":         {disguised("vision.onnx", []byte("<html>404</html>")), "vision.onnx: is not an ONNX file, or damaged"},
		"damaged tokenizer":     {disguised("tokenizer.json", []byte(`{"model": 1}`)), "tokenizer cannot be loaded"},
		"id beyond tokenizer":   {manifestWith("page.suffix_ids", []int{2, 1017}), "token id 1017, but tokenizer.json has only 1017 tokens"},
		"other dim":             {manifestWith("dim", 64), "first inference"},
		"other feature width":   {manifestWith("graph.image_feature_width", 32), "first inference"},
		"other image size":      {manifestWith("image.square.width", 224), "first inference"},
		"wrong input name":      {manifestWith("graph.text.inputs.input_ids", "ids"), "first inference"},
		"wrong output name":     {manifestWith("graph.vision.output", "features"), "first inference"},
		"deviation of zero":     {manifestWith("image.std", []float32{0, 1, 1}), "do not give finite pixel values"},
		"output not a number":   {disguised("text.onnx", broken("text-nan.onnx")), "vector 0 of 1030 has length NaN"},
		"output not normalised": {disguised("text.onnx", broken("text-long.onnx")), "vector 0 of 1030 has length 22.6"},
	} {
		t.Run(name, func(t *testing.T) {
			files := modelFiles(t)
			c.damage(files)
			_, err := Open(t.Context(), files, "", Options{Library: orttest.Library(t), Device: "cpu"})
			require.ErrorIs(t, err, ErrModel)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestMissingFolderIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	_, err := Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t)})
	require.ErrorIs(t, err, ErrModel)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, manifestFile)
}

func TestOpenPassesOnWhatTheRuntimeRefuses(t *testing.T) {
	_, err := Open(t.Context(), modelFiles(t), "", Options{Library: "/nonexistent/libonnxruntime.so"})
	require.ErrorIs(t, err, ort.ErrLibrary)
	_, err = Open(t.Context(), modelFiles(t), "", Options{Library: orttest.Library(t), Device: "abacus"})
	require.ErrorIs(t, err, ort.ErrDevice)
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	_, err := Open(t.Context(), modelFiles(t), "", Options{PageBatch: -1})
	require.ErrorIs(t, err, ErrOptions)
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, modelFiles(t), "", Options{Library: orttest.Library(t)})
	require.ErrorIs(t, err, context.Canceled)
}
