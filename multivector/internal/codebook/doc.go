// Package codebook makes centroids of a sample of token vectors and finds the
// nearest one of each vector of a page: the ids that a search scans instead of the
// vectors (PLAID's centroid interaction, Santhanam et al. 2022, arXiv:2205.09707).
//
// [Train] makes a [Codebook], in the background: it rests between chunks of work.
// [Codebook.Assign] and [Codebook.Codes] use it. [Codebook.Parts] is what a file
// has to hold of it, [FromParts] what it can be made of again.
//
// Centroids lie in cells, sqrt(K/2) of them, by spherical k-means at both
// levels. A vector is compared with the centroids of the cells that are nearly as
// near as its nearest one: how nearly is measured when the codebook is trained,
// so that 97 % of the vectors find the centroid that a search of all would find,
// for about an eighth of the work.
//
// Everything works on directions. Vectors that have none, since they are zero, hold
// NaN or an infinity, or are so large or small that their square is not a number,
// are passed over everywhere.
package codebook
