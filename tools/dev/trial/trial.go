// Package trial is what the tools that try out a model have in common.
package trial

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"weaviate-colpali/vectorizer"
)

// Failure is the first error of a call or of one of its items, among them vectors that are no numbers.
func Failure(embeddings []vectorizer.Embedding, err error) error {
	for _, e := range embeddings {
		if err == nil {
			err = e.Err
		}
	}
	return err
}

// Letter is a page of 850 x 1100 pixels, letter size at 100 dpi, with bars where words would be.
func Letter() ([]byte, error) {
	page := image.NewGray(image.Rect(0, 0, 850, 1100))
	for i := range page.Pix {
		x, y := i%850, i/850
		page.Pix[i] = 255
		if x > 80 && x < 770 && y > 80 && y < 1020 && y%22 < 11 && (x*7+y/22*31)%97 < 80 {
			page.SetGray(x, y, color.Gray{Y: 20})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, page)
	return b.Bytes(), err
}
