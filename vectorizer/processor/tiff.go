package processor

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/tiff"
)

// TIFF tags and values that Go's decoder does not report.
const (
	tagCompression = 259
	tagPhotometric = 262
	tagOrientation = 274

	compressionG3       = 3
	compressionG4       = 4
	photometricBlackIs0 = 1
)

// decodeTIFF decodes the first page with Go's decoder, and repairs it as Pillow does.
func decodeTIFF(blob []byte, alpha Alpha) (*RGB, error) {
	im, err := tiff.Decode(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	tags := readTIFFTags(blob)
	if gray, ok := im.(*image.Gray); ok && faxIsInverted(tags) {
		for i, v := range gray.Pix {
			gray.Pix[i] = 255 - v
		}
	}
	return convertOnto(alpha, im)
}

// faxIsInverted says whether Go's decoder returns black for white: it does for fax-compressed pages
// whose header says that black is zero, which is what Pillow writes.
func faxIsInverted(tags map[uint16]uint16) bool {
	compression := tags[tagCompression]
	return (compression == compressionG3 || compression == compressionG4) && tags[tagPhotometric] == photometricBlackIs0
}

// readTIFFTags returns the single 16-bit values of the first directory. The file is one that
// tiff.Decode accepted, yet nothing here relies on it: what lies outside the file is left out.
func readTIFFTags(blob []byte) map[uint16]uint16 {
	const entryLen, typeShort = 12, 3
	var order binary.ByteOrder = binary.LittleEndian
	if blob[0] == 'M' {
		order = binary.BigEndian
	}
	tags := map[uint16]uint16{}
	directory := int64(order.Uint32(blob[4:]))
	if directory+2 > int64(len(blob)) {
		return tags
	}
	entries := blob[directory+2:]
	for range order.Uint16(blob[directory:]) {
		if len(entries) < entryLen {
			break
		}
		if order.Uint16(entries[2:]) == typeShort && order.Uint32(entries[4:]) == 1 {
			tags[order.Uint16(entries)] = order.Uint16(entries[8:])
		}
		entries = entries[entryLen:]
	}
	return tags
}

// isSideways says that a stored picture's width is the height that is shown.
func isSideways(orientation uint16) bool { return 5 <= orientation && orientation <= 8 }

// orient turns a stored picture the right way up by the TIFF orientation tag; 0 and 1 are upright.
func orient(im *RGB, orientation uint16) *RGB {
	if orientation < 2 || orientation > 8 {
		return im
	}
	// Each case says which stored pixel is shown at (x, y).
	w, h := im.Width-1, im.Height-1
	stored := [9]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return w - x, y },
		3: func(x, y int) (int, int) { return w - x, h - y },
		4: func(x, y int) (int, int) { return x, h - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - x },
		7: func(x, y int) (int, int) { return w - y, h - x },
		8: func(x, y int) (int, int) { return w - y, x },
	}[orientation]

	shown := NewRGB(im.Width, im.Height)
	if isSideways(orientation) {
		shown.Width, shown.Height = im.Height, im.Width
	}
	for y := range shown.Height {
		row := shown.row(y)
		for x := range shown.Width {
			sx, sy := stored(x, y)
			copy(row[3*x:3*x+3], im.row(sy)[3*sx:])
		}
	}
	return shown
}
