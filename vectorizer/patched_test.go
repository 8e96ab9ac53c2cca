package vectorizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer/ort/orttest"
	"weaviate-colpali/vectorizer/processor"
)

// patchedModels are tiny random models whose pages are cut into patches; tools/dev/goldens/patched.py
// writes them and what colpali-engine makes of their pages and queries.
var patchedModels = []string{
	"colqwen2-random", "colqwen2_5-random", "colqwen3-random", "colqwen3_5-random",
	"biqwen2-random", "biqwen2_5-random", "biqwen3-random", "biqwen3_5-random",
}

type patchedGolden struct {
	Pages []struct {
		File              string     `json:"file"`
		PixelValuesSHA256 string     `json:"pixel_values_sha256"`
		IDs               []int64    `json:"ids"`
		Grid              Grid       `json:"grid"`
		Positions         [3][]int64 `json:"positions"`
		Vectors           int        `json:"vectors"`
		Embeddings        string     `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string  `json:"text"`
		IDs  []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

// patchedModel is an open model beside its goldens.
type patchedModel struct {
	patchedGolden
	*Vectorizer
	goldenFolder
}

func forPatchedModels(t *testing.T, test func(*testing.T, *patchedModel)) {
	t.Helper()
	for _, name := range patchedModels {
		t.Run(name, func(t *testing.T) { test(t, openPatched(t, filepath.Join("testdata", name))) })
	}
}

func openPatched(t *testing.T, dir string) *patchedModel {
	t.Helper()
	m := &patchedModel{goldenFolder: goldenIn(dir)}
	require.NoError(t, json.Unmarshal(m.file(t, "golden.json"), &m.patchedGolden))
	var err error
	m.Vectorizer, err = Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// embed runs all pages and queries, each kind in as few batches as there can be.
func (m *patchedModel) embed(t *testing.T) (pages, queries []Embedding) {
	t.Helper()
	blobs, texts := make([][]byte, 0, len(m.Pages)), make([]string, 0, len(m.Queries))
	for _, page := range m.Pages {
		blobs = append(blobs, m.file(t, page.File))
	}
	for _, query := range m.Queries {
		texts = append(texts, query.Text)
	}
	pages, err := m.EmbedPages(t.Context(), blobs)
	require.NoError(t, err)
	queries, err = m.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	return pages, queries
}

func TestPatchedPagesAreReadAsTheReferenceDoes(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		for _, golden := range m.Pages {
			page, err := m.preparePage(m.file(t, golden.File))
			require.NoError(t, err)
			require.Equal(t, golden.IDs, page.prompt.ids, golden.File)
			require.Equal(t, golden.Positions, page.prompt.positions, golden.File)
			digest := sha256.New()
			require.NoError(t, binary.Write(digest, binary.LittleEndian, page.tensors[0].values))
			require.Equal(t, golden.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), golden.File)

			layout, err := m.Layout(m.file(t, golden.File))
			require.NoError(t, err)
			require.Equal(t, golden.Grid, layout.Grid, golden.File)
			require.Equal(t, golden.Vectors, layout.Vectors, golden.File)
		}
	})
}

func TestPatchedQueriesAreReadAsTheReferenceDoes(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		for _, golden := range m.Queries {
			ids, cut := m.wrapQuery(golden.Text)
			require.Zero(t, cut)
			require.Equal(t, golden.IDs, ids, golden.Text)
		}
	})
}

func TestPatchedVectorsEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		pages, queries := m.embed(t)
		for i, golden := range m.Pages {
			m.requireVectors(t, m.floats(t, golden.Embeddings), pages[i])
			// Neither the other pages of the batch nor padding may show.
			alone, err := m.EmbedPages(t.Context(), [][]byte{m.file(t, golden.File)})
			require.NoError(t, err)
			requireSame(t, pages[i:i+1], alone)
		}
		want := m.floats(t, m.QueryEmbeddings)
		for i, golden := range m.Queries {
			size := len(queries[i].Vectors) * m.model.Dim
			m.requireVectors(t, want[:size], queries[i])
			want = want[size:]
			alone, err := m.EmbedQueries(t.Context(), []string{golden.Text})
			require.NoError(t, err)
			requireSame(t, queries[i:i+1], alone)
		}
		require.Empty(t, want)
	})
}

func (m *patchedModel) requireVectors(t *testing.T, want []float32, got Embedding) {
	t.Helper()
	require.NoError(t, got.Err)
	require.Len(t, want, len(got.Vectors)*m.model.Dim)
	for i, vector := range got.Vectors {
		requireClose(t, want[i*m.model.Dim:][:m.model.Dim], vector)
	}
}

func TestPatchedScoresEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		pages, queries := m.embed(t)
		for i := range queries {
			query, err := maxsim.NewQuery(matrix(t, queries[i]))
			require.NoError(t, err)
			for j := range pages {
				require.InDelta(t, m.Scores[i][j], query.Score(matrix(t, pages[j])), scoreTolerance, "query %d, page %d", i, j)
			}
		}
	})
}

func TestASliverOfAPageFailsAlone(t *testing.T) {
	m := openPatched(t, filepath.Join("testdata", "colqwen2-random"))
	good := m.file(t, m.Pages[0].File)
	pages, err := m.EmbedPages(t.Context(), [][]byte{blankPNG(t, 1, 201), good})
	require.NoError(t, err)
	require.ErrorIs(t, pages[0].Err, processor.ErrTooLarge)
	require.ErrorContains(t, pages[0].Err, "one side may be 200 times the other")
	m.requireVectors(t, m.floats(t, m.Pages[0].Embeddings), pages[1])
}
