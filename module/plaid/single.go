package plaid

import (
	"context"
	"errors"

	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"
)

// ErrSingleVector is the answer of every method for single vectors.
var ErrSingleVector = errors.New("this named vector has multivector.plaid enabled: it takes a matrix, " +
	"one vector for each token or patch, and not a single vector")

// Add refuses a single vector.
func (x *Index) Add(context.Context, uint64, []float32) error { return ErrSingleVector }

// AddBatch refuses single vectors.
func (x *Index) AddBatch(context.Context, []uint64, [][]float32) error { return ErrSingleVector }

// ValidateBeforeInsert refuses a single vector before its object is stored.
func (x *Index) ValidateBeforeInsert([]float32) error { return ErrSingleVector }

// Delete is [Index.DeleteMulti]: ids say nothing about vectors.
func (x *Index) Delete(ids ...uint64) error { return x.DeleteMulti(ids...) }

// SearchByVector refuses a single vector as a query.
func (x *Index) SearchByVector(context.Context, []float32, int, helpers.AllowList) ([]uint64, []float32, error) {
	return nil, nil, ErrSingleVector
}

// SearchByVectorDistance refuses a single vector as a query.
func (x *Index) SearchByVectorDistance(context.Context, []float32, float32, int64, helpers.AllowList) ([]uint64, []float32, error) {
	return nil, nil, ErrSingleVector
}

// QueryVectorDistancer refuses a single vector as a query.
func (x *Index) QueryVectorDistancer([]float32) common.QueryVectorDistancer {
	return common.QueryVectorDistancer{DistanceFunc: func(uint64) (float32, error) { return 0, ErrSingleVector }}
}
