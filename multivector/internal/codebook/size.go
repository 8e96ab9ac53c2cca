package codebook

// MaxCentroids bounds every codebook, above all one that comes from a file.
const MaxCentroids = 1 << 20

// CentroidsFor is how many centroids suit a number of documents. More centroids
// cost less than more candidates: with 2,048 a search had to rerank 50 of 2,000
// pages for a recall of 0.94, with 8,192 for 0.995. Up to a million documents ids
// fit two bytes.
func CentroidsFor(documents int) int {
	switch {
	case documents <= 10_000:
		return 8_192
	case documents <= 100_000:
		return 32_768
	case documents <= 1_000_000:
		return 65_536
	default:
		return 262_144
	}
}
