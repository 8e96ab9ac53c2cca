package multivector

import (
	"context"
	"fmt"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// Filter says which documents a search may return.
type Filter interface {
	Contains(id uint64) bool
}

// A Listing is a filter that can also name the documents that it lets through. Where
// they are few, a search does not ask of every document it has.
type Listing interface {
	Filter
	Len() int
	// Each calls f with every document, in any order.
	Each(f func(id uint64))
}

// Precision is what a search gives for what time.
type Precision int

const (
	// Balanced looks closely at the candidates that can be expected among the results,
	// as the index found by asking itself. It is the default.
	Balanced Precision = iota
	// Exact answers as brute force does, and says so.
	Exact
	// Fast looks closely at a hundred of them at most, and trusts 8-bit codes in who
	// is among the k best.
	Fast
)

// String is the word of the settings for it.
func (p Precision) String() string {
	switch p {
	case Exact:
		return "exact"
	case Fast:
		return "fast"
	default:
		return "balanced"
	}
}

// SearchOptions are what a search may be told beyond the query and k. The zero
// value searches everything.
type SearchOptions struct {
	Filter    Filter   // nil: every document
	MinScore  *float32 // nil: any score
	Precision Precision
	Recall    float64 // of Balanced: the share of brute force's results to aim at, below 1; 0: [DefaultRecall]
	Trace     *Trace  // filled in when not nil
}

// Result is one document found.
type Result struct {
	ID    uint64
	Score float32 // MaxSim: larger is better
}

// Trace tells what a search did.
type Trace struct {
	Candidates int // live documents that passed the filter
	Centroids  int // of the tables that were scanned, 0: no need to
	Scanned    int // documents whose centroids were looked up there
	Skimmed    int // documents scored by the 8-bit codes of some of their rows
	Reranked   int // documents scored by the 8-bit codes of all their rows
	Scored     int // documents scored with their stored vectors
	Missing    int // of those to be scored, deleted since, or without vectors that fit the query
	// Certified says that the answer equals brute force over the candidates.
	Certified bool
}

// Search returns the k documents with the largest scores, best first. Equal
// scores are in the order of their ids.
//
//	live documents -- filter --> candidates
//	    -- postings        (stage 0) --> fewer          in a large index
//	    -- centroid tables (stage 1) --> shortlist      all candidates where they are few
//	    -- 8-bit codes     (stage 2) --> ranking, with bounds   until no more can be expected:
//	         of rows near the query's, then of all rows of whatever can still be expected
//	    -- stored vectors  (stage 3) --> best k         of those that the bounds cannot rule out
//
// Documents that the index has no codes of yet are scored with their stored
// vectors right away. Documents that the source no longer holds are passed over.
// Those that it holds without vectors were never documents of this index and are
// forgotten.
func (x *Index) Search(ctx context.Context, query *maxsim.Query, k int, options SearchOptions) ([]Result, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if err := x.fits(ctx, query); err != nil {
		return nil, err
	}
	var trace Trace
	if options.Trace != nil {
		defer func() { *options.Trace = trace }()
	}
	if k <= 0 {
		trace.Certified = true
		return nil, nil
	}
	// The documents are taken before the view is opened: whatever is live now was
	// stored before, so the view has it unless it was deleted in between.
	s, candidates, err := x.candidates(options.Filter)
	if err != nil {
		return nil, fmt.Errorf("search: a file of the index cannot be read: %w", err)
	}
	defer s.release()
	trace.Candidates = candidates.count()
	view, err := x.source.View()
	if err != nil {
		return nil, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()

	var shortlist *shortlist
	var expected expectation
	if err := vfs.Guard(func() {
		shortlist, expected = x.shortlist(candidates, query, k, options, &trace)
	}); err != nil {
		return nil, fmt.Errorf("search: a file of the index cannot be read: %w", err)
	}
	defer shortlist.tables.release()
	ranking, err := rerank(ctx, query, shortlist, expected)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer ranking.free()
	trace.Certified = shortlist.size == candidates.inParts() && !ranking.stopped
	unranked := append(x.discard(ranking.damaged), candidates.pending...)
	found, err := refine(ctx, view, query, ranking.documents, unranked, k, options, trace.Certified)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	x.Delete(found.vectorless...)
	trace.Skimmed, trace.Reranked = ranking.skimmed, len(ranking.documents)
	trace.Scored, trace.Missing = found.scored, found.asked-found.scored
	return found.best.sorted(), nil
}

// check refuses a recall that is no share, or all.
func (o SearchOptions) check() error {
	if o.Recall == 0 || o.Recall > 0 && o.Recall < 1 {
		return nil
	}
	return fmt.Errorf("search: a recall must be above 0 and below 1, got %v: ask with the precision %q for every result",
		o.Recall, Exact)
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
