package processor

import (
	"bytes"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

var errAnimatedWebP = errors.New("animated WebP is not supported")

func webPSize(blob []byte) (image.Config, error) {
	const flagsOffset, animated = 20, 1 << 1
	if len(blob) > flagsOffset && string(blob[12:16]) == "VP8X" && blob[flagsOffset]&animated != 0 {
		return image.Config{}, errAnimatedWebP
	}
	return webp.DecodeConfig(bytes.NewReader(blob))
}

// decodeWebP decodes with Go's decoder and converts lossy pictures with libwebp's arithmetic.
func decodeWebP(blob []byte, alpha Alpha) (*RGB, error) {
	im, err := webp.Decode(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	switch im := im.(type) {
	case *image.YCbCr:
		return convertVP8(im), nil
	case *image.NYCbCrA:
		return alpha.onto(convertVP8(&im.YCbCr), im), nil
	default:
		return convertOnto(alpha, im)
	}
}

// convertVP8 repeats libwebp's "fancy" upsampling (upsampling.c) and colour conversion (yuv.h).
// Go treats VP8's limited-range YCbCr as JPEG's full-range one: 15 grey levels off on average.
func convertVP8(src *image.YCbCr) *RGB {
	im := NewRGB(src.Rect.Dx(), src.Rect.Dy())
	chromaWidth, chromaHeight := (im.Width+1)/2, (im.Height+1)/2
	u, v := make([]uint8, im.Width), make([]uint8, im.Width)
	for y := range im.Height {
		near := y / 2
		far := min(max(near-1+2*(y&1), 0), chromaHeight-1)
		line := func(plane []uint8, j int) []uint8 { return plane[j*src.CStride:][:chromaWidth] }
		upsampleVP8(u, line(src.Cb, near), line(src.Cb, far))
		upsampleVP8(v, line(src.Cr, near), line(src.Cr, far))
		dst, luma := im.row(y), src.Y[y*src.YStride:]
		for x := range im.Width {
			yuvToRGB(dst[3*x:3*x+3], luma[x], u[x], v[x])
		}
	}
	return im
}

// upsampleVP8 weighs the four samples around an output pixel 9:3:3:1, with the two-step rounding
// that libwebp's packed arithmetic has.
func upsampleVP8(dst, near, far []uint8) {
	edge := func(i int) uint8 { return uint8((3*int(near[i]) + int(far[i]) + 2) >> 2) }
	dst[0] = edge(0)
	for x := 1; 2*x-1 < len(dst) && x < len(near); x++ {
		nearLeft, nearRight := int(near[x-1]), int(near[x])
		farLeft, farRight := int(far[x-1]), int(far[x])
		sum := nearLeft + nearRight + farLeft + farRight + 8
		dst[2*x-1] = uint8(((sum+2*(nearRight+farLeft))>>3 + nearLeft) >> 1)
		dst[2*x] = uint8(((sum+2*(nearLeft+farRight))>>3 + nearRight) >> 1)
	}
	if last := len(dst) - 1; last&1 == 1 {
		dst[last] = edge(len(near) - 1)
	}
}

// yuvToRGB uses libwebp's constants for ITU-R BT.601 with limited range, in 14 fractional bits of
// which six are left after the products.
func yuvToRGB(dst []uint8, y, u, v uint8) {
	luma, cu, cv := 19077*int(y)>>8, int(u), int(v)
	dst[0] = clampUint8((luma + 26149*cv>>8 - 14234) >> 6)
	dst[1] = clampUint8((luma - 6419*cu>>8 - 13320*cv>>8 + 8708) >> 6)
	dst[2] = clampUint8((luma + 33050*cu>>8 - 17685) >> 6)
}
