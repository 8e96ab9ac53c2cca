package codebook

import "math"

// share divides k centroids among cells of some rows each: every cell gets one, the
// rest is proportional to rows^0.75. A cell of near-duplicates, as backgrounds make
// them, would waste a proportional share, and equal shares would leave it with too
// few. No cell gets more centroids than it has rows.
func share(k int, rows []int) []int {
	weights, total := make([]float64, len(rows)), 0.0
	for i, n := range rows {
		weights[i] = math.Pow(float64(n), 0.75)
		total += weights[i]
	}
	shares, given, sum := make([]int, len(rows)), 0, 0.0
	for i, weight := range weights {
		sum += weight
		upTo := int(math.Round(sum / total * float64(k-len(rows))))
		shares[i] = min(rows[i], 1+upTo-given)
		given = upTo
	}
	return shares
}
