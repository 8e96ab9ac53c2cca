package acceptance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// matrix is a multi-vector as the clients send it: one row per token.
type matrix = [][]float32

// maxSim is the score of the index by its definition: for each row of the query the greatest dot
// product with a row of the document, summed. In float64, and without any shortcut.
func maxSim(query, document matrix) float64 {
	sum := 0.0
	for _, q := range query {
		best := math.Inf(-1)
		for _, d := range document {
			best = max(best, dot(q, d))
		}
		sum += best
	}
	return sum
}

func dot(a, b []float32) float64 {
	sum := 0.0
	b = b[:len(a)]
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// bruteForce ranks all documents, nearest first.
func bruteForce(query matrix, documents map[string]matrix) []hit {
	hits := make([]hit, 0, len(documents))
	for id, document := range documents {
		hits = append(hits, hit{ID: id, Distance: -maxSim(query, document)})
	}
	slices.SortFunc(hits, func(a, b hit) int {
		switch {
		case a.Distance < b.Distance:
			return -1
		case a.Distance > b.Distance:
			return 1
		default:
			return strings.Compare(a.ID, b.ID)
		}
	})
	return hits
}

// requireExact checks an answer against brute force: the hits have the k smallest distances, in
// order, and each distance is that of its own document. Documents whose distances differ by less
// than the tolerance may change places.
func requireExact(t *testing.T, query matrix, documents map[string]matrix, limit int, got []hit) {
	t.Helper()
	ranked := bruteForce(query, documents)
	distances := make(map[string]float64, len(ranked))
	for _, h := range ranked {
		distances[h.ID] = h.Distance
	}
	want := ranked[:min(limit, len(ranked))]
	require.Len(t, got, len(want))
	for i, h := range got {
		// 1e-4 for a score of a few dozens, which is what queries have; a float32 distance of whole pages
		// against pages has fewer decimals to compare.
		tolerance := 1e-4 * max(1, math.Abs(want[i].Distance)/100)
		distance, ok := distances[h.ID]
		require.True(t, ok, "%s is found, but not stored", h.ID)
		require.InDelta(t, want[i].Distance, h.Distance, tolerance, "distance at rank %d", i)
		require.InDelta(t, distance, h.Distance, tolerance, "distance of %s", h.ID)
	}
	require.Len(t, unique(ids(got)), len(got), "a document was returned twice")
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// stored reads the vectors of every object back: the truth that the index has to agree with.
func (n *node) stored(t *testing.T, class, vector, tenant string) map[string]matrix {
	t.Helper()
	// Pages are some MB of JSON each, so they are not all read at once.
	const batch = 20
	documents := map[string]matrix{}
	after := ""
	for {
		var list struct {
			Objects []struct {
				ID      string            `json:"id"`
				Vectors map[string]matrix `json:"vectors"`
			} `json:"objects"`
		}
		path := fmt.Sprintf("/objects?class=%s&limit=%d&include=vector&after=%s", class, batch, after)
		if tenant != "" {
			path += "&tenant=" + tenant
		}
		n.get(t, path, &list)
		for _, object := range list.Objects {
			if len(object.Vectors[vector]) > 0 {
				documents[object.ID] = object.Vectors[vector]
			}
			after = object.ID
		}
		if len(list.Objects) < batch {
			return documents
		}
	}
}

// randomMatrix draws rows that are not of unit length, so that a server which normalises them is
// found out.
func randomMatrix(r *rand.Rand, rows, dim int) matrix {
	m := make(matrix, rows)
	for i := range m {
		m[i] = make([]float32, dim)
		for j := range m[i] {
			m[i][j] = float32(r.NormFloat64())
		}
	}
	return m
}

// seeded makes the random numbers of one test: the same ones in every run.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
