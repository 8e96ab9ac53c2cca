package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// answer is a question with its ranked pages.
type answer struct {
	question question
	ranked   []rankedPage
}

// rankedPage is one page of an answer and where it matched.
type rankedPage struct {
	page    page
	score   float64
	matched []string // printed words
	picture string   // the page with its similarity map: a PNG, as base64
}

// right reports whether an expected page stands first.
func (a answer) right() bool {
	return len(a.ranked) > 0 && slices.Contains(a.question.Expect, a.ranked[0].page.File)
}

// askAll asks every question and prints its answer as soon as it is there.
func askAll(ctx context.Context, c collection, set samples, w io.Writer) ([]answer, error) {
	byFile := make(map[string]page, len(set.pages))
	for _, p := range set.pages {
		byFile[p.File] = p
	}
	answers := make([]answer, 0, len(set.questions))
	for _, q := range set.questions {
		hits, err := c.ask(ctx, q.Query)
		if err != nil {
			return nil, err
		}
		a := answer{question: q}
		for _, h := range hits {
			p := byFile[h.file]
			matched, err := h.why.matchedWords(p)
			if err != nil {
				return nil, err
			}
			a.ranked = append(a.ranked, rankedPage{page: p, score: h.score, matched: matched, picture: h.why.Image})
		}
		printAnswer(w, a)
		answers = append(answers, a)
	}
	return answers, nil
}

func printAnswer(w io.Writer, a answer) {
	note := ""
	if !a.right() {
		note = "   <- WRONG, expected " + strings.Join(a.question.Expect, " or ")
	}
	fmt.Fprintf(w, "   %q%s\n", a.question.Query, note)
	for i, r := range a.ranked {
		fmt.Fprintf(w, "      %d  score %6.3f  %-28s matched: %s\n", i+1, r.score, r.page.File, describe(r.matched))
	}
}
