package main

import (
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
)

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// shownAnswer and shownPage are what the template needs.
type shownAnswer struct {
	Query string
	Right bool
	Pages []shownPage
}

type shownPage struct {
	Rank    int
	Title   string
	File    string
	Score   float64
	Matched string
	Image   template.URL // the overlay as a data: URL, so that the results are one file to pass on
}

// writeReport writes one self-contained HTML file; it returns its path.
func writeReport(dir string, answers []answer) (string, error) {
	shown := make([]shownAnswer, len(answers))
	for i, a := range answers {
		shown[i] = show(a)
	}
	path := filepath.Join(dir, "results.html")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := reportTemplate.Execute(f, shown); err != nil {
		f.Close()
		return "", err
	}
	return path, f.Close()
}

func show(a answer) shownAnswer {
	s := shownAnswer{Query: a.question.Query, Right: a.right()}
	for i, r := range a.ranked {
		s.Pages = append(s.Pages, shownPage{
			Rank: i + 1, Title: r.page.Title, File: r.page.File, Score: r.score, Matched: describe(r.matched),
			Image: template.URL("data:image/png;base64," + r.picture),
		})
	}
	return s
}
