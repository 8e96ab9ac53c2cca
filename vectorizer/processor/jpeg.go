package processor

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
)

// maxJPEGScans bounds the passes of a progressive JPEG. Each costs a walk over the whole picture
// but as little as a hundred bytes of file, so that a small file could ask for hours. Encoders write
// about ten; libjpeg-turbo's own guard against the same attack allows 500.
const maxJPEGScans = 100

// decodeJPEG decodes with Go's decoder and converts to RGB with libjpeg's arithmetic.
func decodeJPEG(blob []byte, _ Alpha) (*RGB, error) {
	if err := checkJPEGScans(blob); err != nil {
		return nil, err
	}
	header, err := readJPEGHeader(blob)
	if err != nil {
		return nil, err
	}
	if header.components == 4 {
		return decodeInkJPEG(blob, header)
	}
	return decodeLightJPEG(bytes.NewReader(blob))
}

func checkJPEGScans(blob []byte) error {
	// Within entropy-coded bytes 0xff is always followed by 0x00 or a restart marker, so this counts
	// the scans, plus the few chance hits of embedded thumbnails and profiles.
	if scans := bytes.Count(blob, []byte{0xff, jpegSOS}); scans > maxJPEGScans {
		return fmt.Errorf("%d scans, the limit is %d", scans, maxJPEGScans)
	}
	return nil
}

// decodeLightJPEG decodes a JPEG of one or three channels.
func decodeLightJPEG(blob io.Reader) (*RGB, error) {
	im, err := jpeg.Decode(blob)
	if err != nil {
		return nil, err
	}
	if ycc, ok := im.(*image.YCbCr); ok {
		return convertYCbCr(ycc), nil
	}
	return convertRGB(im)
}

// convertYCbCr repeats libjpeg's "fancy" chroma upsampling (jdsample.c) and colour conversion
// (jdcolor.c). Go's own conversion takes the nearest chroma sample, which at 4:2:0 is off by up to
// 87 grey levels and 2.5 on average beside coloured edges.
func convertYCbCr(src *image.YCbCr) *RGB {
	im := NewRGB(src.Rect.Dx(), src.Rect.Dy())
	cb, cr := make([]uint8, im.Width+1), make([]uint8, im.Width+1)
	upsample := chromaUpsampler(src)
	for y := range im.Height {
		upsample(cb, src.Cb, y)
		upsample(cr, src.Cr, y)
		dst, luma := im.row(y), src.Y[y*src.YStride:]
		for x := range im.Width {
			yccToRGB(dst[3*x:3*x+3], luma[x], cb[x], cr[x])
		}
	}
	return im
}

// chromaUpsampler returns what writes one full-width row of a chroma plane; dst has one byte more
// than the image is wide, for the second half of the last sample.
func chromaUpsampler(src *image.YCbCr) func(dst, plane []uint8, y int) {
	width, height := src.Rect.Dx(), src.Rect.Dy()
	half := func(n int) int { return (n + 1) / 2 }
	line := func(plane []uint8, y, n int) []uint8 { return plane[y*src.CStride:][:n] }
	// Rows beyond the picture repeat its first and last row.
	near := func(plane []uint8, y, n int) []uint8 { return line(plane, y/2, n) }
	far := func(plane []uint8, y, n int) []uint8 {
		return line(plane, min(max(y/2-1+2*(y&1), 0), half(height)-1), n)
	}

	// libjpeg smooths across columns only where a chroma row has more than two samples.
	smooth := half(width) > 2
	switch {
	case src.SubsampleRatio == image.YCbCrSubsampleRatio422 && smooth:
		return func(dst, plane []uint8, y int) { upsampleH2V1(dst, line(plane, y, half(width))) }
	case src.SubsampleRatio == image.YCbCrSubsampleRatio420 && smooth:
		return func(dst, plane []uint8, y int) {
			upsampleH2V2(dst, near(plane, y, half(width)), far(plane, y, half(width)))
		}
	case src.SubsampleRatio == image.YCbCrSubsampleRatio440:
		return func(dst, plane []uint8, y int) {
			upsampleH1V2(dst, near(plane, y, width), far(plane, y, width), 1+y&1)
		}
	default: // 4:4:4, and the ratios that libjpeg replicates: 4:1:1 and 4:1:0
		return func(dst, plane []uint8, y int) {
			for x := range width {
				dst[x] = plane[src.COffset(x, y)]
			}
		}
	}
}

// upsampleH2V1 doubles a row: each output lies a quarter of the way to the neighbour. The rounding
// constants alternate, as in libjpeg, so that no bias builds up.
func upsampleH2V1(dst, src []uint8) {
	last := len(src) - 1
	dst[0] = src[0]
	dst[1] = uint8((3*int(src[0]) + int(src[1]) + 2) >> 2)
	for i := 1; i < last; i++ {
		v := 3 * int(src[i])
		dst[2*i] = uint8((v + int(src[i-1]) + 1) >> 2)
		dst[2*i+1] = uint8((v + int(src[i+1]) + 2) >> 2)
	}
	dst[2*last] = uint8((3*int(src[last]) + int(src[last-1]) + 1) >> 2)
	setWithin(dst, 2*last+1, src[last])
}

// upsampleH2V2 doubles a row that is itself three parts the near and one part the far row.
func upsampleH2V2(dst, near, far []uint8) {
	column := func(i int) int { return 3*int(near[i]) + int(far[i]) }
	last := len(near) - 1
	before, here := column(0), column(0)
	for i := range near {
		after := here
		if i < last {
			after = column(i + 1)
		}
		dst[2*i] = uint8((3*here + before + 8) >> 4)
		setWithin(dst, 2*i+1, uint8((3*here+after+7)>>4))
		before, here = here, after
	}
}

func upsampleH1V2(dst, near, far []uint8, rounding int) {
	for i := range near {
		dst[i] = uint8((3*int(near[i]) + int(far[i]) + rounding) >> 2)
	}
}

// setWithin drops the second half of the last sample of an odd row.
func setWithin(dst []uint8, i int, v uint8) {
	if i < len(dst) {
		dst[i] = v
	}
}

// yccToRGB uses libjpeg's constants: 1.402, 1.772, 0.34414 and 0.71414 in 16 fractional bits.
func yccToRGB(dst []uint8, y, cb, cr uint8) {
	const rounding = 1 << 15
	luma, b, r := int(y), int(cb)-128, int(cr)-128
	dst[0] = clampUint8(luma + (91881*r+rounding)>>16)
	dst[1] = clampUint8(luma + (-22554*b-46802*r+rounding)>>16)
	dst[2] = clampUint8(luma + (116130*b+rounding)>>16)
}
