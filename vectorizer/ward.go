package vectorizer

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// merge is one step of a clustering: the clusters in which a and b are become one, at a height that says how far
// they were apart.
type merge struct {
	a, b   int
	height float64
}

// ward clusters the observations by Ward's criterion and returns the merges by height, lowest first; there is one
// less than observations. It follows a chain of nearest neighbours until two are each other's (Murtagh 1983), in
// O(n²) time and with n² distances in memory: 8.5 MB for 1030.
//
// Order and arithmetic are those of scipy's nn_chain (scipy/cluster/_hierarchy.pyx), because with equal distances
// both decide who is merged: neighbours are looked for by rising number, the one that led here is preferred, and
// equal heights stay in the order in which they were found.
func ward(distances [][]float64) []merge {
	n := len(distances)
	merges := make([]merge, 0, max(n-1, 0))
	size := slices.Repeat([]float64{1}, n)
	var chain []int
	for len(merges) < n-1 {
		if len(chain) == 0 {
			chain = append(chain, slices.IndexFunc(size, func(s float64) bool { return s > 0 }))
		}
		x, y, height := mutual(&chain, distances, size)
		x, y = min(x, y), max(x, y)
		merges = append(merges, merge{x, y, height})
		join(distances, size, x, y, height)
	}
	slices.SortStableFunc(merges, func(a, b merge) int { return cmp.Compare(a.height, b.height) })
	return merges
}

// mutual lengthens the chain until its last two are nearest to each other, takes them off and returns them.
func mutual(chain *[]int, distances [][]float64, size []float64) (x, y int, height float64) {
	links := *chain
	for {
		x = links[len(links)-1]
		before, nearest := -1, math.Inf(1)
		if len(links) > 1 {
			before = links[len(links)-2]
			nearest = distances[x][before]
		}
		y = before
		for i, d := range distances[x] {
			if d < nearest && size[i] > 0 && i != x {
				nearest, y = d, i
			}
		}
		if y == before {
			*chain = links[:len(links)-2]
			return x, y, nearest
		}
		links = append(links, y)
	}
}

// join makes y the union of x and y, and x nothing, by the formula of Lance and Williams for Ward's criterion.
func join(distances [][]float64, size []float64, x, y int, height float64) {
	nx, ny := size[x], size[y]
	size[x], size[y] = 0, nx+ny
	for i, ni := range size {
		if ni == 0 || i == y {
			continue
		}
		t := 1 / (nx + ny + ni)
		dx, dy := distances[i][x], distances[i][y]
		d := math.Sqrt((ni+nx)*t*dx*dx + (ni+ny)*t*dy*dy - ni*t*height*height)
		distances[i][y], distances[y][i] = d, d
	}
}

// cut makes at most most clusters, at least one, of n observations: it carries out the lowest merges that suffice
// and all others of the same height, as scipy's fcluster with maxclust does, so equal heights may leave fewer
// clusters. Each cluster lists its observations by rising number, and the clusters go by their first.
func cut(merges []merge, n, most int) [][]int {
	root := make([]int, n)
	for i := range root {
		root[i] = i
	}
	if most < n {
		limit := merges[n-most-1].height
		for _, m := range merges {
			if m.height > limit {
				break
			}
			a, b := find(root, m.a), find(root, m.b)
			root[max(a, b)] = min(a, b)
		}
	}
	var clusters [][]int
	place := make([]int, n)
	for i := range root {
		first := find(root, i)
		if first == i {
			place[i] = len(clusters)
			clusters = append(clusters, nil)
		}
		clusters[place[first]] = append(clusters[place[first]], i)
	}
	return clusters
}

// find returns the smallest number in the cluster of i, and shortens the way there.
func find(root []int, i int) int {
	for root[i] != i {
		root[i] = root[root[i]]
		i = root[i]
	}
	return i
}

// profileDistances returns how far each two of the vectors, the rows of E, are apart in what all vectors are to
// them: the Euclidean distances of the rows of 1 - E·Eᵀ. Those rows are n long. Where there are more vectors than
// dimensions, E = Q·R makes ‖E·(a-b)‖ = ‖R·(a-b)‖, so the rows of E·Rᵀ have the same distances and are only dim
// long: an eighth of the time for a page of ColPali.
func profileDistances(vectors [][]float32) [][]float64 {
	n, dim := len(vectors), len(vectors[0])
	e := mat.NewDense(n, dim, nil)
	for i, vector := range vectors {
		for j, value := range vector {
			e.Set(i, j, float64(value))
		}
	}
	var profiles mat.Dense
	if n <= dim {
		profiles.Mul(e, e.T())
	} else {
		var qr mat.QR
		qr.Factorize(e)
		var r mat.Dense
		qr.RTo(&r)
		profiles.Mul(e, r.Slice(0, dim, 0, dim).T())
	}
	distances := make([][]float64, n)
	block := make([]float64, n*n)
	for i := range distances {
		distances[i] = block[i*n : (i+1)*n]
		for j := range i {
			d := distance(profiles.RawRowView(i), profiles.RawRowView(j))
			distances[i][j], distances[j][i] = d, d
		}
	}
	return distances
}

// distance is Euclidean. Four sums at once: one would wait for itself.
func distance(a, b []float64) float64 {
	var sums [4]float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1, d2, d3 := a[i]-b[i], a[i+1]-b[i+1], a[i+2]-b[i+2], a[i+3]-b[i+3]
		sums[0] += d0 * d0
		sums[1] += d1 * d1
		sums[2] += d2 * d2
		sums[3] += d3 * d3
	}
	for ; i < len(a); i++ {
		sums[0] += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sums[0] + sums[1] + sums[2] + sums[3])
}
