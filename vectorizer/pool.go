package vectorizer

// Pool returns len(vectors)/factor vectors, at least one, each the mean direction of a cluster of similar ones: a
// page that takes a factor of the memory and nearly as well found. It is colpali-engine's HierarchicalTokenPooler
// (compression/token_pooling/hierarchical_token_pooling.py, version 0.3.18): Ward's clustering of the rows of
// 1 - E·Eᵀ as observations, cut by scipy's maxclust, which leaves fewer clusters where distances are equal.
//
// It differs in three ways. The vectors come in the order of the first token of their clusters. A single vector,
// which the reference refuses, is returned as it is. A cluster whose vectors cancel out has no direction, for which
// the reference returns zeros; here it keeps its first vector, since a zero row would lift negative scores to 0.
//
// A factor of 1 or less changes nothing. The vectors are not written to, and must be of one length.
func Pool(vectors [][]float32, factor int) [][]float32 {
	n := len(vectors)
	if factor <= 1 || n <= 1 {
		return vectors
	}
	clusters := cut(ward(profileDistances(vectors)), n, max(n/factor, 1))
	dim := len(vectors[0])
	block := make([]float32, len(clusters)*dim)
	pooled := make([][]float32, len(clusters))
	for i, cluster := range clusters {
		pooled[i] = block[i*dim : (i+1)*dim : (i+1)*dim]
		meanDirection(pooled[i], vectors, cluster)
	}
	return pooled
}

// meanDirection writes the unit vector along the sum of the cluster's vectors.
func meanDirection(direction []float32, vectors [][]float32, cluster []int) {
	sum := make([]float64, len(direction))
	for _, i := range cluster {
		for j, value := range vectors[i] {
			sum[j] += float64(value)
		}
	}
	for j, value := range sum {
		direction[j] = float32(value)
	}
	length := norm(direction)
	if length < 1e-6*float64(len(cluster)) {
		copy(direction, vectors[cluster[0]])
		return
	}
	for j, value := range sum {
		direction[j] = float32(value / length)
	}
}
