package multivector

import (
	"context"
	"errors"
	"fmt"

	"weaviate-colpali/maxsim"
)

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
	return x.dim, x.dim != 0 || len(x.where)+x.pending.left() == 0
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
		dim := 0
		err := read(ctx, view, id, &buffer, func(vectors maxsim.Strided) error {
			if vectors.Rows() > 0 {
				dim = vectors.Dim
			}
			return nil
		})
		switch {
		case errors.Is(err, ErrNotStored):
		case err != nil:
			return 0, fmt.Errorf("read document %d: %w", id, err)
		case dim == 0:
			x.Delete(id)
		default:
			return x.decide(dim), nil
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

	result, err := score(ctx, view, query, ranked{pick: pick{id: id}})
	if errors.Is(err, errVectorless) {
		err = ErrNotStored
	}
	if err != nil {
		return 0, fmt.Errorf("score document %d: %w", id, err)
	}
	return result.Score, nil
}
