// Package maxsim scores multi-vectors: MaxSim is the sum, over the rows of a
// query, of each row's largest dot product with any row of a document
// (ColBERT's late interaction).
//
// Pack a query once with [NewQuery], then call [Query.Score] for each document,
// or [Query.Match] to see which document row each query row chose. A [Query] is
// immutable: any number of goroutines may score with it at once, and none of the
// calls allocates.
//
// # Arithmetic
//
// Everything is float32, added in a fixed order, so a score is reproducible on
// one architecture. Between architectures the last bits may differ, because
// compilers fuse multiplications and additions on some and not on others.
//
// # What a row that is not finite does
//
// [FromRows] and [Check] refuse such rows and rows so large that a score could
// overflow, so no score of matrices that passed them is NaN or infinite. For
// matrices made otherwise: a dot product that is NaN never is the largest one,
// and a query row without any number among its dot products adds nothing.
package maxsim
