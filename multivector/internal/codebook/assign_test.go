package codebook

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

func TestAssignIsNearlyExact(t *testing.T) {
	c, _ := small()
	rows := unseen(10)
	ids, cosine := c.Assign(nil, rows)
	exact := exactly(t, c, rows)
	same := 0
	for i, id := range ids {
		if int(id) == exact[i].Row {
			same++
		}
	}
	share := float64(same) / float64(len(ids))
	t.Logf("nearest centroid for %.4f of the rows; mean cosine %.5f of %.5f", share, cosine, meanScore(exact))
	require.Greater(t, share, 0.93) // 0.97 are within the reach; codes mistake some for others as near
	require.InDelta(t, meanScore(exact), cosine, 0.002)
}

// What is left then is what 8-bit codes cannot tell apart.
func TestAssignWithoutLimitLosesNearlyNothing(t *testing.T) {
	c, _ := small()
	parts := c.Parts()
	parts.Reach = farthest
	c, err := FromParts(parts)
	require.NoError(t, err)
	rows := unseen(3)
	ids, cosine := c.Assign([]uint32{77}, rows)
	require.EqualValues(t, 77, ids[0])
	exact := exactly(t, c, rows)
	for i, m := range exact {
		require.InDelta(t, m.Score, vek32.Dot(rows.Row(i), parts.Centroids.Row(int(ids[i+1]))), 0.005)
	}
	require.InDelta(t, meanScore(exact), cosine, 1e-4)
}

// Only the direction of a row counts.
func TestAssignIgnoresTheLengthOfRows(t *testing.T) {
	c, _ := small()
	rows := unseen(2)
	ids, cosine := c.Assign(nil, rows)
	for i := range rows.Rows() {
		for d := range rows.Row(i) {
			rows.Row(i)[d] *= float32(math.Ldexp(1, i%80-40))
		}
	}
	scaled, scaledCosine := c.Assign(nil, rows)
	require.Equal(t, ids, scaled)
	require.InDelta(t, cosine, scaledCosine, 1e-6)
}

func TestAssignOfNoRows(t *testing.T) {
	c, _ := small()
	ids, cosine := c.Assign(nil, maxsim.Matrix{})
	require.Empty(t, ids)
	require.Zero(t, cosine)
	var codes Codes
	c.CodesInt8(&codes, maxsim.Int8Matrix{})
	require.Empty(t, codes.IDs)
	require.Panics(t, func() { c.Assign(nil, equalRows(3, 1, 2)) })
}

func TestCodesAreTheDistinctIdsInOrderWithTheirRows(t *testing.T) {
	c, _ := small()
	var codes Codes
	for page := range 3 { // in the same memory
		rows := maxsim.Quantize(unseen(1 + page))
		ids, cosine := c.AssignInt8(nil, rows)
		require.InDelta(t, cosine, c.CodesInt8(&codes, rows), 0)
		require.Equal(t, slices.Compact(slices.Sorted(slices.Values(ids))), codes.IDs)
		require.Len(t, codes.Counts, len(codes.IDs))
		left := codes.Rows
		for i, id := range codes.IDs {
			var want []uint16
			for row, of := range ids {
				if of == id {
					want = append(want, uint16(row))
				}
			}
			require.Equal(t, want, left[:codes.Counts[i]])
			left = left[codes.Counts[i]:]
		}
		require.Empty(t, left)
	}
}

func TestAssignByManyAtOnce(t *testing.T) {
	c, _ := small()
	c, err := FromParts(c.Parts()) // with cells that are not packed yet
	require.NoError(t, err)
	rows := unseen(1)
	var all [8][]uint32
	var workers sync.WaitGroup
	for i := range all {
		workers.Go(func() { all[i], _ = c.Assign(nil, rows) })
	}
	workers.Wait()
	for _, ids := range all {
		require.Equal(t, all[0], ids)
	}
}

func TestAssignDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector sync.Pool forgets at random what it was given")
	}
	c, _ := small()
	coded := maxsim.Quantize(unseen(1))
	var codes Codes
	c.CodesInt8(&codes, coded)
	require.Less(t, testing.AllocsPerRun(20, func() {
		c.CodesInt8(&codes, coded)
	}), 2.0) // the garbage collector may empty the pool
}
