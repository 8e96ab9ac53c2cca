package processor

import (
	"errors"
	"image"
	"image/jpeg"
)

// decodeInkJPEG decodes a JPEG of four channels. Like Pillow it takes them for inverted, 255 for no ink,
// whatever the file says: Photoshop writes them so, and no segment tells the files that are not.
//
// Go's decoder wants an Adobe segment, which libjpeg does not, and takes the nearest chroma sample. So it
// is told that the channels are CMYK already, and returns them as they are stored.
func decodeInkJPEG(blob []byte, header jpegHeader) (*RGB, error) {
	decoded, err := jpeg.Decode(recolored(blob, nil, adobeAsStored))
	if err != nil {
		return nil, err
	}
	src, ok := decoded.(*image.CMYK)
	if !ok {
		return nil, errors.New("four channels that are no inks")
	}
	if header.subsampled {
		upsampleInks(src)
	}
	if header.adobe != adobeNone && header.adobe != adobeAsStored { // as libjpeg, which knows 2 and guesses the others
		inksFromYCC(src)
	}
	return convertRGB(src)
}

// upsampleInks repeats libjpeg's upsampling of the second and third channel, of which Go repeats each
// sample in two rows and columns.
func upsampleInks(src *image.CMYK) {
	width, height := src.Rect.Dx(), src.Rect.Dy()
	halved := image.NewYCbCr(src.Rect, image.YCbCrSubsampleRatio420)
	for y := 0; y < height; y += 2 {
		for x := 0; x < width; x += 2 {
			from, to := y*src.Stride+4*x, halved.COffset(x, y)
			halved.Cb[to], halved.Cr[to] = 255-src.Pix[from+1], 255-src.Pix[from+2]
		}
	}
	second, third := make([]uint8, width+1), make([]uint8, width+1)
	upsample := chromaUpsampler(halved)
	for y := range height {
		upsample(second, halved.Cb, y)
		upsample(third, halved.Cr, y)
		row := src.Pix[y*src.Stride:]
		for x := range width {
			row[4*x+1], row[4*x+2] = 255-second[x], 255-third[x]
		}
	}
}

// inksFromYCC makes cyan, magenta and yellow of luma and chroma. libjpeg's ycck_cmyk_convert inverts RGB,
// and the inversion of the file undoes it.
func inksFromYCC(src *image.CMYK) {
	for i := 0; i+4 <= len(src.Pix); i += 4 {
		inks := src.Pix[i : i+3]
		yccToRGB(inks, 255-inks[0], 255-inks[1], 255-inks[2])
	}
}
