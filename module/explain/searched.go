package explain

import (
	"context"
	"encoding/json"

	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
)

// Search is what one search of an index did.
type Search struct {
	Candidates int // live pages that passed the filter
	Centroids  int // of the tables that were scanned
	Scanned    int // pages whose centroids were looked up there
	Reranked   int // pages scored by 8-bit codes
	Scored     int // pages scored with their stored vectors
	Certified  bool
}

// searches is the detail of a shard in Weaviate's query profile that lists what the searches of its indexes did:
// one for each named vector that is searched.
const searches = "plaid_searches"

// Report adds what a search did to the details of its shard.
func Report(ctx context.Context, s Search) {
	helpers.AnnotateSlowQueryLogAppend(ctx, searches, s)
}

// Searched is what the searches of a query did together, on all nodes. ok is false where that is not known: no
// index of ours was asked, or one that does not tell.
func Searched(ctx context.Context) (total Search, ok bool) {
	total.Certified = true
	for _, shard := range helpers.ExtractQueryProfiles(ctx) {
		for _, search := range shard.Searches {
			list, reported := search.Details[searches]
			if !reported {
				continue // of another index, or of words
			}
			var of []Search
			if json.Unmarshal([]byte(list), &of) != nil {
				return Search{}, false // of another release
			}
			for _, s := range of {
				total.add(s)
				ok = true
			}
		}
	}
	return total, ok
}

func (s *Search) add(other Search) {
	s.Candidates += other.Candidates
	s.Centroids += other.Centroids
	s.Scanned += other.Scanned
	s.Reranked += other.Reranked
	s.Scored += other.Scored
	s.Certified = s.Certified && other.Certified
}
