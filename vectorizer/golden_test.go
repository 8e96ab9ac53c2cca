package vectorizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer/ort/orttest"
)

const (
	randomModel = "testdata/colpali-random"

	// tolerance of one value of a vector: 4e-7 was measured; other CPUs sum in other orders.
	tolerance = 2e-5
	// scoreTolerance of a sum of some twenty products of vectors.
	scoreTolerance = 1e-4
)

// golden is what transformers and colpali-engine make of the random model's pages and queries;
// tools/dev/goldens/colpali.py writes it.
type golden struct {
	Pages []struct {
		File              string `json:"file"`
		PixelValuesSHA256 string `json:"pixel_values_sha256"`
		Vectors           int    `json:"vectors"`
		Rows              []int  `json:"rows"`
		Embeddings        string `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string  `json:"text"`
		IDs  []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	var g golden
	require.NoError(t, json.Unmarshal(goldenFile(t, "golden.json"), &g))
	require.NotEmpty(t, g.Pages)
	require.NotEmpty(t, g.Queries)
	return g
}

func (g golden) pages(t testing.TB) [][]byte {
	t.Helper()
	var pages [][]byte
	for _, page := range g.Pages {
		pages = append(pages, goldenFile(t, page.File))
	}
	return pages
}

func (g golden) texts() []string {
	var texts []string
	for _, query := range g.Queries {
		texts = append(texts, query.Text)
	}
	return texts
}

func goldenFile(t testing.TB, name string) []byte {
	t.Helper()
	return goldenIn(randomModel).file(t, name)
}

func goldenVectors(t testing.TB, name string) []float32 {
	t.Helper()
	return goldenIn(randomModel).floats(t, name)
}

// openRandom opens the random model on the CPU, where alone the tolerances hold.
func openRandom(t testing.TB, o Options) *Vectorizer {
	t.Helper()
	o.Library, o.Device = orttest.Library(t), "cpu"
	v, err := Open(t.Context(), os.DirFS(randomModel), randomModel, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func TestPixelsEqualTheReferenceToTheBit(t *testing.T) {
	v := openRandom(t, Options{})
	for _, page := range readGolden(t).Pages {
		prepared, err := v.preparePage(goldenFile(t, page.File))
		require.NoError(t, err)
		pixels := prepared.tensors[0].values
		digest := sha256.New()
		require.NoError(t, binary.Write(digest, binary.LittleEndian, pixels))
		require.Equal(t, page.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), page.File)
	}
}

func TestTokenIDsEqualTheReference(t *testing.T) {
	v := openRandom(t, Options{})
	for _, query := range readGolden(t).Queries {
		ids, cut := v.wrapQuery(query.Text)
		require.Zero(t, cut)
		require.Equal(t, query.IDs, ids, "%q", query.Text)
	}
}

func TestPageVectorsEqualTheReference(t *testing.T) {
	v, g := openRandom(t, Options{}), readGolden(t)
	embeddings, err := v.EmbedPages(t.Context(), g.pages(t))
	require.NoError(t, err)
	for i, page := range g.Pages {
		require.NoError(t, embeddings[i].Err)
		require.Len(t, embeddings[i].Vectors, page.Vectors)
		want := goldenVectors(t, page.Embeddings)
		for j, row := range page.Rows {
			requireClose(t, want[j*128:][:128], embeddings[i].Vectors[row])
		}
	}
}

func TestQueryVectorsEqualTheReference(t *testing.T) {
	v, g := openRandom(t, Options{}), readGolden(t)
	embeddings, err := v.EmbedQueries(t.Context(), g.texts())
	require.NoError(t, err)
	want := goldenVectors(t, g.QueryEmbeddings)
	for i, query := range g.Queries {
		require.NoError(t, embeddings[i].Err)
		require.Len(t, embeddings[i].Vectors, len(query.IDs))
		for _, vector := range embeddings[i].Vectors {
			requireClose(t, want[:128], vector)
			want = want[128:]
		}
	}
	require.Empty(t, want)
}

func TestScoresEqualTheReference(t *testing.T) {
	v, g := openRandom(t, Options{}), readGolden(t)
	pages, err := v.EmbedPages(t.Context(), g.pages(t))
	require.NoError(t, err)
	queries, err := v.EmbedQueries(t.Context(), g.texts())
	require.NoError(t, err)
	for i := range queries {
		query, err := maxsim.NewQuery(matrix(t, queries[i]))
		require.NoError(t, err)
		for j := range pages {
			require.InDelta(t, g.Scores[i][j], query.Score(matrix(t, pages[j])), scoreTolerance, "query %d, page %d", i, j)
		}
	}
}

func matrix(t *testing.T, e Embedding) maxsim.Matrix {
	t.Helper()
	require.NoError(t, e.Err)
	m, err := maxsim.FromRows(e.Vectors)
	require.NoError(t, err)
	return m
}

func requireClose(t *testing.T, want, got []float32) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if difference := math.Abs(float64(want[i] - got[i])); difference > tolerance {
			t.Fatalf("value %d is %g, want %g: they differ by %g", i, got[i], want[i], difference)
		}
	}
}
