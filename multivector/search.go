package multivector

import (
	"context"
	"fmt"

	"weaviate-colpali/maxsim"
)

// Filter says which documents a search may return.
type Filter interface {
	Contains(id uint64) bool
}

// SearchOptions are what a search may be told beyond the query and k. The zero
// value searches everything.
type SearchOptions struct {
	Filter   Filter   // nil: every document
	MinScore *float32 // nil: any score
	Trace    *Trace   // filled in when not nil
}

func (o SearchOptions) report(t Trace) {
	if o.Trace != nil {
		*o.Trace = t
	}
}

// Result is one document found.
type Result struct {
	ID    uint64
	Score float32 // MaxSim: larger is better
}

// Trace tells what a search did.
type Trace struct {
	Candidates int // live documents that passed the filter
	Scored     int // of those, scored with their stored vectors
	Missing    int // of those, deleted since, or without vectors that fit the query
	// Certified says that the answer equals brute force over the candidates. It
	// is always true so far: every candidate is scored exactly.
	Certified bool
}

// Search returns the k documents with the largest scores, best first. Equal
// scores are in the order of their ids.
//
//	live documents -- filter --> candidates -- score all (stage 0) --> best k
//
// Documents that the source no longer holds are passed over. Those that it holds
// without vectors were never documents of this index and are forgotten.
func (x *Index) Search(ctx context.Context, query *maxsim.Query, k int, options SearchOptions) ([]Result, error) {
	if err := x.fits(ctx, query); err != nil {
		return nil, err
	}
	if k <= 0 {
		options.report(Trace{Certified: true})
		return nil, nil
	}
	// The ids are taken before the view is opened: whatever is live now was
	// stored before, so the view has it unless it was deleted in between.
	candidates := pass(x.ids(), options.Filter)
	view, err := x.source.View()
	if err != nil {
		return nil, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()

	found, err := scoreAll(ctx, view, query, candidates, min(k, len(candidates)), options.MinScore)
	if err != nil {
		return nil, err
	}
	if len(found.vectorless) > 0 {
		x.Delete(found.vectorless...)
	}
	options.report(Trace{
		Candidates: len(candidates),
		Scored:     found.scored,
		Missing:    len(candidates) - found.scored,
		Certified:  true,
	})
	return found.best.sorted(), nil
}

// fits refuses a query of other dimensions than the documents have.
func (x *Index) fits(ctx context.Context, query *maxsim.Query) error {
	dim, err := x.Dim(ctx)
	if err != nil {
		return err
	}
	if dim != 0 && dim != query.Dim() {
		return fmt.Errorf("%w: the query has %d, the documents of the index have %d: "+
			"ask with the model that made the documents' vectors", ErrDimension, query.Dim(), dim)
	}
	return nil
}

// pass is the ids that the filter lets through.
func pass(ids []uint64, filter Filter) []uint64 {
	if filter == nil {
		return ids
	}
	var passed []uint64
	for _, id := range ids {
		if filter.Contains(id) {
			passed = append(passed, id)
		}
	}
	return passed
}
