package main

import (
	"cmp"
	"math"
	"slices"
)

// metrics of one query, or sums of many. They are trec_eval's, which pytrec_eval and through it mteb and the
// ViDoRe leaderboard use: ndcg_cut_5, recall_1, recall_5, recall_10 and recip_rank.
type metrics struct {
	ndcg5, recall1, recall5, recall10, mrr float64
}

func (m *metrics) add(other metrics) {
	m.ndcg5 += other.ndcg5
	m.recall1 += other.recall1
	m.recall5 += other.recall5
	m.recall10 += other.recall10
	m.mrr += other.mrr
}

// rank orders the pages by score, best first. Of equal scores the larger id comes first, as in trec_eval.
func rank(pages []string, scores []float32) []string {
	order := make([]int, len(pages))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(pages[b], pages[a]))
	})
	ranked := make([]string, len(order))
	for place, i := range order {
		ranked[place] = pages[i]
	}
	return ranked
}

// measure compares a ranking with the grades of the relevant pages; grades of 0 and less are not relevant.
func measure(ranked []string, grades map[string]int) metrics {
	var ideal []int
	for _, grade := range grades {
		if grade > 0 {
			ideal = append(ideal, grade)
		}
	}
	if len(ideal) == 0 {
		return metrics{}
	}
	slices.SortFunc(ideal, func(a, b int) int { return cmp.Compare(b, a) })
	best := 0.0
	for place, grade := range ideal[:min(5, len(ideal))] {
		best += gain(grade, place)
	}
	var m metrics
	for place, id := range ranked {
		grade := grades[id]
		if grade <= 0 {
			continue
		}
		one := 1 / float64(len(ideal))
		if place < 1 {
			m.recall1 += one
		}
		if place < 5 {
			m.ndcg5 += gain(grade, place) / best
			m.recall5 += one
		}
		if place < 10 {
			m.recall10 += one
		}
		if m.mrr == 0 {
			m.mrr = 1 / float64(place+1)
		}
	}
	return m
}

// gain of a page at a place counted from 0.
func gain(grade, place int) float64 { return float64(grade) / math.Log2(float64(place+2)) }
