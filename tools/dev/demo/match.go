package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
)

// explanation is what the server says of why a page matches: _additional { colpali }.
type explanation struct {
	Tokens []struct {
		Prompt      bool
		Column, Row *int
	}
	Map struct {
		Width, Height int
	}
	Image string // the page with its similarity map: a PNG, as base64
}

// matchedWords returns the printed words under the patches that the question's words matched, in
// reading order.
func (e explanation) matchedWords(p page) ([]string, error) {
	size, err := p.size()
	if err != nil {
		return nil, err
	}
	var on []int
	for _, token := range e.Tokens {
		if token.Prompt || token.Column == nil {
			continue
		}
		patch := patchBox(*token.Column, *token.Row, e.Map.Width, e.Map.Height, size)
		if i := mostCovered(p.Words, patch); i >= 0 && !slices.Contains(on, i) {
			on = append(on, i)
		}
	}
	slices.Sort(on) // pages.json lists words in reading order
	words := make([]string, len(on))
	for i, w := range on {
		words[i] = p.Words[w].Text
	}
	return words, nil
}

// box is a rectangle in the pixels of a page.
type box struct{ x0, y0, x1, y1 float64 }

// patchBox is the part of a page that a patch covers.
func patchBox(column, row, columns, rows int, size image.Point) box {
	w, h := float64(size.X)/float64(columns), float64(size.Y)/float64(rows)
	x, y := float64(column)*w, float64(row)*h
	return box{x, y, x + w, y + h}
}

// size reads the pixel size of the page's image.
func (p page) size() (image.Point, error) {
	c, err := png.DecodeConfig(bytes.NewReader(p.blob))
	return image.Pt(c.Width, c.Height), err
}

// mostCovered returns the word that shares the largest area with the box, or -1.
func mostCovered(words []word, b box) int {
	best, bestArea := -1, 0.0
	for i, w := range words {
		width := min(w.X1, b.x1) - max(w.X0, b.x0)
		height := min(w.Y1, b.y1) - max(w.Y0, b.y0)
		if width > 0 && height > 0 && width*height > bestArea {
			best, bestArea = i, width*height
		}
	}
	return best
}

// describe names the words that a page matched by.
func describe(words []string) string {
	if len(words) == 0 {
		return "no printed word (a picture)"
	}
	return fmt.Sprintf("%q", strings.Join(words, " "))
}
