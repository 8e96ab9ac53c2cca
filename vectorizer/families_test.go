package vectorizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer/processor"
)

// families are tiny random models of the real architectures; tools/dev/goldens/colpali.py and families.py write
// them and what transformers and colpali-engine make of their pages and queries.
var families = []string{
	"colpali", "colpali224", "bipali",
	"colqwen2", "colqwen2_5", "colqwen3", "colqwen3_5", "biqwen2", "biqwen2_5", "biqwen3", "biqwen3_5",
	"colidefics3", "colmodernvbert", "biidefics3", "bimodernvbert",
	"colgemma3", "bigemma3",
}

func forFamilies(t *testing.T, test func(*testing.T, *goldenModel)) {
	t.Helper()
	for _, name := range families {
		t.Run(name, func(t *testing.T) { test(t, openGolden(t, filepath.Join("testdata", name+"-random"))) })
	}
}

func TestPagesAreReadAsTheReferenceDoes(t *testing.T) {
	forFamilies(t, func(t *testing.T, m *goldenModel) {
		for i, golden := range m.Pages {
			page, err := m.preparePage(m.blobs[i])
			require.NoError(t, err)
			require.Equal(t, golden.IDs, page.prompt.ids, golden.File)
			require.Equal(t, golden.Positions, page.prompt.positions, golden.File)
			if golden.Tiles > 0 {
				require.Equal(t, golden.Tiles, page.tensors[0].shape[0], golden.File)
			}
			digest := sha256.New()
			require.NoError(t, binary.Write(digest, binary.LittleEndian, page.tensors[0].values))
			require.Equal(t, golden.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), golden.File)

			layout, err := m.Layout(m.blobs[i])
			require.NoError(t, err)
			require.Equal(t, golden.Vectors, layout.Vectors, golden.File)
			if golden.Grid != (Grid{}) {
				require.Equal(t, golden.Grid, layout.Grid, golden.File)
			}
		}
	})
}

func TestQueriesAreReadAsTheReferenceDoes(t *testing.T) {
	forFamilies(t, func(t *testing.T, m *goldenModel) {
		for _, golden := range m.Queries {
			ids, cut := m.wrapQuery(golden.Text)
			require.Zero(t, cut)
			require.Equal(t, golden.IDs, ids, "%q", golden.Text)
		}
	})
}

// Gemma's chat template trims a query at its end, by Python's idea of white space, and at no other place.
func TestQueriesAreTrimmedWhereATemplateDoesIt(t *testing.T) {
	m := openGolden(t, "testdata/colgemma3-random")
	want, _ := m.wrapQuery("a  b")
	got, _ := m.wrapQuery("a  b \t\n\u3000\x1c\u0085")
	require.Equal(t, want, got)
	unlike, _ := m.wrapQuery("a  b\u200b")
	require.NotEqual(t, want, unlike)
	front, _ := m.wrapQuery(" a  b")
	require.NotEqual(t, want, front)
}

func TestPageVectorsEqualTheReference(t *testing.T) {
	forFamilies(t, func(t *testing.T, m *goldenModel) {
		together, err := m.EmbedPages(t.Context(), m.blobs)
		require.NoError(t, err)
		for i, golden := range m.Pages {
			m.requirePage(t, i, together[i])
			// Neither the other pages of the batch nor padding may show.
			alone, err := m.EmbedPages(t.Context(), [][]byte{m.blobs[i]})
			require.NoError(t, err)
			requireSame(t, together[i:i+1], alone)
			require.Len(t, alone[0].Vectors, golden.Vectors)
		}
	})
}

func TestQueryVectorsEqualTheReference(t *testing.T) {
	forFamilies(t, func(t *testing.T, m *goldenModel) {
		together, err := m.EmbedQueries(t.Context(), m.texts)
		require.NoError(t, err)
		want := m.floats(t, m.QueryEmbeddings)
		for i, query := range together {
			require.NoError(t, query.Err)
			for _, vector := range query.Vectors {
				requireClose(t, want[:m.model.Dim], vector)
				want = want[m.model.Dim:]
			}
			alone, err := m.EmbedQueries(t.Context(), m.texts[i:i+1])
			require.NoError(t, err)
			requireSame(t, together[i:i+1], alone)
		}
		require.Empty(t, want)
	})
}

func TestScoresEqualTheReference(t *testing.T) {
	forFamilies(t, func(t *testing.T, m *goldenModel) {
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

func matrix(t *testing.T, e Embedding) maxsim.Matrix {
	t.Helper()
	require.NoError(t, e.Err)
	m, err := maxsim.FromRows(e.Vectors)
	require.NoError(t, err)
	return m
}

func TestASliverOfAPageFailsAlone(t *testing.T) {
	m := openGolden(t, "testdata/colqwen2-random")
	pages, err := m.EmbedPages(t.Context(), [][]byte{blankPNG(t, 1, 201), m.blobs[0]})
	require.NoError(t, err)
	require.ErrorIs(t, pages[0].Err, processor.ErrTooLarge)
	require.ErrorContains(t, pages[0].Err, "one side may be 200 times the other")
	m.requirePage(t, 0, pages[1])
}

// The first page is 4 x 4 tiles of 4 x 4 patches: every patch has a vector of an image token, and the
// view's are nobody's.
func TestLayoutOfATiledPage(t *testing.T) {
	m := openGolden(t, "testdata/colidefics3-random")
	layout, err := m.Layout(m.blobs[0])
	require.NoError(t, err)
	require.Equal(t, Grid{16, 16}, layout.Grid)
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
