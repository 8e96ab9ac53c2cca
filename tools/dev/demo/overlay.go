package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"weaviate-colpali/vectorizer"
)

// box is a rectangle in the pixels of a page.
type box struct{ x0, y0, x1, y1 float64 }

// patchBox is the part of a page that one patch covers: the page is squashed onto the model's square
// input, so the grid covers it edge to edge.
func patchBox(g vectorizer.Grid, patch int, size image.Point) box {
	w, h := float64(size.X)/float64(g.Width), float64(size.Y)/float64(g.Height)
	x, y := float64(patch%g.Width)*w, float64(patch/g.Width)*h
	return box{x, y, x + w, y + h}
}

// size reads the pixel size of the page's image.
func (p page) size() (image.Point, error) {
	c, err := png.DecodeConfig(bytes.NewReader(p.blob))
	return image.Pt(c.Width, c.Height), err
}

var (
	heatColor  = color.NRGBA{R: 0xff, G: 0x6a, B: 0x00, A: 0xff}
	frameColor = color.NRGBA{R: 0xd0, G: 0x10, B: 0x50, A: 0xff}
)

// coolShare is the share of patches left unpainted: most of a page matches no query token, and a veil
// over everything would hide the page.
const coolShare = 0.9

// overlay returns the page as PNG with the similarity of each patch painted over it and a frame
// around each query token's best patch.
func overlay(p page, m match) ([]byte, error) {
	src, err := png.Decode(bytes.NewReader(p.blob))
	if err != nil {
		return nil, err
	}
	canvas := image.NewNRGBA(src.Bounds())
	draw.Draw(canvas, canvas.Bounds(), src, src.Bounds().Min, draw.Src)
	size := canvas.Bounds().Size()
	low, high := heatRange(m.heat)
	for patch, similarity := range m.heat {
		if strength := (similarity - low) / (high - low); strength > 0 {
			paint(canvas, pixels(patchBox(m.grid, patch, size)), strength)
		}
	}
	for _, patch := range m.best {
		frame(canvas, pixels(patchBox(m.grid, patch, size)))
	}
	var b bytes.Buffer
	err = png.Encode(&b, canvas)
	return b.Bytes(), err
}

// heatRange returns the similarities that are painted invisible and fully.
func heatRange(heat []float32) (low, high float32) {
	sorted := slices.Sorted(slices.Values(heat))
	low, high = sorted[int(coolShare*float64(len(sorted)-1))], sorted[len(sorted)-1]
	if low == high { // a page that is the same everywhere
		low--
	}
	return low, high
}

func pixels(b box) image.Rectangle {
	return image.Rect(int(math.Round(b.x0)), int(math.Round(b.y0)), int(math.Round(b.x1)), int(math.Round(b.y1)))
}

// paint lays the heat colour over r, at most six tenths opaque so that the print stays legible.
func paint(canvas draw.Image, r image.Rectangle, strength float32) {
	veil := image.NewUniform(color.Alpha{A: uint8(0.6 * 255 * strength)})
	draw.DrawMask(canvas, r, image.NewUniform(heatColor), image.Point{}, veil, image.Point{}, draw.Over)
}

// frame draws a two-pixel outline just outside r.
func frame(canvas draw.Image, r image.Rectangle) {
	const width = 2
	outer := r.Inset(-width)
	ink := image.NewUniform(frameColor)
	for _, side := range []image.Rectangle{
		image.Rect(outer.Min.X, outer.Min.Y, outer.Max.X, r.Min.Y),
		image.Rect(outer.Min.X, r.Max.Y, outer.Max.X, outer.Max.Y),
		image.Rect(outer.Min.X, r.Min.Y, r.Min.X, r.Max.Y),
		image.Rect(r.Max.X, r.Min.Y, outer.Max.X, r.Max.Y),
	} {
		draw.Draw(canvas, side, ink, image.Point{}, draw.Src)
	}
}
