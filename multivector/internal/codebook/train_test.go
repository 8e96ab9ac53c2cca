package codebook

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

var noContext = context.Background()

func TestTrainIsDeterministic(t *testing.T) {
	c, sample := small()
	for _, procs := range []int{1, 2} {
		before := runtime.GOMAXPROCS(procs)
		for _, workers := range []int{1, 3} {
			again, err := Train(noContext, sample, Options{Centroids: 512, Seed: 3, Workers: workers})
			require.NoError(t, err)
			require.Equal(t, c.Parts(), again.Parts(), "GOMAXPROCS %d, %d workers", procs, workers)
		}
		runtime.GOMAXPROCS(before)
	}
	other, err := Train(noContext, sample, Options{Centroids: 512, Seed: 4})
	require.NoError(t, err)
	require.NotEqual(t, c.Parts().Centroids, other.Parts().Centroids)
}

func TestTrainLeavesTheSampleAsItWas(t *testing.T) {
	sample := sampleOf(5, 1, 100)
	before := slices.Clone(sample.Data)
	_, err := Train(noContext, sample, Options{Centroids: 64})
	require.NoError(t, err)
	require.Equal(t, before, sample.Data)
}

func TestCentroidsAreUnitVectorsInCells(t *testing.T) {
	c, _ := small()
	require.LessOrEqual(t, c.Len(), 512)
	require.Greater(t, c.Len(), 500)
	require.Equal(t, 16, c.Parts().Cells.Rows())
	for i := range c.Len() {
		require.InDelta(t, 1, vek32.Norm(c.Parts().Centroids.Row(i)), 1e-5)
	}
	_, err := FromParts(c.Parts())
	require.NoError(t, err)
}

// Two levels must cost nearly nothing against one, and k-means be worth its time.
func TestCentroidsAreAsGoodAsThoseOfFlatKMeans(t *testing.T) {
	c, sample := small()
	rows := unseen(10)
	twoLevels := meanScore(exactly(t, c, rows))

	s, err := newSample(pace{ctx: noContext}, sample, rand.New(rand.NewPCG(3, 0)))
	require.NoError(t, err)
	of := func(centroids maxsim.Matrix) float64 {
		return meanScore(exactly(t, &Codebook{parts: Parts{Centroids: centroids}}, rows))
	}
	centroids, err := cluster(pace{ctx: noContext}, s, s.train, 512, rounds)
	require.NoError(t, err)
	flat := of(centroids)
	random := of(s.gather(s.train[:512]))
	t.Logf("mean cosine: two levels %.4f, flat %.4f, random rows %.4f", twoLevels, flat, random)
	require.Greater(t, twoLevels, flat-0.01)
	require.Greater(t, twoLevels, random+0.01)
}

// What rows kept apart say is what rows of other documents will find.
func TestMeanCosineIsThatOfLaterRows(t *testing.T) {
	c, sample := small()
	_, later := c.Assign(nil, unseen(30))
	_, trained := c.Assign(nil, maxsim.Matrix{Data: sample.Data[:5000*sample.Dim], Dim: sample.Dim})
	t.Logf("mean cosine: kept apart %.3f, later %.3f, trained with %.3f", c.MeanCosine(), later, trained)
	require.Less(t, max(c.MeanCosine()-later, later-c.MeanCosine()), (trained-later)/2)
}

func TestTrainOfFewRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 2, 3, 7, 8, 16, 100, 600} {
		sample := maxsim.Matrix{Data: make([]float32, n*24), Dim: 24}
		for i := range sample.Data {
			sample.Data[i] = r.Float32() - 0.5
		}
		c, err := Train(noContext, sample, Options{Centroids: 8192})
		require.NoError(t, err)
		require.LessOrEqual(t, c.Len(), max(1, n/rowsEach), "%d rows", n)
		ids, cosine := c.Assign(nil, sample)
		require.Less(t, int(slices.Max(ids)), c.Len())
		require.Greater(t, cosine, float32(0))
	}
}

func TestTrainKeepsToTheMostCentroids(t *testing.T) {
	_, sample := small()
	c, err := Train(noContext, sample, Options{Centroids: 512, MaxCentroids: 100})
	require.NoError(t, err)
	require.LessOrEqual(t, c.Len(), 100)
}

func TestTrainOfEqualRowsMakesOneCentroid(t *testing.T) {
	c, err := Train(noContext, equalRows(1000, 0, 3, 0, 4), Options{Centroids: 100})
	require.NoError(t, err)
	require.Equal(t, 1, c.Len())
	require.InDeltaSlice(t, []float32{0, 0.6, 0, 0.8}, c.Parts().Centroids.Data, 1e-5)
	require.InDelta(t, 1, c.MeanCosine(), 1e-6)
}

// Opposite rows cancel each other in a sum; 100 directions have no more centroids.
func TestTrainOfFewDirections(t *testing.T) {
	sample := maxsim.Matrix{Dim: 50}
	for i := range 2000 {
		row := make([]float32, 50)
		row[i%50] = 1 - 2*float32(i/50%2)
		sample.Data = append(sample.Data, row...)
	}
	c, err := Train(noContext, sample, Options{Centroids: 500, Seed: 9})
	require.NoError(t, err)
	require.LessOrEqual(t, c.Len(), 100)
	require.Greater(t, c.MeanCosine(), float32(0.9))
}

func TestTrainPassesOverRowsWithoutDirection(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	bad := maxsim.Matrix{Dim: 4}
	for _, row := range [][]float32{{0, 0, 0, 0}, {nan, 1, 1, 1}, {1, inf, 1, 1}, {1, 1, -inf, 0}, {3e38, 3e38, 0, 0}, {0, 1e-40, 0, 0}} {
		bad.Data = append(bad.Data, row...)
	}
	for _, sample := range []maxsim.Matrix{{}, {Dim: 4}, bad, equalRows(10, 0, 0)} {
		_, err := Train(noContext, sample, Options{Centroids: 4})
		require.ErrorIs(t, err, ErrSample)
	}

	mixed := maxsim.Matrix{Data: slices.Concat(bad.Data, equalRows(100, 0, 0, 2, 0).Data, bad.Data), Dim: 4}
	c, err := Train(noContext, mixed, Options{Centroids: 4})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{0, 0, 1, 0}, c.Parts().Centroids.Data, 1e-6)

	// In 8-bit codes the last two have one.
	bad.Data = bad.Data[:4*bad.Dim]
	mixed.Data = slices.Concat(bad.Data, equalRows(100, 0, 0, 2, 0).Data, bad.Data)
	ids, cosine := c.Assign(nil, mixed)
	require.Equal(t, slices.Concat(slices.Repeat([]uint32{None}, 4), make([]uint32, 100), slices.Repeat([]uint32{None}, 4)), ids)
	require.InDelta(t, 1, cosine, 1e-6)
	var codes Codes
	c.CodesInt8(&codes, maxsim.Quantize(mixed))
	require.Equal(t, []uint32{0}, codes.IDs)
	require.Equal(t, []uint16{100}, codes.Counts, "rows without a direction are in no list")

	require.Zero(t, c.CodesInt8(&codes, maxsim.Quantize(bad)))
	require.Empty(t, codes.IDs)
	require.Empty(t, codes.Rows)
}

// Every chunk of work is preceded by a rest, and the first one after the end of
// the context is the last one.
func TestTrainEndsWithItsContext(t *testing.T) {
	sample := sampleOf(50, 1, 100)
	train := func(ctx context.Context, workers int, pause func()) error {
		_, err := Train(ctx, sample, Options{Centroids: 64, Workers: workers, Pause: pause})
		return err
	}
	var rests atomic.Int64
	require.NoError(t, train(noContext, 1, func() { rests.Add(1) }))
	require.Greater(t, rests.Load(), int64(sample.Rows()/chunkRows*4))

	stop := errors.New("the shard is closed")
	for _, workers := range []int{1, 2} {
		for at := int64(1); at <= rests.Load(); at += 1 + rests.Load()/10 {
			ctx, cancel := context.WithCancelCause(noContext)
			var n atomic.Int64
			err := train(ctx, workers, func() {
				if n.Add(1) == at {
					cancel(stop)
				}
			})
			require.ErrorIs(t, err, stop, "cancelled at rest %d", at)
			require.Less(t, n.Load(), at+int64(workers))
		}
	}
}

func TestShareGivesWhatThereIs(t *testing.T) {
	require.Equal(t, []int{1, 1, 1}, share(3, []int{1, 1000, 5}))
	require.Equal(t, []int{50, 50}, share(100, []int{1000, 1000}))
	shares := share(1000, []int{100_000, 10, 3000, 1, 20_000})
	require.LessOrEqual(t, shares[0]+shares[1]+shares[2]+shares[3]+shares[4], 1000)
	require.InDelta(t, math.Pow(5, 0.75), float64(shares[0])/float64(shares[4]), 0.1)
	require.Equal(t, 1, shares[3])
	for k := 3; k < 300; k++ {
		shares := share(k, []int{7, 500, 90})
		require.LessOrEqual(t, shares[0]+shares[1]+shares[2], k)
		require.LessOrEqual(t, shares[0], 7)
		require.Positive(t, slices.Min(shares))
	}
}

func TestCentroidsFor(t *testing.T) {
	for documents, want := range map[int]int{
		0: 8192, 10_000: 8192, 10_001: 32_768, 100_000: 32_768, 100_001: 65_536, 1_000_000: 65_536, 1_000_001: 262_144,
	} {
		require.Equal(t, want, CentroidsFor(documents), "%d documents", documents)
	}
}
