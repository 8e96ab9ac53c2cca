package main

import (
	"math"

	"github.com/viterin/vek/vek32"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/hnsw/distancer"

	"weaviate-colpali/maxsim"
)

// The peers in Go.
const (
	weaviate = "Weaviate's computeScore"
	vek      = "vek32.Dot of every pair"
)

// goScorers are the peers' ways to score the i-th document, for any i.
func goScorers(documents []maxsim.Matrix, query maxsim.Matrix) map[string]func(i int) float32 {
	sliced := make([][][]float32, len(documents))
	for i, document := range documents {
		sliced[i] = sliceRows(document)
	}
	queryRows := sliceRows(query)
	provider := distancer.Provider(distancer.NewDotProductProvider())
	return map[string]func(i int) float32{
		weaviate: func(i int) float32 { return weaviateScore(provider, queryRows, sliced[i%len(sliced)]) },
		vek:      func(i int) float32 { return vekScore(queryRows, sliced[i%len(sliced)]) },
	}
}

func goPeers(s shape, documents []maxsim.Matrix, query maxsim.Matrix) []*contender {
	scorers := goScorers(documents, query)
	return []*contender{
		goContender(weaviate, s, 1, oneByOne(s, scorers[weaviate])),
		goContender(vek, s, 1, oneByOne(s, scorers[vek])),
	}
}

func sliceRows(m maxsim.Matrix) [][]float32 {
	rows := make([][]float32, m.Rows())
	for i := range rows {
		rows[i] = m.Row(i)
	}
	return rows
}

// weaviateScore is the loop of computeScore in Weaviate 1.39.3, adapters/repos/db/vector/hnsw/search.go, which
// computeLateInteraction calls for every candidate. Fetching the vectors, before that loop there, is left out,
// which favours Weaviate. It returns the score and not its negative.
func weaviateScore(provider distancer.Provider, query, document [][]float32) float32 {
	similarity := float32(0.0)
	for _, searchVec := range query {
		maxSim := float32(math.MaxFloat32)
		candidate := provider.New(searchVec)
		for _, docVec := range document {
			dist, err := candidate.Distance(docVec)
			if err != nil {
				return float32(math.NaN()) // vectors of different lengths; the accuracy test would see it
			}
			if dist < maxSim {
				maxSim = dist
			}
		}
		similarity += maxSim
	}
	return -similarity
}

func vekScore(query, document [][]float32) float32 {
	var score float32
	for _, q := range query {
		most := float32(math.Inf(-1))
		for _, d := range document {
			most = max(most, vek32.Dot(q, d))
		}
		score += most
	}
	return score
}
