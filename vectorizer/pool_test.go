package vectorizer

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// pooledCase is what colpali-engine makes of some rows of the page; tools/dev/goldens/pooling.py writes it.
type pooledCase struct {
	Rows   []int `json:"rows"`
	Factor int   `json:"factor"`
	// Labels say of each row which cluster it is in.
	Labels []int `json:"labels"`
}

// keptClusters of each case have their vector in pooled.f32.
const keptClusters = 4

func readPooling(t *testing.T) (page [][]float32, cases []pooledCase, pooled []float32) {
	t.Helper()
	content, err := os.ReadFile("testdata/pooling/golden.json")
	require.NoError(t, err)
	var golden struct {
		Dim   int          `json:"dim"`
		Cases []pooledCase `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(content, &golden))
	require.NotEmpty(t, golden.Cases)
	floats, err := os.ReadFile("testdata/pooling/pooled.f32")
	require.NoError(t, err)
	pooled = make([]float32, len(floats)/4)
	_, err = binary.Decode(floats, binary.LittleEndian, pooled)
	require.NoError(t, err)
	return pooledPage(t, golden.Dim), golden.Cases, pooled
}

// pooledPage is 1030 unit vectors like a page's.
func pooledPage(t testing.TB, dim int) [][]float32 {
	t.Helper()
	codes, err := os.ReadFile("testdata/pooling/page.int8")
	require.NoError(t, err)
	var page [][]float32
	for row := range slices.Chunk(codes, dim) {
		squares := 0.0
		for _, code := range row {
			squares += float64(int8(code)) * float64(int8(code))
		}
		vector := make([]float32, dim)
		for i, code := range row {
			vector[i] = float32(float64(int8(code)) / math.Sqrt(squares))
		}
		page = append(page, vector)
	}
	return page
}

func pick(page [][]float32, rows []int) [][]float32 {
	var picked [][]float32
	for _, row := range rows {
		picked = append(picked, page[row])
	}
	return picked
}

func TestPooledVectorsEqualTheReference(t *testing.T) {
	page, cases, kept := readPooling(t)
	for i, c := range cases {
		t.Run(fmt.Sprintf("case=%d/n=%d/factor=%d", i, len(c.Rows), c.Factor), func(t *testing.T) {
			vectors := pick(page, c.Rows)
			before := slices.Clone(slices.Concat(vectors...))
			pooled := Pool(vectors, c.Factor)
			require.Len(t, pooled, slices.Max(c.Labels)+1)
			for _, vector := range pooled[:min(keptClusters, len(pooled))] {
				requireClose(t, kept[:len(vector)], vector)
				kept = kept[len(vector):]
			}
			require.Equal(t, before, slices.Concat(vectors...), "what is pooled is not written to")
		})
	}
	require.Empty(t, kept)
}

func TestClustersEqualTheReference(t *testing.T) {
	page, cases, _ := readPooling(t)
	for i, c := range cases {
		t.Run(fmt.Sprintf("case=%d/n=%d/factor=%d", i, len(c.Rows), c.Factor), func(t *testing.T) {
			n := len(c.Rows)
			clusters := cut(ward(profileDistances(pick(page, c.Rows))), n, max(n/c.Factor, 1))
			labels := make([]int, n)
			for label, cluster := range clusters {
				require.True(t, slices.IsSorted(cluster))
				for _, row := range cluster {
					labels[row] = label
				}
			}
			require.Equal(t, c.Labels, labels)
		})
	}
}

func TestPoolLeavesAlone(t *testing.T) {
	require.Empty(t, Pool(nil, 3))
	one := [][]float32{{0.6, 0.8}}
	require.Equal(t, one, Pool(one, 3), "one vector has nothing to be pooled with")
	two := [][]float32{{1, 0}, {0, 1}}
	for _, factor := range []int{-1, 0, 1} {
		require.Equal(t, two, Pool(two, factor))
	}
}

func TestVectorsThatCancelOutStayAVector(t *testing.T) {
	require.Equal(t, [][]float32{{0.6, 0.8}}, Pool([][]float32{{0.6, 0.8}, {-0.6, -0.8}}, 2))
}

func TestAnAppendToAPooledVectorDoesNotRunIntoTheNext(t *testing.T) {
	pooled := Pool([][]float32{{1, 0}, {1, 0}, {0, 1}, {0, 1}}, 2)
	require.Equal(t, [][]float32{{1, 0}, {0, 1}}, pooled)
	require.Equal(t, 2, cap(pooled[0]))
}

// Distances in the page's own space are those of the reference's longer rows.
func TestProfileDistances(t *testing.T) {
	page := pooledPage(t, 128)[:200]
	distances := profileDistances(page)
	profile := func(i int) []float64 {
		row := make([]float64, len(page))
		for j := range page {
			for k := range page[i] {
				row[j] += float64(page[i][k]) * float64(page[j][k])
			}
		}
		return row
	}
	for _, pair := range [][2]int{{0, 1}, {199, 3}, {120, 130}, {7, 7}} {
		require.InDelta(t, distance(profile(pair[0]), profile(pair[1])), distances[pair[0]][pair[1]], 1e-9)
	}
}

func BenchmarkPool(b *testing.B) {
	page := pooledPage(b, 128)
	for b.Loop() {
		Pool(page, 3)
	}
}
