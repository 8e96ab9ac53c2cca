package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// set is a retrieval set: pages to find, queries, and which pages answer them.
type set struct {
	queries []query
	// relevant has the grade of each page for a query; pages that are not in it are not relevant.
	relevant map[string]map[string]int
	// pages calls yield for every page, one after another, and stops at its first error.
	pages func(yield func(page) error) error
}

type query struct{ id, text string }

type page struct {
	id    string
	image []byte
}

// open reads the queries of the set in the folder, whichever layout it has.
func open(dir, language string) (set, error) {
	var s set
	var err error
	switch {
	case exists(filepath.Join(dir, "corpus.jsonl")):
		s, err = openBEIR(dir)
	case len(parquets(filepath.Join(dir, "corpus"))) > 0:
		s, err = openTables(dir, language)
	case len(oneTable(dir)) > 0:
		s, err = openOneTable(oneTable(dir))
	default:
		err = errors.New("no retrieval set: there is neither corpus.jsonl, nor corpus/*.parquet, nor data/test-*.parquet")
	}
	if err != nil {
		return set{}, fmt.Errorf("%s: %w", dir, err)
	}
	// A query without a relevant page says nothing; trec_eval leaves it out, too.
	s.queries = slices.DeleteFunc(s.queries, func(q query) bool { return len(s.relevant[q.id]) == 0 })
	if len(s.queries) == 0 {
		return set{}, fmt.Errorf("%s: no query has a relevant page", dir)
	}
	return s, nil
}

func (s *set) judge(query, page string, grade int) {
	if s.relevant == nil {
		s.relevant = map[string]map[string]int{}
	}
	if s.relevant[query] == nil {
		s.relevant[query] = map[string]int{}
	}
	s.relevant[query][page] = grade
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
