package vectorizer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

// leastCosine of a vector computed in float16 to PyTorch's in float32: 0.9999995 was measured.
const leastCosine = 0.99999

// The random model exported with --compute fp16 has the weights of the other, and its goldens.
func TestAModelInFloat16GivesTheVectorsOfFloat32(t *testing.T) {
	dir := filepath.Join("testdata", "colpali-float16-random")
	v, err := Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	defer func() { require.NoError(t, v.Close()) }()
	require.Equal(t, "float16", v.Model().Precision)

	g := openGolden(t, randomModel)
	pages, err := v.EmbedPages(t.Context(), g.blobs)
	require.NoError(t, err)
	for i, page := range g.Pages {
		require.NoError(t, pages[i].Err)
		want := g.floats(t, page.Embeddings)
		for j, row := range page.Rows {
			requireLike(t, want[j*128:][:128], pages[i].Vectors[row])
		}
	}
	queries, err := v.EmbedQueries(t.Context(), g.texts)
	require.NoError(t, err)
	want := g.floats(t, g.QueryEmbeddings)
	for _, query := range queries {
		require.NoError(t, query.Err)
		for _, vector := range query.Vectors {
			requireLike(t, want[:128], vector)
			want = want[128:]
		}
	}
	require.Empty(t, want)
}

func requireLike(t *testing.T, want, got []float32) {
	t.Helper()
	dot := 0.0
	for i := range want {
		dot += float64(want[i]) * float64(got[i])
	}
	require.Greater(t, dot/norm(got), leastCosine)
}

func TestBfloat16IsRefusedOnCPUs(t *testing.T) {
	files := modelFiles(t)
	content, err := os.ReadFile(filepath.Join("testdata", "broken", "text-bfloat16.onnx"))
	require.NoError(t, err)
	files["text.onnx"].Data = content
	files[manifestFile].Data = edited(t, set("graph.precision", "bfloat16"))
	resum(t, files, "text.onnx")
	_, err = Open(t.Context(), files, "", Options{Library: orttest.Library(t), Device: "cpu"})
	require.ErrorIs(t, err, ErrModel)
	require.ErrorContains(t, err, "computes bfloat16 on GPUs only")
}
