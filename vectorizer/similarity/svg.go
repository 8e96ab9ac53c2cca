package similarity

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"io"
)

// WriteSVG writes the map alone, transparent, in the pixels of a page of this size: to be laid over the
// page's image by whoever has it. It holds rectangles and nothing else, no script and no reference.
func (m Map) WriteSVG(w io.Writer, page image.Point) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" preserveAspectRatio="none">`, page.X, page.Y)
	fmt.Fprintf(out, `<g fill=%q>`, hex(heatColor))
	for patch, strength := range m.strengths() {
		if strength > 0 {
			fmt.Fprintf(out, `<rect %s fill-opacity="%.2f"/>`, attributes(m.Box(patch, page)), opacity*strength)
		}
	}
	fmt.Fprintf(out, `</g><g fill="none" stroke=%q stroke-width="%d">`, hex(frameColor), frameWidth)
	for _, patch := range m.Best {
		fmt.Fprintf(out, `<rect %s/>`, attributes(m.Box(patch, page)))
	}
	fmt.Fprintf(out, `</g></svg>`)
	return out.Flush() // tells of any write that failed before
}

func attributes(r image.Rectangle) string {
	return fmt.Sprintf(`x="%d" y="%d" width="%d" height="%d"`, r.Min.X, r.Min.Y, r.Dx(), r.Dy())
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
