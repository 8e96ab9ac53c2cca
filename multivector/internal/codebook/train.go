package codebook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"weaviate-colpali/maxsim"
)

// Options are what training may be told.
type Options struct {
	// Centroids is how many are wanted, see [CentroidsFor]. Each should have 16 rows
	// of the sample or more: the mean cosine of rows of other pages was 0.814, 0.822,
	// 0.826 and 0.834 with 4, 8, 16 and 32. With fewer than 4 rows for each, fewer
	// are made.
	Centroids int
	// MaxCentroids is how many memory allows, see [Codebook]. 0 is [MaxCentroids].
	MaxCentroids int
	// Seed decides everything that is random. The same seed and sample make the
	// same codebook, however many workers there are.
	Seed uint64
	// Workers is how many goroutines work at once. 0 is one.
	Workers int
	// Pause is called by every worker before each chunk of work, which takes from a
	// fraction of a millisecond to a few: to wait there is to hold training up. nil
	// is [runtime.Gosched], which lets everything run that waits for a core.
	Pause func()
}

// ErrSample says that a sample has no row to train with.
var ErrSample = errors.New("the sample has no row with a direction")

const (
	// rowsEach is the fewest rows that a centroid is made of.
	rowsEach = 4
	// cellShare makes sqrt(K/2) cells. For 8,192 centroids sqrt(K)/2 cells cost a tenth
	// more time a page at the same accuracy, and sqrt(K) 0.001 of the mean cosine.
	cellShare = 0.5
	// coarseRows is how many rows for each coarse cell decide where the cells are.
	coarseRows = 256
	// rounds of k-means at both levels. Rows of other pages had a mean cosine of
	// 0.821, 0.825, 0.825, 0.827, 0.826 and 0.827 after 1, 2, 3, 4, 6 and 12.
	rounds = 4
)

// Train makes a codebook of a sample of rows, with those of one document side by
// side and the documents in random order: the last rows are kept apart to measure
// with, and rows of a document that was trained with would look too good. Rows
// without a direction are passed over.
//
// It goes two ways down, coarse cells first, then centroids inside each, so that
// the work grows with K^1.5 and not with K^2. Besides the sample it needs, for each
// worker, twice the memory of the rows of a cell. It ends soon after ctx does, with
// its error.
func Train(ctx context.Context, rows maxsim.Matrix, o Options) (*Codebook, error) {
	t := &trainer{pace: pace{ctx: ctx, pause: o.Pause}, workers: max(1, o.Workers)}
	var err error
	if t.sample, err = newSample(t.pace, rows, rand.New(rand.NewPCG(o.Seed, 0))); err != nil {
		return nil, err
	}
	if len(t.sample.train) == 0 {
		return nil, fmt.Errorf("train centroids: %w", ErrSample)
	}
	parts, err := t.train(o.centroids(len(t.sample.train)))
	if err != nil {
		return nil, err
	}
	c := build(parts)
	if err := t.measure(c); err != nil {
		return nil, err
	}
	return c, nil
}

// centroids is how many to make of so many rows.
func (o Options) centroids(rows int) int {
	most := MaxCentroids
	if o.MaxCentroids > 0 {
		most = min(most, o.MaxCentroids)
	}
	return max(1, min(o.Centroids, most, rows/rowsEach))
}

// trainer is the state of one training.
type trainer struct {
	pace
	sample  *sample
	workers int
}

func (t *trainer) train(k int) (Parts, error) {
	n := max(1, int(math.Round(math.Sqrt(float64(k)*cellShare))))
	train := t.sample.train
	cells, err := cluster(t.pace, t.sample, train[:min(len(train), n*coarseRows)], n, rounds)
	if err != nil {
		return Parts{}, err
	}
	members, err := t.members(cells)
	if err != nil {
		return Parts{}, err
	}
	return t.fine(cells, members, k)
}

// members is the rows of each cell, in the order of the sample.
func (t *trainer) members(cells maxsim.Matrix) ([][]int32, error) {
	codes, members := maxsim.Quantize(cells), make([][]int32, cells.Rows())
	var matches []maxsim.Match
	for chunk := range slices.Chunk(t.sample.train, chunkRows) {
		if err := t.rest(); err != nil {
			return nil, err
		}
		matches = pack(t.sample.gather(chunk)).MatchInt8(matches[:0], codes)
		for i, number := range chunk {
			cell := matches[i].Row
			members[cell] = append(members[cell], number)
		}
	}
	return members, nil
}

// fine makes the centroids of each cell. Cells that no row is nearest to are left
// out.
func (t *trainer) fine(cells maxsim.Matrix, members [][]int32, k int) (Parts, error) {
	parts := Parts{Cells: maxsim.Matrix{Dim: cells.Dim}, Centroids: maxsim.Matrix{Dim: cells.Dim}, Offsets: []uint32{0}}
	var rows []int
	var filled [][]int32
	for i, own := range members {
		if len(own) > 0 {
			parts.Cells.Data = append(parts.Cells.Data, cells.Row(i)...)
			rows, filled = append(rows, len(own)), append(filled, own)
		}
	}
	children, err := t.clusterAll(filled, share(k, rows))
	if err != nil {
		return Parts{}, err
	}
	for _, own := range children {
		parts.Centroids.Data = append(parts.Centroids.Data, own.Data...)
		parts.Offsets = append(parts.Offsets, uint32(parts.Centroids.Rows()))
	}
	return parts, nil
}

// clusterAll clusters every cell on its own, as many at a time as there are workers.
func (t *trainer) clusterAll(members [][]int32, shares []int) ([]maxsim.Matrix, error) {
	children, errs := make([]maxsim.Matrix, len(members)), make([]error, t.workers)
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range t.workers {
		workers.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(members) {
					return
				}
				children[i], errs[w] = cluster(t.pace, t.sample, members[i], shares[i], rounds)
			}
		})
	}
	workers.Wait()
	return children, errors.Join(errs...)
}

// measure finds out how far to look for centroids and how near they are, for rows
// that were kept apart; for those trained with, where there are so few that none
// were.
func (t *trainer) measure(c *Codebook) error {
	rows := t.sample.held
	if len(rows) == 0 {
		rows = t.sample.train
	}
	if err := t.measureReach(c, rows); err != nil {
		return err
	}
	a := takeAssignment(c)
	defer a.free()
	for chunk := range slices.Chunk(rows, chunkRows) {
		if err := t.rest(); err != nil {
			return err
		}
		a.block(maxsim.Quantize(t.sample.gather(chunk)), c.parts.Reach)
	}
	c.parts.MeanCosine = a.meanCosine()
	return nil
}
