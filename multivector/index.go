package multivector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"weaviate-colpali/maxsim"
)

// ErrDimension says that vectors or a query have other dimensions than the
// documents of the index.
var ErrDimension = errors.New("wrong number of dimensions")

// Index is a set of live documents. Make one with [New].
type Index struct {
	source Source

	mu   sync.RWMutex
	live map[uint64]struct{}
	// sorted is live in ascending order, or nil after a change. Searches share
	// it, so it is replaced and never modified.
	sorted []uint64
	// dim is what every document has, 0 while nobody knows.
	dim int

	// probing serialises the search for dim among loaded documents.
	probing sync.Mutex
}

// New makes an empty index of documents whose vectors source holds.
func New(source Source) *Index {
	return &Index{source: source, live: map[uint64]struct{}{}}
}

// Load adds documents that the source already holds, without reading them. Ids of
// documents that turn out to have no vectors are allowed; see [Index.Search].
func (x *Index) Load(ids []uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		x.live[id] = struct{}{}
	}
	x.sorted = nil
}

// Add makes documents with vectors of dim dimensions live. Adding a live document
// changes nothing. The source must hold their vectors already.
func (x *Index) Add(ctx context.Context, dim int, ids ...uint64) error {
	if err := x.Admit(ctx, dim); err != nil {
		return err
	}
	x.Load(ids)
	return nil
}

// Delete makes documents no longer live. Deleting one that is not live changes
// nothing.
func (x *Index) Delete(ids ...uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		delete(x.live, id)
	}
	x.sorted = nil
}

// Contains reports whether a document is live.
func (x *Index) Contains(id uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, ok := x.live[id]
	return ok
}

// Len is the number of live documents.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.live)
}

// IDs calls yield with the id of every document that is live now, in ascending
// order, until it returns false. The index may be changed meanwhile.
func (x *Index) IDs(yield func(id uint64) bool) {
	for _, id := range x.ids() {
		if !yield(id) {
			return
		}
	}
}

// ids is every live document in ascending order. The slice must not be modified.
func (x *Index) ids() []uint64 {
	x.mu.RLock()
	sorted := x.sorted
	x.mu.RUnlock()
	if sorted != nil {
		return sorted
	}

	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sorted == nil {
		x.sorted = slices.AppendSeq(make([]uint64, 0, len(x.live)), maps.Keys(x.live))
		slices.Sort(x.sorted)
	}
	return x.sorted
}

// Admit fails with [ErrDimension] unless documents of dim dimensions fit those
// that are live. The first document admitted to an empty index decides, before
// it is stored or added: of two writers with different models, who both find the
// index empty, exactly one goes on.
func (x *Index) Admit(ctx context.Context, dim int) error {
	known, err := x.Dim(ctx)
	if err != nil {
		return err
	}
	if known == 0 {
		known = x.decide(dim)
	}
	if dim != known {
		return fmt.Errorf("%w: the vectors have %d, this index was begun with %d", ErrDimension, dim, known)
	}
	return nil
}

// decide sets the dimensions unless they are known, and returns them.
func (x *Index) decide(dim int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.dim == 0 {
		x.dim = dim
	}
	return x.dim
}

// Dim is the number of dimensions of every document, or 0 while there is none. It
// reads documents from the source when the index was loaded and nobody has asked
// before.
func (x *Index) Dim(ctx context.Context) (int, error) {
	if dim, ok := x.dimWithoutReading(); ok {
		return dim, nil
	}
	x.probing.Lock()
	defer x.probing.Unlock()
	if dim, ok := x.dimWithoutReading(); ok {
		return dim, nil
	}
	return x.probe(ctx)
}

func (x *Index) dimWithoutReading() (dim int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.dim, x.dim != 0 || len(x.live) == 0
}

// probe reads live documents until one has vectors. Those that have none are no
// documents of this index, and are forgotten.
func (x *Index) probe(ctx context.Context) (int, error) {
	ids := x.ids()
	view, err := x.source.View()
	if err != nil {
		return 0, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()

	var buffer Buffer
	for _, id := range ids {
		vectors, err := view.Vectors(ctx, id, &buffer)
		switch {
		case errors.Is(err, ErrNotStored):
		case err != nil:
			return 0, fmt.Errorf("read document %d: %w", id, err)
		case vectors.Rows() == 0:
			x.Delete(id)
		default:
			return x.decide(vectors.Dim), nil
		}
	}
	return 0, nil
}

// Score is the MaxSim of query and one document, live or not, for as long as the
// source holds its vectors. It fails with [ErrNotStored] where it does not.
func (x *Index) Score(ctx context.Context, query *maxsim.Query, id uint64) (float32, error) {
	view, err := x.source.View()
	if err != nil {
		return 0, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()

	var buffer Buffer
	vectors, err := view.Vectors(ctx, id, &buffer)
	if err == nil && vectors.Rows() == 0 {
		err = ErrNotStored
	}
	if err == nil && vectors.Dim != query.Dim() {
		err = fmt.Errorf("%w: the document has %d, the query has %d", ErrDimension, vectors.Dim, query.Dim())
	}
	if err != nil {
		return 0, fmt.Errorf("score document %d: %w", id, err)
	}
	return query.ScoreStrided(vectors), nil
}
