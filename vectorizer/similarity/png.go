package similarity

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"weaviate-colpali/vectorizer/processor"
)

var (
	heatColor  = color.NRGBA{R: 0xff, G: 0x6a, B: 0x00, A: 0xff}
	frameColor = color.NRGBA{R: 0xd0, G: 0x10, B: 0x50, A: 0xff}
)

// opacity of the most similar patch: less than all of it, so that the print stays legible.
const opacity = 0.6

// WritePNG writes the page with the map painted over it and a frame around each patch that was
// matched, scaled down to this width where it is wider.
func (m Map) WritePNG(w io.Writer, page *processor.RGB, width int) error {
	canvas := scaled(page, width)
	size := canvas.Bounds().Size()
	for patch, strength := range m.strengths() {
		if strength > 0 {
			paint(canvas, m.Box(patch, size), strength)
		}
	}
	for _, patch := range m.Best {
		frame(canvas, m.Box(patch, size))
	}
	// A page of print compresses well at any level; the fastest is four times as fast as the default.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	return encoder.Encode(w, canvas)
}

// scaled is a copy of the page to draw on.
func scaled(page *processor.RGB, width int) *image.NRGBA {
	if width < page.Width {
		height := max(1, page.Height*width/page.Width)
		page = page.Resize(width, height, processor.Bicubic, processor.Pillow13)
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, page.Width, page.Height))
	for from, to := 0, 0; from < len(page.Pix); from, to = from+3, to+4 {
		copy(canvas.Pix[to:], page.Pix[from:from+3])
		canvas.Pix[to+3] = 0xff
	}
	return canvas
}

func paint(canvas draw.Image, r image.Rectangle, strength float32) {
	veil := image.NewUniform(color.Alpha{A: uint8(opacity * 255 * strength)})
	draw.DrawMask(canvas, r, image.NewUniform(heatColor), image.Point{}, veil, image.Point{}, draw.Over)
}

// frameWidth in pixels.
const frameWidth = 2

// frame draws an outline just outside r.
func frame(canvas draw.Image, r image.Rectangle) {
	outer := r.Inset(-frameWidth)
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
