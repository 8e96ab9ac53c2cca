package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"weaviate-colpali/maxsim"
)

const (
	dim = 128 // of ColPali and its successors

	// pageRows is what ColPali makes of a page: 1,024 patches and 6 tokens of text.
	pageRows = 1030
	// passageRows is a passage of text as ColBERT has them.
	passageRows = 100

	// The queries have most tokens; the shorter ones are their first rows.
	mostTokens  = 32
	fewerTokens = 20

	// timedPages are 158 MB of float32, and what the other types take is brought up to as much: far beyond any
	// cache, so that a document has left it when its turn comes again.
	timedPages = 300

	// Errors are measured on every pair of these.
	errorPages   = 20
	errorQueries = 12
)

// A set is pages and queries of one kind, all rows of length 1. Python works on the same numbers.
type set struct {
	name    string
	pages   maxsim.Matrix // one after another
	queries maxsim.Matrix // one after another, mostTokens rows each
}

// query is the first rows of the i-th query.
func (s set) query(i, tokens int) maxsim.Matrix {
	return rowsOf(s.queries, i*mostTokens, tokens)
}

// documents cuts the pages into matrices of so many rows.
func (s set) documents(rows int) []maxsim.Matrix {
	documents := make([]maxsim.Matrix, s.pages.Rows()/rows)
	for i := range documents {
		documents[i] = rowsOf(s.pages, i*rows, rows)
	}
	return documents
}

func rowsOf(m maxsim.Matrix, first, rows int) maxsim.Matrix {
	return maxsim.Matrix{Data: m.Data[first*m.Dim : (first+rows)*m.Dim : (first+rows)*m.Dim], Dim: m.Dim}
}

// randomSet has rows of all directions alike: the hardest case for an argmax, since the largest dot products
// are close together.
func randomSet() set {
	random := rand.New(rand.NewPCG(1, 1))
	return set{
		name:    "random",
		pages:   unitRows(random, errorPages*pageRows, nil, 0),
		queries: unitRows(random, errorQueries*mostTokens, nil, 0),
	}
}

// The clustered set: every page has rows around few of many centers, as a page's patches look alike, and the
// queries' rows lie around centers, too. spread is the length of what is added to a center.
const (
	centers     = 1024
	pageCenters = 64
	spread      = 0.7
)

// clusteredSet resembles what a model makes more than randomSet does. There are no real embeddings here: the
// benchmark needs no model.
func clusteredSet(pages int) set {
	random := rand.New(rand.NewPCG(2, 2))
	around := unitRows(random, centers, nil, 0)
	s := set{name: "clustered", pages: maxsim.Matrix{Data: make([]float32, 0, pages*pageRows*dim), Dim: dim}}
	for range pages {
		few := maxsim.Matrix{Dim: dim}
		for range pageCenters {
			few.Data = append(few.Data, around.Row(random.IntN(centers))...)
		}
		s.pages.Data = append(s.pages.Data, unitRows(random, pageRows, &few, spread).Data...)
	}
	s.queries = unitRows(random, errorQueries*mostTokens, &around, spread)
	return s
}

// unitRows are random directions, or random rows of around with as much noise added as spread says.
func unitRows(random *rand.Rand, rows int, around *maxsim.Matrix, spread float64) maxsim.Matrix {
	m := maxsim.Matrix{Data: make([]float32, rows*dim), Dim: dim}
	for i := range rows {
		row := m.Row(i)
		for j := range row {
			row[j] = float32(random.NormFloat64())
		}
		if around != nil {
			center := around.Row(random.IntN(around.Rows()))
			for j, x := range center {
				row[j] = x + row[j]*float32(spread/math.Sqrt(dim))
			}
		}
		normalize(row)
	}
	return m
}

func normalize(row []float32) {
	var square float64
	for _, x := range row {
		square += float64(x) * float64(x)
	}
	for i := range row {
		row[i] = float32(float64(row[i]) / math.Sqrt(square))
	}
}

// reference is MaxSim in float64, the judge of everybody's errors.
func reference(query, document maxsim.Matrix) float64 {
	var score float64
	for i := range query.Rows() {
		most := math.Inf(-1)
		for j := range document.Rows() {
			most = max(most, dot(query.Row(i), document.Row(j)))
		}
		score += most
	}
	return score
}

// dot has four sums under way, for the reference of a page takes its time.
func dot(a, b []float32) float64 {
	var sums [4]float64
	for i := 0; i+4 <= len(a); i += 4 {
		for lane := range sums {
			sums[lane] += float64(a[i+lane]) * float64(b[i+lane])
		}
	}
	return sums[0] + sums[1] + sums[2] + sums[3]
}

// write leaves the set as two files of little-endian float32 for Python.
func (s set) write(folder string) error {
	for kind, m := range map[string]maxsim.Matrix{"pages": s.pages, "queries": s.queries} {
		if err := writeFloats(filepath.Join(folder, s.name+"."+kind), m.Data); err != nil {
			return fmt.Errorf("hand the data over to Python: %w", err)
		}
	}
	return nil
}

func writeFloats(name string, numbers []float32) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	for part := range slices.Chunk(numbers, 1<<20) {
		if err := binary.Write(file, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return file.Close()
}

// randomIDs are a document's centroid ids: drawn from all centroids alike. A real page's ids come in
// fewer places of the table, so this is the worst case for the caches.
func randomIDs(documents, ids, centroids int) []uint16 {
	random := rand.New(rand.NewPCG(3, 3))
	all := make([]uint16, documents*ids)
	for i := range all {
		all[i] = uint16(random.IntN(centroids))
	}
	return all
}

// distinctIDs are sets of different ids in rising order, as a set of ids is stored.
func distinctIDs(documents, ids, centroids int, draw func() int) []uint16 {
	all := make([]uint16, 0, documents*ids)
	seen := make([]int, centroids) // the last document, counted from 1, that has the id
	for document := 1; document <= documents; document++ {
		for taken := 0; taken < ids; {
			id := draw()
			if seen[id] != document {
				seen[id] = document
				all = append(all, uint16(id))
				taken++
			}
		}
		slices.Sort(all[len(all)-ids:])
	}
	return all
}

// alike draws every id as often as any other.
func alike(centroids int) func() int {
	random := rand.New(rand.NewPCG(4, 4))
	return func() int { return random.IntN(centroids) }
}

// skewed draws a few ids often and most of them rarely, as words are on pages (Zipf's law, exponent 1.05). The
// frequent ones are strewn over the table.
func skewed(centroids int) func() int {
	random := rand.New(rand.NewPCG(4, 5))
	place, zipf := random.Perm(centroids), rand.NewZipf(random, 1.05, 1, uint64(centroids-1))
	return func() int { return place[zipf.Uint64()] }
}

// evenOffsets are the bounds of documents with as many ids each.
func evenOffsets(documents, ids int) []uint32 {
	offsets := make([]uint32, documents+1)
	for i := range offsets {
		offsets[i] = uint32(i * ids)
	}
	return offsets
}
