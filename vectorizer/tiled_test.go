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
)

// tiledModels are tiny random models whose pages are cut into tiles; tools/dev/goldens/tiled.py
// writes them and what colpali-engine makes of their pages and queries.
var tiledModels = []string{"colidefics3-random", "colmodernvbert-random", "biidefics3-random", "bimodernvbert-random"}

// tiledModel is a model and its goldens.
type tiledModel struct {
	*Vectorizer
	goldenFolder
	blobs [][]byte
	texts []string
	dim   int

	Pages []struct {
		File              string  `json:"file"`
		Tiles             int     `json:"tiles"`
		PixelValuesSHA256 string  `json:"pixel_values_sha256"`
		IDs               []int64 `json:"ids"`
		Vectors           int     `json:"vectors"`
		Rows              []int   `json:"rows"`
		Embeddings        string  `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string  `json:"text"`
		IDs  []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

func forTiledModels(t *testing.T, test func(*testing.T, *tiledModel)) {
	t.Helper()
	for _, name := range tiledModels {
		t.Run(name, func(t *testing.T) { test(t, openTiled(t, filepath.Join("testdata", name))) })
	}
}

func openTiled(t *testing.T, dir string) *tiledModel {
	t.Helper()
	v, err := Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	m := &tiledModel{Vectorizer: v, goldenFolder: goldenIn(dir), dim: v.Model().Dim}
	require.NoError(t, json.Unmarshal(m.file(t, "golden.json"), m))
	require.NotEmpty(t, m.Pages)
	require.NotEmpty(t, m.Queries)
	for _, page := range m.Pages {
		m.blobs = append(m.blobs, m.file(t, page.File))
	}
	for _, query := range m.Queries {
		m.texts = append(m.texts, query.Text)
	}
	return m
}

func TestTiledPagesEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		for i, golden := range m.Pages {
			page, err := m.preparePage(m.blobs[i])
			require.NoError(t, err)
			require.Equal(t, golden.IDs, page.prompt.ids, golden.File)
			require.Equal(t, golden.Tiles, page.tensors[0].shape[0], golden.File)
			digest := sha256.New()
			require.NoError(t, binary.Write(digest, binary.LittleEndian, page.tensors[0].values))
			require.Equal(t, golden.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), golden.File)
		}
	})
}

func TestTiledPageVectorsEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		// All in one batch, and each alone: neither other pages nor padding may show.
		together, err := m.EmbedPages(t.Context(), m.blobs)
		require.NoError(t, err)
		for i, golden := range m.Pages {
			alone, err := m.EmbedPages(t.Context(), m.blobs[i:i+1])
			require.NoError(t, err)
			require.NoError(t, alone[0].Err)
			require.Len(t, alone[0].Vectors, golden.Vectors)
			require.Len(t, together[i].Vectors, golden.Vectors)
			for row, vector := range alone[0].Vectors {
				requireClose(t, vector, together[i].Vectors[row])
			}
			want := m.floats(t, golden.Embeddings)
			for j, row := range golden.Rows {
				requireClose(t, want[j*m.dim:][:m.dim], together[i].Vectors[row])
			}
		}
	})
}

func TestTiledTokenIDsEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		for _, golden := range m.Queries {
			ids, cut := m.wrapQuery(golden.Text)
			require.Zero(t, cut)
			require.Equal(t, golden.IDs, ids, "%q", golden.Text)
		}
	})
}

func TestTiledQueryVectorsEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		together, err := m.EmbedQueries(t.Context(), m.texts)
		require.NoError(t, err)
		want := m.floats(t, m.QueryEmbeddings)
		for i := range m.texts {
			alone, err := m.EmbedQueries(t.Context(), m.texts[i:i+1])
			require.NoError(t, err)
			require.NoError(t, together[i].Err)
			for row, vector := range together[i].Vectors {
				requireClose(t, want[:m.dim], vector)
				requireClose(t, want[:m.dim], alone[0].Vectors[row])
				want = want[m.dim:]
			}
		}
		require.Empty(t, want)
	})
}

func TestTiledScoresEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		pages, err := m.EmbedPages(t.Context(), m.blobs)
		require.NoError(t, err)
		queries, err := m.EmbedQueries(t.Context(), m.texts)
		require.NoError(t, err)
		for i := range queries {
			query, err := maxsim.NewQuery(matrix(t, queries[i]))
			require.NoError(t, err)
			for j := range pages {
				require.InDelta(t, m.Scores[i][j], query.Score(matrix(t, pages[j])), scoreTolerance, "query %d, page %d", i, j)
			}
		}
	})
}

// The first page is 4 x 4 tiles of 4 x 4 patches: every patch has a vector of an image token, and the
// view's are nobody's.
func TestLayoutOfATiledPage(t *testing.T) {
	m := openTiled(t, filepath.Join("testdata", "colidefics3-random"))
	layout, err := m.Layout(m.blobs[0])
	require.NoError(t, err)
	require.Equal(t, Grid{16, 16}, layout.Grid)
	require.Equal(t, m.Pages[0].Vectors, layout.Vectors)
	require.Len(t, layout.Rows, 256)
	var images []int
	for row, id := range m.Pages[0].IDs {
		if id == m.manifest.Page.ImageTokenID {
			images = append(images, row)
		}
	}
	require.Len(t, images, 17*16)
	require.ElementsMatch(t, images[:256], layout.Rows)
	// The patch right of a tile's last one is the next tile's first.
	require.Equal(t, images[3], layout.Rows[3])
	require.Equal(t, images[16], layout.Rows[4])
}
