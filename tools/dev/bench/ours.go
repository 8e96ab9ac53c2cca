package main

import (
	"slices"

	"weaviate-colpali/maxsim"
)

// What we call our own ways to score.
const (
	ourFloat32 = "maxsim float32"
	ourFloat16 = "maxsim float16"
	ourInt8    = "maxsim int8"
	ourRefine  = "maxsim int8 argmax + refine"
	ourTable   = "maxsim u8 table, best 100"
	ourTable32 = "maxsim u8 table, best 100, uint32 ids"
	ourSkewed  = "maxsim u8 table, best 100, skewed ids"
)

// ourScores are those ways that score a page by its vectors.
var ourScores = []string{ourFloat32, ourFloat16, ourInt8, ourRefine}

// documents are the same documents in every type that we score. The narrower ones are repeated until they
// take as much memory as the float32 ones.
type documents struct {
	floats []maxsim.Matrix
	halves []maxsim.HalfMatrix
	int8s  []maxsim.Int8Matrix
}

func newDocuments(floats []maxsim.Matrix) (documents, error) {
	d := documents{floats: floats}
	for range 2 {
		for _, m := range floats {
			half, err := maxsim.ToHalf(m)
			if err != nil {
				return d, err
			}
			d.halves = append(d.halves, half)
		}
	}
	for copies := range 4 {
		for i, m := range floats {
			if copies == 0 {
				d.int8s = append(d.int8s, maxsim.Quantize(m))
			} else {
				d.int8s = append(d.int8s, cloned(d.int8s[i]))
			}
		}
	}
	return d, nil
}

func cloned(m maxsim.Int8Matrix) maxsim.Int8Matrix {
	m.Codes, m.Scales = slices.Clone(m.Codes), slices.Clone(m.Scales)
	return m
}

// scorers are our ways to score the i-th document, for any i.
func (d documents) scorers(q *maxsim.Query) map[string]func(i int) float32 {
	matches := make([]maxsim.Match, 0, q.Rows())
	return map[string]func(i int) float32{
		ourFloat32: func(i int) float32 { return q.Score(d.floats[i%len(d.floats)]) },
		ourFloat16: func(i int) float32 { return q.ScoreHalf(d.halves[i%len(d.halves)]) },
		ourInt8:    func(i int) float32 { return q.ScoreInt8(d.int8s[i%len(d.int8s)]) },
		ourRefine: func(i int) float32 {
			matches = q.MatchInt8(matches[:0], d.int8s[i%len(d.int8s)])
			return q.Refine(matches, d.floats[i%len(d.floats)])
		},
	}
}

// ourContenders score the documents by their vectors.
func ourContenders(s shape, d documents, q *maxsim.Query) []*contender {
	scorers := d.scorers(q)
	var contenders []*contender
	for _, name := range ourScores {
		contenders = append(contenders, ourContender(name, s, 1, oneByOne(s, scorers[name])))
	}
	return contenders
}

// oneByOne is a call that scores one document, the next one when streaming. Nobody looks at the score; the
// compiler cannot know what score does and so cannot leave it out.
func oneByOne(s shape, score func(i int) float32) func() {
	next := 0
	return func() {
		score(next)
		if s.stream {
			next++
		}
	}
}

// The centroid tables of the issue: every row of a page with its centroid among many, and the different
// centroids of a page among fewer.
const (
	manyCentroids  = 16384
	fewerCentroids = 8192
	distinct       = 100

	// scannedPages of 1,030 ids are 10 MB, and distinctPages of 100 ids are 20 MB. A call scans all of them.
	scannedPages  = 5000
	distinctPages = 100_000

	kept = 100 // of the scanned pages
)

// tableContenders scan centroid tables and keep the best pages, as a search does.
func tableContenders(clustered set) ([]*contender, error) {
	ids := randomIDs(scannedPages, pageRows, manyCentroids)
	narrow, err := maxsim.NewCodes(ids, evenOffsets(scannedPages, pageRows), manyCentroids)
	if err != nil {
		return nil, err
	}
	wide, err := maxsim.NewCodes(widened(ids), evenOffsets(scannedPages, pageRows), manyCentroids)
	if err != nil {
		return nil, err
	}
	pages := map[string]maxsim.Codes[uint16]{}
	for name, draw := range map[string]func() int{ourTable: alike(fewerCentroids), ourSkewed: skewed(fewerCentroids)} {
		drawn := distinctIDs(distinctPages, distinct, fewerCentroids, draw)
		if pages[name], err = maxsim.NewCodes(drawn, evenOffsets(distinctPages, distinct), fewerCentroids); err != nil {
			return nil, err
		}
	}
	var contenders []*contender
	for _, tokens := range []int{fewerTokens, mostTokens} {
		table, err := newTable(clustered, tokens, manyCentroids)
		if err != nil {
			return nil, err
		}
		s := shape{pageRows, tokens, true}
		contenders = append(contenders, scan(ourTable, s, table, narrow), scan(ourTable32, s, table, wide))
	}
	table, err := newTable(clustered, fewerTokens, fewerCentroids)
	if err != nil {
		return nil, err
	}
	s := shape{distinct, fewerTokens, true}
	for _, name := range []string{ourTable, ourSkewed} {
		contenders = append(contenders, scan(name, s, table, pages[name]))
	}
	return contenders, nil
}

// newTable takes the first rows of the pages as centroids.
func newTable(s set, tokens, centroids int) (*maxsim.CentroidTable, error) {
	q, err := maxsim.NewQuery(s.query(0, tokens))
	if err != nil {
		return nil, err
	}
	var table maxsim.CentroidTable
	table.Build(q, maxsim.Quantize(rowsOf(s.pages, 0, centroids)))
	return &table, nil
}

func scan[ID uint16 | uint32](name string, s shape, table *maxsim.CentroidTable, codes maxsim.Codes[ID]) *contender {
	best := make([]maxsim.Candidate, 0, kept)
	return ourContender(name, s, float64(codes.Documents()), func() {
		best = codes.Top(best[:0], table, kept, nil)
	})
}

func widened(ids []uint16) []uint32 {
	wide := make([]uint32, len(ids))
	for i, id := range ids {
		wide[i] = uint32(id)
	}
	return wide
}
