package processor

// RGB is an image of packed pixels, three bytes each, rows from top to bottom without padding.
type RGB struct {
	Pix           []uint8 // len = 3 * Width * Height
	Width, Height int
}

// NewRGB returns a black image.
func NewRGB(width, height int) *RGB {
	return &RGB{Pix: make([]uint8, 3*width*height), Width: width, Height: height}
}

func (im *RGB) row(y int) []uint8 {
	stride := 3 * im.Width
	return im.Pix[y*stride : (y+1)*stride]
}
