// Package maxsim scores multi-vectors: MaxSim is the sum, over the rows of a
// query, of each row's largest dot product with any row of a document
// (ColBERT's late interaction).
//
// Pack a query once with [NewQuery], then score as many documents as there are,
// in the form in which they lie in memory:
//
//	[Query.Score]      float32           exact
//	[Query.ScoreHalf]  float16           exact, of half the bytes
//	[Query.ScoreInt8]  8-bit codes       within [Query.ErrorBound] of exact
//	[Codes.Top]        nearest centroids an estimate, by a [CentroidTable]
//
// [Query.Match] and [Query.MatchInt8] tell which document row each query row
// chose; [Query.Refine] makes float32 of the latter's scores. A [Query] is
// immutable: any number of goroutines may score with it at once, and none of the
// calls allocates once it is warm.
//
// The work is done by the kernels of the processor at hand, see [Kernel]. Rows
// whose dimensions are not a multiple of 8 are left to the portable ones, which
// are some twenty times slower; every model that we know has 128, 320 or more.
//
// # Arithmetic
//
// A float32 dot product is one chain of fused multiply-adds in the order of the
// dimensions: scores are the same to the last bit on every processor that has
// kernels of its own. The portable kernels differ in the last bits where the
// compiler does not fuse. A dot product depends on no neighbour of its row. Scores
// of 8-bit codes are the same everywhere.
//
// # What a row that is not finite does
//
// [FromRows] and [Check] refuse such rows and rows so large that a score could
// overflow, so no score of matrices that passed them is NaN or infinite. For
// matrices made otherwise: a dot product that is NaN never is the largest one,
// and a query row without any number among its dot products adds nothing. In 8-bit
// codes there are no infinities: a row with one is passed over as one with NaN is.
package maxsim
