package vectorizer

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer/ort/orttest"
)

// These tests compare real weights, exported by tools/dev/export, with what others published of them. Nobody here had
// the weights: the tests were never seen to pass. Each is skipped unless its variable names a model folder, to which a
// folder fixtures with the reference's images was added:
//
//	COLPALI_TEST_V13          Qdrant/colpali-v1.3-fp16 or its source, prompt colpali-query; fixtures/image.jpeg
//	COLPALI_TEST_MODERNVBERT  Qdrant/colmodernvbert or its source; fixtures/image.jpeg
//	COLPALI_TEST_V12          vidore/colpali-v1.2; fixtures/page0.png to page2.png and queries.txt, a query a line
//
// image.jpeg is tests/misc/image.jpeg of qdrant/fastembed; the pages and queries are the test split of the data set
// hf-internal-testing/document-visual-retrieval-test, in its order.

// published is the first values of the first vectors of a page and a query.
type published struct {
	variable    string
	page, query [][]float32
}

// fastembed has its values in tests/test_late_interaction_multimodal.py (commit 01965c93), with its tolerance. The
// query is "hello world".
var fastembed = map[string]published{
	"Qdrant/colpali-v1.3-fp16": {
		variable: "COLPALI_TEST_V13",
		page: [][]float32{
			{-0.0345, -0.022, 0.0567, -0.0518, -0.0782, 0.1714, -0.1738},
			{-0.1181, -0.099, 0.0268, 0.0774, 0.0228, 0.0563, -0.1021},
			{-0.117, -0.0683, 0.0371, 0.0921, 0.0107, 0.0659, -0.0666},
			{-0.1393, -0.0948, 0.037, 0.0951, -0.0126, 0.0678, -0.087},
			{-0.0957, -0.081, 0.0404, 0.052, 0.0409, 0.0335, -0.064},
			{-0.0626, -0.0445, 0.056, 0.0592, -0.0229, 0.0409, -0.0301},
			{-0.1299, -0.0691, 0.1097, 0.0728, 0.0123, 0.0519, 0.0122},
		},
		query: [][]float32{
			{-0.0023, 0.1477, 0.1594, 0.046, -0.0196, 0.0554, 0.1567},
			{-0.0139, -0.0057, 0.0932, 0.0052, -0.0678, 0.0131, 0.0537},
			{0.0054, 0.0364, 0.2078, -0.074, 0.0355, 0.061, 0.1593},
			{-0.0076, -0.0154, 0.2266, 0.0103, 0.0089, -0.024, 0.098},
			{-0.0274, 0.0098, 0.2106, -0.0634, 0.0616, -0.0021, 0.0708},
			{0.0074, 0.0025, 0.1631, -0.0802, 0.0418, -0.0219, 0.1022},
			{-0.0165, -0.0106, 0.1672, -0.0768, 0.0389, -0.0038, 0.1137},
		},
	},
	"Qdrant/colmodernvbert": {
		variable: "COLPALI_TEST_MODERNVBERT",
		page: [][]float32{
			{0.11614, -0.15793, -0.11194, 0.0688, 0.08001, 0.10575, -0.07871},
			{0.10094, -0.13301, -0.12069, 0.10932, 0.04645, 0.09884, 0.04048},
			{0.13106, -0.18613, -0.13469, 0.10566, 0.03659, 0.07712, -0.03916},
			{0.09754, -0.09596, -0.04839, 0.14991, 0.05692, 0.10569, -0.08349},
			{0.02576, -0.15651, -0.09977, 0.09707, 0.13412, 0.09994, -0.09931},
			{-0.06741, -0.1787, -0.19677, -0.07618, 0.13102, -0.02131, -0.02437},
			{-0.02776, -0.10187, -0.13793, 0.03835, 0.04766, 0.04701, -0.15635},
		},
		query: [][]float32{
			{0.05, 0.06557, 0.04026, 0.14981, 0.1842, 0.0263, -0.18706},
			{-0.05664, -0.14028, 0.00649, -0.02849, 0.09034, -0.01494, 0.10693},
			{-0.10147, -0.00716, 0.09084, -0.08236, -0.01849, -0.00972, -0.00461},
			{-0.1233, -0.10814, -0.02337, -0.00329, 0.05984, 0.09934, 0.09846},
			{-0.07053, -0.13119, -0.06487, 0.01508, 0.07459, 0.07655, 0.14821},
			{0.00526, -0.13842, -0.05837, -0.02721, 0.13009, 0.05076, 0.17962},
			{0.00924, -0.14383, -0.03057, -0.03691, 0.11718, 0.037, 0.13344},
		},
	},
}

const fastembedTolerance = 2e-3

func TestRealWeightsEqualFastembed(t *testing.T) {
	for name, want := range fastembed {
		t.Run(name, func(t *testing.T) {
			v, dir := openReal(t, want.variable)
			page, err := os.ReadFile(filepath.Join(dir, "fixtures", "image.jpeg"))
			require.NoError(t, err)
			pages, err := v.EmbedPages(t.Context(), [][]byte{page})
			require.NoError(t, err)
			require.NoError(t, pages[0].Err)
			require.NoError(t, corner(want.page, pages[0].Vectors), "page")
			queries, err := v.EmbedQueries(t.Context(), []string{"hello world", "flag embedding"})
			require.NoError(t, err)
			require.NoError(t, queries[0].Err)
			require.NoError(t, corner(want.query, queries[0].Vectors), "query")
		})
	}
}

// colpali-engine's table and tolerance, a row for each query: tests/models/paligemma/colpali/test_colpali_e2e.py.
var engineScores = [3][3]float32{{16.5, 7.5938, 15.6875}, {12.0625, 16.25, 11.125}, {15.25, 12.625, 21}}

const engineTolerance = 1

func TestRealWeightsScoreAsColpaliEngine(t *testing.T) {
	v, dir := openReal(t, "COLPALI_TEST_V12")
	fixtures := filepath.Join(dir, "fixtures")
	var blobs [][]byte
	for i := range engineScores {
		blob, err := os.ReadFile(filepath.Join(fixtures, fmt.Sprintf("page%d.png", i)))
		require.NoError(t, err)
		blobs = append(blobs, blob)
	}
	pages, err := v.EmbedPages(t.Context(), blobs)
	require.NoError(t, err)
	lines, err := os.ReadFile(filepath.Join(fixtures, "queries.txt"))
	require.NoError(t, err)
	var texts []string
	for scanner := bufio.NewScanner(bytes.NewReader(lines)); scanner.Scan(); {
		texts = append(texts, scanner.Text())
	}
	require.Len(t, texts, len(engineScores), "queries.txt has a query a line")
	queries, err := v.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	for i := range queries {
		query, err := maxsim.NewQuery(matrix(t, queries[i]))
		require.NoError(t, err)
		for j := range pages {
			require.InDelta(t, engineScores[i][j], query.Score(matrix(t, pages[j])), engineTolerance, "query %d, page %d", i, j)
		}
	}
}

func openReal(t *testing.T, variable string) (*Vectorizer, string) {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		t.Skipf("%s is not set: it names the folder of real weights that this test is for, which are in no package", variable)
	}
	v, err := Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v, dir
}

// corner compares the published values with the first of the vectors.
func corner(want, vectors [][]float32) error {
	if len(vectors) < len(want) {
		return fmt.Errorf("%d vectors, at least %d were published", len(vectors), len(want))
	}
	for i := range want {
		for j, value := range want[i] {
			if got := vectors[i][j]; !(math.Abs(float64(value-got)) <= fastembedTolerance) {
				return fmt.Errorf("value %d of vector %d is %g, published is %g", j, i, got, value)
			}
		}
	}
	return nil
}

// The comparison that nobody here could see fail on real weights.
func TestCorner(t *testing.T) {
	want := [][]float32{{0.1, 0.2}}
	require.NoError(t, corner(want, [][]float32{{0.1015, 0.1985, 9}, {9}}))
	require.ErrorContains(t, corner(want, [][]float32{{0.1, 0.2025}}), "value 1 of vector 0 is 0.2025, published is 0.2")
	require.ErrorContains(t, corner(want, [][]float32{{float32(math.NaN()), 0.2}}), "value 0")
	require.ErrorContains(t, corner(want, nil), "0 vectors")
}
