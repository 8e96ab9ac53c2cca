package processor

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
)

// decodeGIF returns the first frame on the logical screen, as Pillow shows it: what the frame does
// not cover has the transparent colour, or colour 0.
func decodeGIF(blob []byte, alpha Alpha) (*RGB, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	// gif.Decode stops after the first frame; gif.DecodeAll would decode an animation of any length.
	im, err := gif.Decode(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	frame, ok := im.(*image.Paletted)
	if !ok {
		return nil, fmt.Errorf("pixel layout %T is not supported", im)
	}

	transparent := transparentIndex(frame.Palette)
	table := paletteTable(frame.Palette)
	if transparent >= 0 {
		// Go blackens the transparent colour, Pillow keeps it.
		table[transparent] = gifColor(blob, transparent)
		if alpha == AlphaWhite {
			table[transparent] = [3]uint8{255, 255, 255}
		}
	}
	background := table[max(transparent, 0)]

	canvas := NewRGB(config.Width, config.Height)
	for i := 0; i < len(canvas.Pix); i += 3 {
		copy(canvas.Pix[i:], background[:])
	}
	left, right := 3*frame.Rect.Min.X, 3*frame.Rect.Max.X
	for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
		paletteRow(canvas.row(y)[left:right], frame.Pix[(y-frame.Rect.Min.Y)*frame.Stride:], &table)
	}
	return canvas, nil
}

func transparentIndex(palette color.Palette) int {
	for i, entry := range palette {
		if _, _, _, alpha := entry.RGBA(); alpha == 0 {
			return i
		}
	}
	return -1
}

// gifColor reads a colour of the first frame from the file: from the frame's own colour table if it
// has one, else from the global one. The file is one that gif.Decode accepted.
func gifColor(blob []byte, index int) (rgb [3]uint8) {
	const (
		screenFlags = 10 // offset in the header
		headerLen   = 13
		imageFlags  = 9 // offset in an image descriptor
		imageLen    = 10
		separator   = 0x2c
		hasTable    = 0x80
	)
	tableLen := func(flags byte) int {
		if flags&hasTable == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}

	table := headerLen
	at := headerLen + tableLen(blob[screenFlags])
	for blob[at] != separator {
		at += 2 // an extension: introducer, label, then blocks up to an empty one
		for blob[at] != 0 {
			at += 1 + int(blob[at])
		}
		at++
	}
	if blob[at+imageFlags]&hasTable != 0 {
		table = at + imageLen
	}
	copy(rgb[:], blob[table+3*index:])
	return rgb
}
