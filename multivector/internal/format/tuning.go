package format

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Tuning is what an index found out by asking itself.
type Tuning struct {
	Codebook uint64   // number of the codebook file
	IDs      []uint64 // of the documents that there were, ascending

	// Shortfalls of results, ascending, as shares of the largest score that there can be: by
	// the centroids' estimates, and of those that can be skimmed after that.
	Centroids, Skimmed []float32
}

// mostShortfalls is what an index could ask itself at most: it has 480.
const mostShortfalls = 1<<16 - 1

// OpenTuning opens a tuning.
func OpenTuning(b []byte) (*Tuning, error) {
	parts, err := open(KindTuning, b)
	if err != nil {
		return nil, err
	}
	t := &Tuning{
		Codebook:  view[uint64](parts["codebook"].bytes)[0],
		IDs:       view[uint64](parts["ids"].bytes),
		Centroids: view[float32](parts["centroids"].bytes),
		Skimmed:   view[float32](parts["skimmed"].bytes),
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return t, nil
}

// WriteTuning writes a tuning.
func WriteTuning(w io.Writer, t *Tuning) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("write tuning: %w", err)
	}
	return t.write(w)
}

func (t *Tuning) write(w io.Writer) error {
	out := newWriter(w, KindTuning)
	put(out, []uint64{t.Codebook})
	put(out, t.IDs)
	put(out, t.Centroids)
	put(out, t.Skimmed)
	return out.close()
}

func (t *Tuning) check() error {
	if t.Codebook == 0 {
		return misfit("codebook", "0, expected the number of a file")
	}
	for i := 1; i < len(t.IDs); i++ {
		if t.IDs[i-1] >= t.IDs[i] {
			return misfit("ids", "number %d is %d after %d, expected a larger one", i, t.IDs[i], t.IDs[i-1])
		}
	}
	return cmp.Or(
		checkShortfalls("centroids", t.Centroids, 1, mostShortfalls),
		checkShortfalls("skimmed", t.Skimmed, 0, len(t.Centroids)),
	)
}

// checkShortfalls fails unless there are as many as there can be, finite and in order.
func checkShortfalls(section string, shortfalls []float32, least, most int) error {
	if n := len(shortfalls); n < least || n > most {
		return misfit(section, "%d shortfalls, expected %d to %d", n, least, most)
	}
	for i, x := range shortfalls {
		if x-x != 0 {
			return misfit(section, "number %d is %g, expected a finite one", i, x)
		}
	}
	if !slices.IsSorted(shortfalls) {
		return misfit(section, "one is smaller than the one before it")
	}
	return nil
}
