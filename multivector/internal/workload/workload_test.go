package workload

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// seed is that of the prototypes in Python, although the numbers are others.
const seed = 20261123

var world = sync.OnceValue(func() *World { return New(seed) })

func TestAPageDependsOnItsNumberOnly(t *testing.T) {
	again := New(seed)
	for _, i := range []int{0, 1, 999, 1000, 123456} {
		page := world().Page(i)
		require.Equal(t, Rows, page.Rows())
		require.Equal(t, page, again.Page(i), "page %d", i)
	}
	require.NotEqual(t, world().Page(0), world().Page(1))
	require.NotEqual(t, world().Page(0), New(seed+1).Page(0))

	question, planted := world().Question(3, 50)
	other, otherPlanted := again.Question(3, 50)
	require.Equal(t, question, other)
	require.Equal(t, planted, otherPlanted)
	require.Less(t, planted, 50)
}

func TestEveryVectorHasNormOne(t *testing.T) {
	question, _ := world().Question(0, 10)
	for _, m := range []maxsim.Matrix{world().Page(5), question} {
		for i := range m.Rows() {
			require.InDelta(t, 1, vek32.Norm(m.Row(i)), 1e-5)
		}
	}
	for i := range 200 {
		question, _ := world().Question(i, 10)
		require.GreaterOrEqual(t, question.Rows(), 11)
		require.LessOrEqual(t, question.Rows(), 24)
	}
}

func TestDocumentsHaveTheirPagesSideBySide(t *testing.T) {
	lengths := map[int]int{}
	for page := range 3 * pageBlock {
		document := documentOf(seed, page)
		if page > 0 {
			require.GreaterOrEqual(t, document, documentOf(seed, page-1))
		}
		lengths[document]++
	}
	require.LessOrEqual(t, slices.Max(slices.Collect(func(yield func(int) bool) {
		for _, n := range lengths {
			if !yield(n) {
				return
			}
		}
	})), mostPages)
	require.InDelta(t, meanPages, float64(3*pageBlock)/float64(len(lengths)), 2)
}

// pagesToMeasure is few in the tests of every day. WORKLOAD_PAGES=2000 measures
// what the figures in doc.go are about.
func pagesToMeasure(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("WORKLOAD_PAGES"))
	if err != nil {
		return 150
	}
	t.Logf("%d pages", n)
	return n
}

// The figures that decide how hard the workload is for an index are those of the
// prototype (research/02, section 3), within what a small sample tells.
func TestStatisticsAreThoseOfThePrototype(t *testing.T) {
	n := pagesToMeasure(t)
	pages := make([]maxsim.Int8Matrix, n)
	var sample [][]float32
	var twinned, patches int
	for i := range pages {
		page := world().Page(i)
		pages[i] = maxsim.Quantize(page)
		for j := range 4 {
			sample = append(sample, slices.Clone(page.Row((i*977+j*263)%Rows)))
		}
		if i%(n/15) == 0 {
			twinned += withTwin(t, page, 0.95)
			patches += grid * grid
		}
	}
	cosines := pairs(sample)
	mean := vek32.Mean(cosines)
	quantile := func(q float64) float32 { return cosines[int(q*float64(len(cosines)-1))] }
	t.Logf("cosine of pairs: mean %.3f, 1/50/99 %% %.2f/%.2f/%.2f", mean, quantile(0.01), quantile(0.5), quantile(0.99))
	require.InDelta(t, 0.23, mean, 0.05)
	require.InDelta(t, -0.13, quantile(0.01), 0.06)
	require.InDelta(t, 0.20, quantile(0.5), 0.06)
	require.InDelta(t, 0.93, quantile(0.99), 0.06)

	share := float64(twinned) / float64(patches)
	t.Logf("patches with a twin above 0.95: %.3f", share)
	require.InDelta(t, 0.53, share, 0.12)

	found := planted(t, pages, 200)
	t.Logf("planted page first: %.3f", found)
	require.InDelta(t, 0.77, found, 0.08)
}

func withTwin(t *testing.T, page maxsim.Matrix, least float32) int {
	grid := maxsim.Matrix{Data: page.Data[prompts*Dim:], Dim: Dim}
	query, err := maxsim.NewQuery(grid)
	require.NoError(t, err)
	cosines, n := query.Dots(nil, grid), 0
	for i := range grid.Rows() {
		row := cosines[i*grid.Rows() : (i+1)*grid.Rows()]
		row[i] = -1
		if vek32.Max(row) > least {
			n++
		}
	}
	return n
}

// pairs is the cosines of vectors of different pages, in ascending order.
func pairs(sample [][]float32) []float32 {
	var cosines []float32
	for i := range sample {
		for j := range i {
			if (i-j)%7 == 5 {
				cosines = append(cosines, vek32.Dot(sample[i], sample[j]))
			}
		}
	}
	slices.Sort(cosines)
	return cosines
}

// planted is the share of questions whose page has the largest MaxSim.
func planted(t *testing.T, pages []maxsim.Int8Matrix, questions int) float64 {
	found := 0
	for i := range questions {
		question, page := world().Question(i, len(pages))
		query, err := maxsim.NewQuery(question)
		require.NoError(t, err)
		best, most := -1, float32(math.Inf(-1))
		for j := range pages {
			if score := query.ScoreInt8(pages[j]); score > most {
				best, most = j, score
			}
		}
		if best == page {
			found++
		}
	}
	return float64(found) / float64(questions)
}

func BenchmarkPage(b *testing.B) {
	for _, rows := range []int{Rows} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				world().Page(i % 10000)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
		})
	}
}
