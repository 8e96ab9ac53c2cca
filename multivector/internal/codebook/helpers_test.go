package codebook

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/workload"
)

var world = sync.OnceValue(func() *workload.World { return workload.New(7) })

// sampleOf takes some rows of each of some pages, which are so many pages apart.
func sampleOf(pages, apart, each int) maxsim.Matrix {
	r := rand.New(rand.NewPCG(1, 2))
	sample := maxsim.Matrix{Dim: workload.Dim}
	for i := range pages {
		page := world().Page(i * apart)
		for range each {
			sample.Data = append(sample.Data, page.Row(r.IntN(page.Rows()))...)
		}
	}
	return sample
}

// small is a codebook that is made in a twentieth of a second, with its sample.
var small = sync.OnceValues(func() (*Codebook, maxsim.Matrix) {
	sample := sampleOf(200, 40, 50)
	c, err := Train(noContext, sample, Options{Centroids: 512, Seed: 3})
	if err != nil {
		panic(err)
	}
	return c, sample
})

// exactly is the nearest centroid of each row, by comparing it with all.
func exactly(t testing.TB, c *Codebook, rows maxsim.Matrix) []maxsim.Match {
	query, err := maxsim.NewQuery(rows)
	require.NoError(t, err)
	return query.Match(nil, c.Parts().Centroids)
}

func meanScore(matches []maxsim.Match) float64 {
	var sum float64
	for _, m := range matches {
		sum += float64(m.Score)
	}
	return sum / float64(len(matches))
}

// unseen is pages of documents that no sample has rows of.
func unseen(n int) maxsim.Matrix {
	rows := maxsim.Matrix{Dim: workload.Dim}
	for i := range n {
		rows.Data = append(rows.Data, world().Page(100_000+50*i).Data...)
	}
	return rows
}

func equalRows(rows int, row ...float32) maxsim.Matrix {
	return maxsim.Matrix{Data: slices.Repeat(row, rows), Dim: len(row)}
}
