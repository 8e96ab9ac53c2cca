package main

import (
	"fmt"
	"math"

	"weaviate-colpali/maxsim"
)

// A scoreError says how far a contender's scores of one set are from float64, relative to them.
type scoreError struct {
	Name, Set string
	Mean      number // with its sign: negative where the scores are too low
	Max       number // of the magnitudes
}

// exactError bounds the error of a score in float32: whoever passes it does not compute MaxSim, and its time
// is worth nothing.
const exactError = 1e-5

// exactNames are the contenders, beside those in Python that say so, whose scores must be exact.
var exactNames = []string{ourFloat32, weaviate, vek}

// measureErrors scores all pairs of errorQueries and errorPages of each set with every contender; p may be nil.
func measureErrors(sets []set, p *python) ([]scoreError, error) {
	var all []scoreError
	for _, s := range sets {
		truth, scores, err := goScores(s)
		if err != nil {
			return nil, err
		}
		for _, name := range append(append([]string{}, ourScores...), weaviate, vek) {
			all = append(all, newScoreError(name, s.name, truth, scores[name]))
		}
		if p == nil {
			continue
		}
		for _, peer := range p.Peers {
			of, err := p.scores(peer.Name, s.name, errorQueries, errorPages)
			if err != nil {
				return nil, err
			}
			all = append(all, newScoreError(peer.Name, s.name, truth, of))
		}
	}
	return all, checkExact(all, exactPeers(p))
}

// goScores are the references and the scores of everybody in Go, query by query.
func goScores(s set) (truth []float64, scores map[string][]float64, err error) {
	pages := s.documents(pageRows)[:errorPages]
	ours, err := newDocuments(pages)
	if err != nil {
		return nil, nil, err
	}
	scores = map[string][]float64{}
	for i := range errorQueries {
		query := s.query(i, fewerTokens)
		packed, err := maxsim.NewQuery(query)
		if err != nil {
			return nil, nil, err
		}
		for _, page := range pages {
			truth = append(truth, reference(query, page))
		}
		for _, scorers := range []map[string]func(int) float32{ours.scorers(packed), goScorers(pages, query)} {
			for name, score := range scorers {
				for page := range pages {
					scores[name] = append(scores[name], float64(score(page)))
				}
			}
		}
	}
	return truth, scores, nil
}

func newScoreError(name, set string, truth, scores []float64) scoreError {
	if len(scores) != len(truth) {
		return scoreError{Name: name, Set: set, Mean: unknown, Max: unknown}
	}
	var sum, most float64
	for i, score := range scores {
		relative := (score - truth[i]) / truth[i]
		sum += relative
		most = max(most, math.Abs(relative)) // NaN if any is
	}
	return scoreError{Name: name, Set: set, Mean: number(sum / float64(len(scores))), Max: number(most)}
}

// checkExact refuses contenders that claim to compute MaxSim and do not.
func checkExact(all []scoreError, exact []string) error {
	for _, e := range all {
		for _, name := range exact {
			if e.Name == name && !(e.Max <= exactError) { // also for NaN
				return fmt.Errorf("%s does not compute MaxSim: its scores of the %s set are off by up to %.2g of the score", name, e.Set, e.Max)
			}
		}
	}
	return nil
}

// exactPeers are the names of all contenders whose scores are exact; p may be nil.
func exactPeers(p *python) []string {
	names := append([]string{}, exactNames...)
	if p != nil {
		for _, peer := range p.Peers {
			if peer.Exact {
				names = append(names, peer.Name)
			}
		}
	}
	return names
}

// worst is the largest error that a contender has in any set.
func worst(all []scoreError, name string) float64 {
	most := math.NaN()
	for _, e := range all {
		if e.Name == name && !(float64(e.Max) < most) {
			most = float64(e.Max)
		}
	}
	return most
}
