package main

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// panel is a drawn page with a line of text above it.
type panel struct {
	picture image.Image
	title   string
}

const (
	margin     = 16 // around each panel
	titleSize  = 22
	titleSpace = 36
)

var (
	paper = color.NRGBA{R: 0xec, G: 0xee, B: 0xf1, A: 0xff}
	ink   = color.NRGBA{R: 0x20, G: 0x26, B: 0x30, A: 0xff}
)

// beside draws panels next to each other.
func beside(panels []panel) image.Image {
	top := margin
	for _, p := range panels {
		if p.title != "" {
			top = margin + titleSpace
		}
	}
	size := panels[0].picture.Bounds().Size()
	canvas := image.NewNRGBA(image.Rect(0, 0, margin+len(panels)*(size.X+margin), top+size.Y+margin))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	for i, p := range panels {
		left := margin + i*(size.X+margin)
		label(canvas, left, margin+titleSize, p.title)
		draw.Draw(canvas, image.Rect(left, top, left+size.X, top+size.Y), p.picture, image.Point{}, draw.Src)
	}
	return canvas
}

func label(canvas draw.Image, x, baseline int, text string) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic("the font of golang.org/x/image does not parse: " + err.Error())
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: titleSize, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("the font of golang.org/x/image has no face: " + err.Error())
	}
	d := font.Drawer{Dst: canvas, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(x, baseline)}
	d.DrawString(text)
}
