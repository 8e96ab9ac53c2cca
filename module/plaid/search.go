package plaid

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/module/explain"
	"weaviate-colpali/multivector"
)

// SearchByMultiVector returns the k documents nearest to query and their
// distances, nearest first. A nil allow list allows every document.
func (x *Index) SearchByMultiVector(ctx context.Context, query [][]float32, k int, allow helpers.AllowList) ([]uint64, []float32, error) {
	return x.search(ctx, query, k, nil, allow)
}

// SearchByMultiVectorDistance returns the documents whose distance to query is at
// most maxDistance, nearest first and no more than limit of them. A limit below
// zero is none.
func (x *Index) SearchByMultiVectorDistance(ctx context.Context, query [][]float32, maxDistance float32, limit int64, allow helpers.AllowList) ([]uint64, []float32, error) {
	k := math.MaxInt
	if limit >= 0 && limit < math.MaxInt {
		k = int(limit)
	}
	minScore := -maxDistance
	return x.search(ctx, query, k, &minScore, allow)
}

func (x *Index) search(ctx context.Context, query [][]float32, k int, minScore *float32, allow helpers.AllowList) ([]uint64, []float32, error) {
	packed, err := pack(query)
	if err != nil {
		return nil, nil, err
	}
	precision, err := x.precision(ctx)
	if err != nil {
		return nil, nil, err
	}
	var trace multivector.Trace
	options := multivector.SearchOptions{
		MinScore: minScore, Precision: precision, Recall: x.config.Load().Recall, Trace: &trace,
	}
	if allow != nil { // a nil allow list in the interface would not be nil
		options.Filter = allow
	}
	began := time.Now()
	results, err := x.documents.Search(ctx, packed, k, options)
	x.metrics.searched(options.Precision, began, trace, err)
	if err != nil {
		return nil, nil, err
	}
	annotate(ctx, precision, trace)
	ids, distances := make([]uint64, len(results)), make([]float32, len(results))
	for i, result := range results {
		ids[i], distances[i] = result.ID, -result.Score
	}
	return ids, distances, nil
}

// annotate puts what a search did into Weaviate's log of slow queries, and into the
// query profile and the explanation, if the query asks for them.
func annotate(ctx context.Context, precision multivector.Precision, trace multivector.Trace) {
	helpers.AnnotateSlowQueryLog(ctx, "plaid_precision", precision.String())
	helpers.AnnotateSlowQueryLog(ctx, "plaid_candidates", trace.Candidates)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_centroids", trace.Centroids)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_scanned", trace.Scanned)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_skimmed", trace.Skimmed)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_reranked", trace.Reranked)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_scored", trace.Scored)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_missing", trace.Missing)
	helpers.AnnotateSlowQueryLog(ctx, "plaid_certified", trace.Certified)
	explain.Report(ctx, explain.Search{
		Candidates: trace.Candidates, Centroids: trace.Centroids, Scanned: trace.Scanned,
		Reranked: trace.Reranked, Scored: trace.Scored, Certified: trace.Certified,
	})
}

// QueryMultiVectorDistancer measures the distance of query to single documents,
// which need not be in the index. Weaviate asks when it combines several named
// vectors.
func (x *Index) QueryMultiVectorDistancer(query [][]float32) common.QueryVectorDistancer {
	packed, err := pack(query)
	return common.QueryVectorDistancer{DistanceFunc: func(id uint64) (float32, error) {
		if err != nil {
			return 0, err
		}
		score, err := x.documents.Score(context.Background(), packed, id)
		return -score, err
	}}
}

func pack(query [][]float32) (*maxsim.Query, error) {
	matrix, err := maxsim.FromRows(query)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return maxsim.NewQuery(matrix)
}
