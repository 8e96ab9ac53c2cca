package main

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name string
		f    figure
		want string
	}{
		{"enough", figure{Value: 95, Target: 95, Limit: 100}, reached},
		{"too little", figure{Value: 94.9, Target: 95, Limit: 100}, below},
		{"more than the peak allows", figure{Value: 1.9, Target: 3.8, Limit: 2}, notHere},
		{"reached although the peak is near", figure{Value: 3.9, Target: 3.8, Limit: 3.7}, reached},
		{"no peak known", figure{Value: 3, Target: 3.8, Limit: unknown}, below},
		{"missing", figure{Value: unknown, Target: 3.8, Limit: unknown}, notMeasured},
		{"small enough", figure{Value: 0.8, Target: 0.8, Limit: unknown, AtMost: true}, reached},
		{"too much", figure{Value: 1, Target: 0, Limit: unknown, AtMost: true}, below},
	} {
		require.Equal(t, test.want, test.f.judge().Verdict, test.name)
	}
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	a, b := key{name: "a"}, key{name: "b"}
	measured := times{a: {2, 40, 6}, b: {1, 10, 2}}
	require.Equal(t, []float64{2, 4, 3}, measured.ratios(a, b))
	require.InDelta(t, 3, median(measured.ratios(a, b)), 0)
	require.Nil(t, measured.ratios(a, key{name: "absent"}))
	require.True(t, math.IsNaN(median(nil)))
	winner, ok := measured.fastest(shape{}, []string{"absent", "a", "b"})
	require.True(t, ok)
	require.Equal(t, b, winner)
}

// Every peak must do what its name says: a loop of the wrong width would move all shares.
func TestPeaksRun(t *testing.T) {
	for _, p := range append(float32Peaks(), int8Peaks()...) {
		seconds, err := p.contender(p.name, shape{pageRows, mostTokens, false}).time(time.Millisecond)
		require.NoError(t, err)
		require.Positive(t, seconds, p.name)
	}
	if read := memoryReader(); read != nil {
		read(make([]byte, 4096))
	}
}

func TestPeersInGoComputeMaxSim(t *testing.T) {
	query := maxsim.Matrix{Data: make([]float32, 2*dim), Dim: dim}
	document := maxsim.Matrix{Data: make([]float32, 3*dim), Dim: dim}
	query.Row(0)[0], query.Row(1)[5] = 1, 2
	document.Row(0)[0], document.Row(2)[5] = 0.5, 0.25
	require.InDelta(t, 1, reference(query, document), 0)
	for name, score := range goScorers([]maxsim.Matrix{document}, query) {
		require.InDelta(t, 1, score(0), 0, name)
	}
}

func TestOpenBLASPicksItsKernel(t *testing.T) {
	environment := singleThreaded([]string{"HOME=/", "OPENBLAS_CORETYPE=Haswell", "OPENBLAS_L2_SIZE=1"})
	require.Contains(t, environment, "HOME=/")
	require.Contains(t, environment, "OMP_NUM_THREADS=1")
	require.NotContains(t, environment, "OPENBLAS_CORETYPE=Haswell")
	require.NotContains(t, environment, "OPENBLAS_L2_SIZE=1")
}

func TestDistinctIDs(t *testing.T) {
	ids := distinctIDs(50, distinct, fewerCentroids, alike(fewerCentroids))
	for document := range 50 {
		for i := 1; i < distinct; i++ {
			require.Less(t, ids[document*distinct+i-1], ids[document*distinct+i])
		}
	}
}
