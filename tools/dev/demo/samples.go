package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// samples are the pages and questions that ship with the repository. tools/dev/tinymodel/samples.py
// makes them; ORIGINS.md beside them says where each comes from.
type samples struct {
	pages     []page
	questions []question
}

// page is one sample page.
type page struct {
	File  string `json:"file"`
	Title string `json:"title"`
	Words []word `json:"words"`

	blob []byte // the PNG
}

// word is a printed word and its box in the pixels of the file.
type word struct {
	Text string  `json:"text"`
	X0   float64 `json:"x0"`
	Y0   float64 `json:"y0"`
	X1   float64 `json:"x1"`
	Y1   float64 `json:"y1"`
}

// question is what the demo asks and the pages that answer it.
type question struct {
	Query  string   `json:"query"`
	Expect []string `json:"expect"`
}

// id is the same for the same file in every run, so that a second import replaces the first.
func (p page) id() string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(p.File)).String()
}

func loadSamples(dir string) (samples, error) {
	var s samples
	if err := readJSON(filepath.Join(dir, "pages.json"), &s.pages); err != nil {
		return s, err
	}
	if err := readJSON(filepath.Join(dir, "questions.json"), &s.questions); err != nil {
		return s, err
	}
	for i := range s.pages {
		blob, err := os.ReadFile(filepath.Join(dir, s.pages[i].File))
		if err != nil {
			return s, err
		}
		s.pages[i].blob = blob
	}
	return s, nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
