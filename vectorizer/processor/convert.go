package processor

import (
	"fmt"
	"image"
	"image/color"
)

// convertRGB repeats Pillow's Image.convert("RGB") for the layouts that Go's decoders return.
// Subsampled chroma is not here: JPEG and WebP each have their own arithmetic for it.
func convertRGB(src image.Image) (*RGB, error) {
	bounds := src.Bounds()
	im := NewRGB(bounds.Dx(), bounds.Dy())
	var convertRow func(dst []uint8, y int)
	switch src := src.(type) {
	case *image.Gray:
		convertRow = func(dst []uint8, y int) { grayRow(dst, src.Pix[y*src.Stride:], 1) }
	case *image.Gray16: // big-endian: the first byte of a sample is the high one
		convertRow = func(dst []uint8, y int) { grayRow(dst, src.Pix[y*src.Stride:], 2) }
	case *image.NRGBA:
		convertRow = func(dst []uint8, y int) { colorRow(dst, src.Pix[y*src.Stride:], 1) }
	case *image.NRGBA64:
		convertRow = func(dst []uint8, y int) { colorRow(dst, src.Pix[y*src.Stride:], 2) }
	case *image.RGBA:
		convertRow = func(dst []uint8, y int) { premultipliedRow(dst, src.Pix[y*src.Stride:], 1) }
	case *image.RGBA64:
		convertRow = func(dst []uint8, y int) { premultipliedRow(dst, src.Pix[y*src.Stride:], 2) }
	case *image.CMYK:
		convertRow = func(dst []uint8, y int) { cmykRow(dst, src.Pix[y*src.Stride:]) }
	case *image.Paletted:
		table := paletteTable(src.Palette)
		convertRow = func(dst []uint8, y int) { paletteRow(dst, src.Pix[y*src.Stride:], &table) }
	default:
		return nil, fmt.Errorf("pixel layout %T is not supported", src)
	}
	for y := range im.Height {
		convertRow(im.row(y), y)
	}
	return im, nil
}

// convertOnto converts, and lays what is transparent on the paper.
func convertOnto(alpha Alpha, src image.Image) (*RGB, error) {
	im, err := convertRGB(src)
	if err != nil {
		return nil, err
	}
	return alpha.onto(im, src), nil
}

// grayRow copies the first byte of each sample to all three channels.
func grayRow(dst, src []uint8, sampleBytes int) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+sampleBytes {
		dst[i], dst[i+1], dst[i+2] = src[j], src[j], src[j]
	}
}

// colorRow drops the fourth channel. Alpha is not blended, as Pillow does not.
func colorRow(dst, src []uint8, sampleBytes int) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4*sampleBytes {
		dst[i], dst[i+1], dst[i+2] = src[j], src[j+sampleBytes], src[j+2*sampleBytes]
	}
}

// premultipliedRow drops the fourth channel after dividing by it, as Pillow's unpackRGBa does.
func premultipliedRow(dst, src []uint8, sampleBytes int) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4*sampleBytes {
		alpha := int(src[j+3*sampleBytes])
		for channel := range 3 {
			value := int(src[j+channel*sampleBytes])
			switch alpha {
			case 255:
			case 0:
				value = 0
			default:
				value = min(value*255/alpha, 255)
			}
			dst[i+channel] = uint8(value)
		}
	}
}

// cmykRow is Pillow's cmyk2rgb: each channel is the paper left white by black, less the ink.
func cmykRow(dst, src []uint8) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
		light := 255 - int(src[j+3])
		for channel := range 3 {
			// Pillow's MULDIV255: division by 255 with rounding.
			ink := int(src[j+channel])*light + 128
			ink = (ink>>8 + ink) >> 8
			dst[i+channel] = clampUint8(light - ink)
		}
	}
}

// paletteTable maps every index to its colour. Indices beyond the palette are black, since a
// decoder may let them through.
func paletteTable(palette color.Palette) (table [256][3]uint8) {
	for i, entry := range palette[:min(len(palette), len(table))] {
		switch c := entry.(type) {
		case color.NRGBA: // with its colour kept under full transparency, which RGBA() would lose
			table[i] = [3]uint8{c.R, c.G, c.B}
		default:
			r, g, b, _ := c.RGBA()
			table[i] = [3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}
		}
	}
	return table
}

func paletteRow(dst, src []uint8, table *[256][3]uint8) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+1 {
		copy(dst[i:i+3], table[src[j]][:])
	}
}

func clampUint8(v int) uint8 {
	return uint8(min(max(v, 0), 255))
}
