package processor

import (
	"fmt"
	"math"
)

// Normalizer turns the bytes of an image into the pixel values a vision graph reads.
type Normalizer struct {
	table [3][256]float32 // pixel value by channel and byte
}

// NewNormalizer prepares (byte*rescale - mean) / std for each channel, in the precision of the slow
// Hugging Face image processors: the product in float64, rounded to float32, the rest in float32.
// (The fast ones fuse the steps and differ in the last bit.) It refuses what would make pixel
// values infinite or not a number.
func NewNormalizer(rescale float64, mean, std [3]float32) (*Normalizer, error) {
	n := new(Normalizer)
	for channel := range n.table {
		for value := range n.table[channel] {
			scaled := float32(float64(value) * rescale)
			pixel := (scaled - mean[channel]) / std[channel]
			if math.IsNaN(float64(pixel)) || math.IsInf(float64(pixel), 0) {
				return nil, fmt.Errorf("rescale %g, mean %g and std %g of channel %d do not give finite pixel values",
					rescale, mean[channel], std[channel], channel)
			}
			n.table[channel][value] = pixel
		}
	}
	return n, nil
}

// Apply writes the image as three planes, red, green and blue, each row by row: one [3, H, W] item
// of a batch. dst must hold at least 3 * Width * Height values.
func (n *Normalizer) Apply(dst []float32, im *RGB) {
	pixels := im.Width * im.Height
	red, green, blue := dst[:pixels], dst[pixels:2*pixels], dst[2*pixels:3*pixels]
	for i := range pixels {
		pixel := im.Pix[3*i : 3*i+3]
		red[i] = n.table[0][pixel[0]]
		green[i] = n.table[1][pixel[1]]
		blue[i] = n.table[2][pixel[2]]
	}
}
