package maxsim

import (
	"math"
	"slices"
	"sync"
)

// scratch is what scoring one document needs. It is reused, so that scoring
// allocates nothing once as many goroutines as ever score at once have begun.
type scratch struct {
	best   [passLanes]float32 // the largest product of each lane
	row    [passLanes]uint32  // whose it is
	floats []float32          // rows widened to float32, or products
	rows   []uint32
	sums   []uint32
	keys   []uint64
	counts []uint32
	codes  []uint8
	scales []float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) free() { scratches.Put(s) }

// noRow stands in scratch.row where no product was larger than minus infinity.
const noRow = math.MaxUint32

// none is what the largest product begins with.
var none = float32(math.Inf(-1))

func (s *scratch) reset(lanes int) {
	for i := range lanes {
		s.best[i], s.row[i] = none, noRow
	}
}

// floatsOf is room for n floats.
func (s *scratch) floatsOf(n int) []float32 {
	s.floats = slices.Grow(s.floats[:0], n)[:n]
	return s.floats
}
