package codebook

import (
	"cmp"
	"slices"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// kmeans is spherical k-means over some rows of a sample: centroids are unit
// vectors, and a row belongs to the one with the largest cosine.
type kmeans struct {
	pace
	sample    *sample
	members   []int32         // in random order
	packed    []*maxsim.Query // the members, chunkRows at a time
	centroids maxsim.Matrix

	// Of one round.
	matches []maxsim.Match // of each member
	sums    maxsim.Matrix  // of each centroid's members, scaled to norm 1
	counts  []int
}

// cluster finds at most k centroids of the members. It is deterministic: sums add
// up in the order of the members, and the codes that decide who belongs where are
// the same on every processor.
func cluster(p pace, s *sample, members []int32, k, rounds int) (maxsim.Matrix, error) {
	m := &kmeans{pace: p, sample: s, members: members, centroids: s.gather(members[:min(k, len(members))])}
	m.sums = maxsim.Matrix{Data: make([]float32, len(m.centroids.Data)), Dim: s.rows.Dim}
	m.counts = make([]int, m.centroids.Rows())
	for i := range m.centroids.Rows() {
		normalise(m.centroids.Row(i))
	}
	if err := m.pack(); err != nil {
		return maxsim.Matrix{}, err
	}
	for range rounds {
		if err := m.round(); err != nil {
			return maxsim.Matrix{}, err
		}
	}
	return m.used(), nil
}

// pack packs the members once for all rounds: that takes longer than to compare
// them with a cell's centroids. Halves of codes ([maxsim.Int8Rows]), which take little time to
// pack, made a training a fifth shorter and cost 0.002 of the mean cosine.
func (m *kmeans) pack() error {
	for chunk := range slices.Chunk(m.members, chunkRows) {
		if err := m.rest(); err != nil {
			return err
		}
		m.packed = append(m.packed, pack(m.sample.gather(chunk)))
	}
	return nil
}

// round assigns every member and moves every centroid to the mean of its own.
func (m *kmeans) round() error {
	codes := maxsim.Quantize(m.centroids)
	m.matches = m.matches[:0]
	for _, query := range m.packed {
		if err := m.rest(); err != nil {
			return err
		}
		m.matches = query.MatchInt8(m.matches, codes)
	}
	if err := m.add(); err != nil {
		return err
	}
	m.move()
	return nil
}

func (m *kmeans) add() error {
	clear(m.sums.Data)
	clear(m.counts)
	scaled := make([]float32, m.sums.Dim)
	for i, number := range m.members {
		if i%(16*chunkRows) == 0 {
			if err := m.rest(); err != nil {
				return err
			}
		}
		to := m.matches[i].Row
		vek32.MulNumber_Into(scaled, m.sample.rows.Row(int(number)), m.sample.inverse[number])
		vek32.Add_Inplace(m.sums.Row(to), scaled)
		m.counts[to]++
	}
	return nil
}

// move makes new centroids. One without members becomes the member that its own
// centroid suits least, unless all are alike.
func (m *kmeans) move() {
	var worst []int // members
	for i, n := range m.counts {
		to := m.centroids.Row(i)
		if n > 0 {
			if directed(vek32.Norm(m.sums.Row(i))) { // members may cancel each other
				copy(to, m.sums.Row(i))
				normalise(to)
			}
			continue
		}
		if worst == nil {
			worst = m.worstFirst()
		}
		copy(to, m.sample.rows.Row(int(m.members[worst[0]])))
		normalise(to)
		worst = worst[1:]
	}
}

// worstFirst is the members by their cosine with their centroid. There are as many
// as centroids or more.
func (m *kmeans) worstFirst() []int {
	order, cosines := make([]int, len(m.members)), make([]float32, len(m.members))
	for i, number := range m.members {
		order[i], cosines[i] = i, m.matches[i].Score*m.sample.inverse[number]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cosines[a], cosines[b]) })
	return order
}

// used is the centroids that had members in the last round: the others were only
// just put somewhere else.
func (m *kmeans) used() maxsim.Matrix {
	used := maxsim.Matrix{Dim: m.centroids.Dim}
	for i, n := range m.counts {
		if n > 0 {
			used.Data = append(used.Data, m.centroids.Row(i)...)
		}
	}
	return used
}

func normalise(row []float32) { vek32.DivNumber_Inplace(row, vek32.Norm(row)) }
